import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Agent from "../support/agent/agentProcess.js"

const { AgentProcess, failsWith, interpreters, run, shell } = Agent
const main = ({ results }: { readonly results: ReadonlyArray<Record<string, unknown>> }) =>
  results.find((result) => result["isMainResult"] === true)?.["text/plain"]

describe.skipIf(process.platform !== "linux")("agent", () => {
  describe.skipIf(interpreters.python === undefined)("python", () => {
    layer(Agent.layer)("kernel", (it) => {
      const python = (code: string, options?: object) => run("python", code, options)

      it.effect("keeps its state and shows the last value", () =>
        Effect.gen(function*() {
          assert.strictEqual((yield* python("import math\nx = 20\nx + 1")).executionCount, 1)
          const second = yield* python("x = x * 2; x")
          assert.strictEqual(main(second), "40")
          assert.strictEqual(second.executionCount, 2)
          assert.isFalse(second.kernelRestarted)
          for (const silent of ["x;", "x = 1", "None", "(x\n);", "# only a comment", "def f(): pass"]) {
            assert.deepStrictEqual((yield* python(silent)).results, [], silent)
          }
        }))

      it.effect("gives output to the run that made it", () =>
        Effect.gen(function*() {
          const runs = yield* Effect.all(
            Array.from({ length: 20 }, (_, index) =>
              python(
                `import os, sys\nos.system("echo sub${index}; echo err${index} >/dev/stderr")\nprint("own${index}")`
              )),
            { concurrency: "unbounded" }
          )
          runs.forEach(({ stderr, stdout }, index) => {
            assert.strictEqual(stdout, `sub${index}\nown${index}\n`)
            assert.strictEqual(stderr, `err${index}\n`)
          })
        }))

      it.effect("streams output as it comes", () =>
        Effect.gen(function*() {
          const { begin, home } = yield* AgentProcess
          const code = `import os\nprint('a')\nwhile not os.path.exists('${home}/seen'): pass\nprint('b')`
          const args = { language: "python", code, stream: true, timeoutMs: 15_000 }
          const { answer } = begin("runCode", args, undefined, () => Fs.writeFileSync(`${home}/seen`, ""))
          const { events } = yield* Effect.promise(() => answer)
          assert.deepStrictEqual(events.map(({ text }) => text), ["a\n", "b\n"])
        }))

      it.effect("shows the user's own lines and no others in a traceback", () =>
        Effect.gen(function*() {
          const first = yield* python("def divide(a, b):\n    return a / b")
          const { error } = yield* python("\ndivide(1, 0)")
          assert.strictEqual(error?.name, "ZeroDivisionError")
          assert.strictEqual(error?.value, "division by zero")
          const lines = (error?.traceback ?? "").split("\n").filter((line) => !/^[\s~^]*$/.test(line))
          assert.deepStrictEqual(lines, [
            "Traceback (most recent call last):",
            `  File "<run ${first.executionCount + 1}>", line 2, in <module>`,
            "    divide(1, 0)",
            `  File "<run ${first.executionCount}>", line 2, in divide`,
            "    return a / b",
            "ZeroDivisionError: division by zero"
          ])
          assert.strictEqual((yield* python("def (:")).error?.name, "SyntaxError")
          assert.strictEqual((yield* python("import sys; sys.exit(3)")).error?.name, "SystemExit")
          assert.include((yield* python("input('?')")).error?.value, "not available")
        }))

      it.effect("shows values in every form they have", () =>
        Effect.gen(function*() {
          const { results } = yield* python([
            "from IPython.display import HTML, JSON, Markdown, display",
            "class Picture:",
            "  def _repr_png_(self): return b'\\x89PNG'",
            "class Bundle:",
            "  def _repr_mimebundle_(self, **_): return {'text/plain': 'b', 'application/vnd.vegalite.v4+json': {'mark': 1}}",
            "display(HTML('<b>x</b>'), Picture(), raw=False)",
            "display(Bundle())",
            "JSON({'a': [1, None]})"
          ].join("\n"))
          assert.strictEqual(results[0]?.["text/html"], "<b>x</b>")
          assert.strictEqual(results[1]?.["image/png"], Buffer.from("\x89PNG", "latin1").toString("base64"))
          assert.deepStrictEqual(results[2], {
            "text/plain": "b",
            "application/vnd.vegalite.v4+json": { mark: 1 },
            isMainResult: false
          })
          assert.deepInclude(results[3], { "application/json": { a: [1, null] }, isMainResult: true })
        }))

      it.effect("gives JSON that is too heavy or too deep as text", () =>
        Effect.gen(function*() {
          const { results } = yield* python([
            "from IPython.display import JSON, display",
            "class Deep:",
            "  def _repr_mimebundle_(self, **_): return {'application/json': '[' * 500 + ']' * 500}",
            "for _ in range(2): display(JSON([{}] * 100_000))",
            "display(Deep())",
            "JSON([1] * 100_000)"
          ].join("\n"))
          const kinds = results.map((result) => typeof result["application/json"])
          assert.deepStrictEqual(kinds, ["object", "string", "string", "object"])
        }))

      it.effect("awaits at the top level", () =>
        Effect.gen(function*() {
          assert.strictEqual(main(yield* python("import asyncio\nawait asyncio.sleep(0.01, 'slept')")), "'slept'")
          assert.strictEqual(main(yield* python("async def f(): return 2\ny = await f()\ny + await f()")), "4")
        }))

      it.effect("survives text that is no Unicode, and large results", () =>
        Effect.gen(function*() {
          assert.strictEqual((yield* python("print('\\ud800 é')")).stdout, "\\ud800 é\n")
          assert.strictEqual(
            main(yield* python("class S:\n  def __repr__(self): return '\\ud800\\t\\n\\x01\\n'\nS()")),
            "\\ud800\t\n\u0001"
          )
          const large = yield* python("'x' * 30_000_000")
          assert.match(String(main(large)), /more characters\)$/)
          assert.strictEqual(main(yield* python("1")), "1")
        }))

      it.effect("cuts output at the limit and goes on", () =>
        Effect.gen(function*() {
          const flood = yield* python("for i in range(50_000): print('0123456789')\n'end'", { maxOutputBytes: 1000 })
          assert.strictEqual(main(flood), "'end'")
          assert.deepInclude(flood.value, { stdoutBytes: 1000, stdoutTruncated: true })
          assert.strictEqual((yield* python("print('next')")).stdout, "next\n")
        }))

      it.effect("is interrupted after its time and keeps its state", () =>
        Effect.gen(function*() {
          yield* python("kept = 'state'")
          const loop = yield* python("print('begun')\nwhile True: pass", { timeoutMs: 200 })
          assert.strictEqual(loop.timedOut, "interrupted")
          assert.strictEqual(loop.error?.name, "KeyboardInterrupt")
          assert.strictEqual(loop.stdout, "begun\n")
          const child = yield* python("import os\nos.system('sleep 10')", { timeoutMs: 200 })
          assert.strictEqual(child.timedOut, "interrupted")
          const next = yield* python("kept")
          assert.strictEqual(main(next), "'state'")
          assert.isFalse(next.kernelRestarted)
        }))

      it.effect("is killed when it does not give in, and starts afresh", () =>
        Effect.gen(function*() {
          yield* python("kept = 'state'")
          const stubborn = "import time\nwhile True:\n  try: time.sleep(10)\n  except KeyboardInterrupt: print('no')"
          const killed = yield* python(stubborn, { timeoutMs: 150 })
          assert.strictEqual(killed.timedOut, "killed")
          assert.strictEqual(killed.stdout, "no\n")
          const next = yield* python("'kept' in dir()")
          assert.isTrue(next.kernelRestarted)
          assert.strictEqual(main(next), "False")
          assert.isFalse((yield* python("1")).kernelRestarted)
        }))

      it.effect("is replaced when it dies", () =>
        Effect.gen(function*() {
          const died = yield* python("import os\nprint('last words', flush=True)\nos.kill(os.getpid(), 9)")
          assert.strictEqual(died.died, "signal SIGKILL")
          assert.strictEqual(died.stdout, "last words\n")
          assert.strictEqual((yield* python("import os; os._exit(4)")).died, "exit code 4")
          const next = yield* python("1 + 1")
          assert.deepInclude(next, { kernelRestarted: true, died: null })
          assert.strictEqual(main(next), "2")
        }))

      it.effect("is interrupted when the call is cancelled", () =>
        Effect.gen(function*() {
          const { begin, post } = yield* AgentProcess
          yield* python("1")
          const running = begin("runCode", {
            language: "python",
            code: "import time; time.sleep(20)",
            timeoutMs: 30_000
          })
          const queued = begin("runCode", { language: "python", code: "1", timeoutMs: 30_000 })
          yield* shell("sleep 0.1")
          post({ op: "cancel", target: queued.id })
          post({ op: "cancel", target: running.id })
          const { value } = yield* Effect.promise(() => running.answer)
          assert.deepInclude(value, { timedOut: null, died: null })
          assert.deepInclude(value["error"], { name: "KeyboardInterrupt" })
          failsWith(yield* Effect.promise(() => queued.answer), "EFAIL")
        }))

      it.effect("gives its threads a moment, and tells what is still going on", () =>
        Effect.gen(function*() {
          const waited = yield* python("import threading\nthreading.Timer(0.2, lambda: print('timer')).start()")
          assert.deepInclude(waited, { stdout: "timer\n", stderr: "", error: null })
          const waiting = "threading.Thread(target=threading.Event().wait, args=(60,)).start()"
          const left = yield* python(waiting, { timeoutMs: 500 })
          assert.deepInclude(left, { stderr: "[still going on: 1 thread]\n", error: null, timedOut: null })
          assert.deepInclude(yield* python("1"), { stderr: "", error: null })
          const daemon = yield* python("threading.Thread(target=threading.Event().wait, daemon=True).start()")
          assert.strictEqual(daemon.stderr, "")
        }))

      it.effect("tells apart what comes between two runs", () =>
        Effect.gen(function*() {
          const { executionCount } = yield* python(
            "import threading\nlate = threading.Timer(0.5, lambda: print('late'))\nlate.daemon = True\nlate.start()"
          )
          yield* shell("sleep 1")
          const next = yield* python("print('now')")
          assert.strictEqual(next.stdout, "now\n")
          assert.strictEqual(next.stderr, `[from after run ${executionCount} had ended]\nlate\n`)
        }))

      it.effect("takes code larger than a pipe holds", () =>
        Effect.gen(function*() {
          assert.strictEqual(main(yield* python(`x = '${"é".repeat(300_000)}'\nlen(x)`)), "300000")
        }))

      it.effect("is not confused by a forked child", () =>
        Effect.gen(function*() {
          const forked = yield* python("import os\nif os.fork() == 0: os.write(1, b'child ')\nelse: os.wait()\n'one'")
          assert.strictEqual(main(forked), "'one'")
          assert.strictEqual(forked.stdout, "child ")
        }))
    })
  })

  layer(Agent.layer)("javascript", (it) => {
    const script = (code: string, options?: object) => run("javascript", code, options)

    it.effect("keeps its state, allows a second declaration and shows the last value", () =>
      Effect.gen(function*() {
        yield* script("const a = 1; let b = 2; class C {}")
        assert.strictEqual(main(yield* script("const a = 40; let b = 2; class C { d = 1 }\na + b")), "42")
        assert.strictEqual(main(yield* script("({ a, list: [new C()] })")), "{ a: 40, list: [ C { d: 1 } ] }")
        assert.deepStrictEqual((yield* script("undefined")).results, [])
        assert.strictEqual(main(yield* script("1n")), "1n")
      }))

    it.effect("awaits, imports and requires", () =>
      Effect.gen(function*() {
        assert.strictEqual(
          main(yield* script("await new Promise((r) => setTimeout(() => r('waited'), 10))")),
          "'waited'"
        )
        assert.strictEqual(main(yield* script("Promise.resolve(7)")), "7")
        const code =
          "import os, { EOL as end } from \"node:os\"\nimport * as path from 'path'\n[os.EOL === end, path.sep]"
        assert.strictEqual(main(yield* script(code)), "[ true, '/' ]")
        assert.strictEqual(main(yield* script("(await import('node:path')).sep + require('path').sep")), "'//'")
        assert.strictEqual(main(yield* script("'import x from \"y\"; import(1)'")), "'import x from \"y\"; import(1)'")
      }))

    it.effect("finds no module of the kernel itself", () =>
      Effect.gen(function*() {
        assert.strictEqual(
          main(yield* script("[process.mainModule, require.main === module, ...Object.keys(require.cache)]")),
          "[ undefined, true ]"
        )
      }))

    it.effect("finds modules beside the code", () =>
      Effect.gen(function*() {
        const { home } = yield* AgentProcess
        Fs.writeFileSync(Path.join(home, "mine.mjs"), "export default 5")
        Fs.writeFileSync(Path.join(home, "other.cjs"), "module.exports = 6")
        assert.strictEqual(main(yield* script("import mine from './mine.mjs'\nmine + require('./other.cjs')")), "11")
      }))

    it.effect("gives output to the run that made it", () =>
      Effect.gen(function*() {
        const runs = yield* Effect.all(
          Array.from({ length: 10 }, (_, index) =>
            script(
              `require("child_process").execSync("echo sub${index}", { stdio: "inherit" })\n` +
                `console.log("log${index}"); console.error("err${index}"); process.stdout.write("end")\nundefined`
            )),
          { concurrency: "unbounded" }
        )
        runs.forEach(({ stderr, stdout }, index) => {
          assert.strictEqual(stdout, `sub${index}\nlog${index}\nend`)
          assert.strictEqual(stderr, `err${index}\n`)
        })
      }))

    it.effect("tells errors with the user's own lines", () =>
      Effect.gen(function*() {
        const { error, executionCount } = yield* script("\nfunction fail() {\n  throw new TypeError('no')\n}\nfail()")
        assert.deepStrictEqual(error, {
          name: "TypeError",
          value: "no",
          traceback: `TypeError: no\n    at fail (run-${executionCount}:3:9)\n    at run-${executionCount}:5:1`
        })
        const syntax = yield* script("let ok = 1\nlet wrong = ;")
        assert.deepInclude(syntax.error, { name: "SyntaxError", value: "Unexpected token ';'" })
        assert.include(syntax.error?.traceback, `run-${syntax.executionCount}:2\nlet wrong = ;\n            ^`)
        assert.deepInclude((yield* script("throw { odd: 1 }")).error, { value: "{ odd: 1 }" })
        assert.deepInclude((yield* script("await Promise.reject(new RangeError('r'))")).error, { name: "RangeError" })
      }))

    it.effect("reports what fails between two runs, and lives", () =>
      Effect.gen(function*() {
        const lost = yield* script("Promise.reject(new Error('lost')); 0")
        assert.deepInclude(lost.error, { name: "Error", value: "lost" })
        const first = yield* script(
          "var kept = 1; var once = setInterval(() => { clearInterval(once); throw new Error('late') }, 5)"
        )
        yield* shell("sleep 0.1")
        const { results, stderr } = yield* script("kept")
        assert.include(first.stderr + stderr, "Uncaught Error: late")
        assert.strictEqual(results[0]?.["text/plain"], "1")
      }))

    for (
      const [title, code] of [
        ["a loop", "for (;;);"],
        ["a loop after an await", "await null; for (;;);"],
        ["a loop of awaits", "for (;;) await null"],
        ["a loop in a timer", "await new Promise(() => setTimeout(() => { for (;;); }, 1))"],
        ["a promise without end", "await new Promise(() => {})"],
        ["a child", "require('child_process').execSync('sleep 10')"]
      ] as const
    ) {
      it.effect(`is interrupted in ${title} and keeps its state`, () =>
        Effect.gen(function*() {
          yield* script("var kept = 'state'")
          const stopped = yield* script(code, { timeoutMs: 150 })
          assert.strictEqual(stopped.timedOut, "interrupted")
          assert.isNotNull(stopped.error)
          const next = yield* script("kept")
          assert.strictEqual(main(next), "'state'")
          assert.isFalse(next.kernelRestarted)
        }))
    }

    it.effect("is replaced when the code ends it", () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* script("console.log('bye'); process.reallyExit(3)")).died, "exit code 3")
        const next = yield* script("typeof kept")
        assert.isTrue(next.kernelRestarted)
        assert.strictEqual(main(next), "'undefined'")
      }))
  })

  describe.skipIf(interpreters.r === undefined)("r", () => {
    layer(Agent.layer)("kernel", (it) => {
      it.effect("keeps its state, shows values and tells streams apart", () =>
        Effect.gen(function*() {
          yield* run("r", "x <- 20")
          const shown = yield* run(
            "r",
            "x\nsystem('echo sub'); cat('out\\n'); message('note'); warning('careful'); x * 2 + 2"
          )
          assert.strictEqual(main(shown), "[1] 42")
          assert.strictEqual(shown.stdout, "[1] 20\nsub\nout\n")
          assert.strictEqual(shown.stderr, "note\nWarning message: careful\n")
          assert.deepStrictEqual((yield* run("r", "invisible(x)")).results, [])
          assert.strictEqual(main(yield* run("r", "paste0('é', \"'\")")), "[1] \"é'\"")
        }))

      it.effect("tells errors", () =>
        Effect.gen(function*() {
          const { error, executionCount } = yield* run(
            "r",
            "f <- function(n) stop('bad ', n)\ng <- function() f(3)\ng()"
          )
          assert.deepStrictEqual(error, {
            name: "simpleError",
            value: "bad 3",
            traceback: "Error in f(3): bad 3\n    at run-5:1\n2: f(3) at run-5:2\n1: g() at run-5:3".replaceAll(
              "run-5",
              `run-${executionCount}`
            )
          })
          assert.include((yield* run("r", "1 +")).error?.value, "unexpected end of input")
        }))

      it.effect("is interrupted and keeps its state, or dies and is replaced", () =>
        Effect.gen(function*() {
          yield* run("r", "kept <- 1")
          const loop = yield* run("r", "while (TRUE) {}", { timeoutMs: 200 })
          assert.deepInclude(loop, { timedOut: "interrupted", died: null })
          assert.strictEqual(main(yield* run("r", "kept")), "[1] 1")
          assert.strictEqual((yield* run("r", "tools::pskill(Sys.getpid(), 9)")).died, "signal SIGKILL")
          assert.isTrue((yield* run("r", "1")).kernelRestarted)
        }))
    })
  })

  describe.skipIf(interpreters.java === undefined)("java", () => {
    layer(Agent.layer)("kernel", (it) => {
      it.effect("keeps its state, shows values and tells streams apart", () =>
        Effect.gen(function*() {
          yield* run(
            "java",
            "import java.util.*;\nint square(int n) {\n  return n * n;\n}\nList<Integer> list = List.of(1, 2);"
          )
          const shown = yield* run(
            "java",
            "System.out.println(list); System.err.print(\"err\");\nsquare(6) + list.size()"
          )
          assert.strictEqual(main(shown), "38")
          assert.strictEqual(shown.stdout, "[1, 2]\n")
          assert.strictEqual(shown.stderr, "err")
          assert.deepStrictEqual((yield* run("java", "int y = 5;")).results, [])
          const printed = yield* run("java", "System.out.printf(\"%d%n\", y);")
          assert.deepInclude(printed, { error: null, results: [], stdout: "5\n" })
        }))

      it.effect("tells errors with the user's own lines", () =>
        Effect.gen(function*() {
          const { error, executionCount } = yield* run(
            "java",
            "void fail() {\n  throw new IllegalStateException(\"no\");\n}\nfail();"
          )
          assert.deepStrictEqual(error, {
            name: "IllegalStateException",
            value: "no",
            traceback:
              `java.lang.IllegalStateException: no\n    at fail(run-${executionCount}:2)\n    at run-${executionCount}:4`
          })
          const compile = yield* run("java", "int ok = 1;\nint wrong = \"text\";")
          assert.strictEqual(compile.error?.name, "CompileError")
          assert.include(compile.error?.traceback, `run-${compile.executionCount}:2: error: incompatible types`)
          const unknown = yield* run("java", "int g() {\n  return h() + missing;\n}\nint h() {\n  return 1;\n}")
          // As in jshell, what is missing may still be declared.
          assert.deepInclude(unknown, {
            error: null,
            stderr: "created method g(), however, it cannot be invoked until variable missing is declared\n"
          })
          const called = yield* run("java", "int before = 1;\ng()")
          assert.strictEqual(called.error?.name, "UnresolvedReferenceException")
          assert.include(called.error?.value, "g() which cannot be invoked until variable missing is declared")
          assert.include(called.error?.traceback, `run-${called.executionCount}:2`)
          const forward = yield* run(
            "java",
            "int even(int n) {\n  return odd(n - 1);\n}\nint odd(int n) {\n  return n;\n}\neven(3)"
          )
          assert.strictEqual(main(forward), "2")
        }))

      it.effect(
        "tells the code's own exceptions by their names, and what a thread does not catch",
        () =>
          Effect.gen(function*() {
            const thrown = yield* run(
              "java",
              "class Own extends RuntimeException {\n  Own(String text, Throwable cause) {\n    super(text, cause);\n  }\n}\n" +
                "throw new Own(\"out\", new Own(\"in\", null));"
            )
            const place = `at run-${thrown.executionCount}:6`
            assert.deepStrictEqual(thrown.error, {
              name: "Own",
              value: "out",
              traceback: `Own: out\n    ${place}\nCaused by: Own: in\n    ${place}`
            })
            assert.include(
              (yield* run("java", "class Other {}\nObject other = new Other();\n(Own) other")).error?.value,
              "class Other cannot be cast to class Own"
            )
            const apart = yield* run(
              "java",
              "Thread apart = new Thread(() -> { throw new Own(\"apart\", null); }, \"worker\");\n" +
                "apart.start();\napart.join();\n5"
            )
            assert.strictEqual(main(apart), "5")
            assert.match(apart.stderr, /^Exception in thread "worker" Own: apart\n {4}at lambda/)
          })
      )

      it.effect("is interrupted and keeps its state, or dies and is replaced", () =>
        Effect.gen(function*() {
          yield* run("java", "int kept = 1;")
          assert.strictEqual((yield* run("java", "System.in.read()")).results[0]?.["text/plain"], "-1")
          const loop = yield* run("java", "while (true) {}", { timeoutMs: 400 })
          assert.deepInclude(loop, { timedOut: "interrupted", died: null })
          assert.strictEqual(main(yield* run("java", "kept")), "1")
          assert.strictEqual((yield* run("java", "Runtime.getRuntime().halt(3);")).died, "exit code 3")
        }))
    })
  })

  it.scoped("says what is missing for a language", () =>
    Effect.gen(function*() {
      const directory = Fs.mkdtempSync("/tmp/agb-java-")
      const java = Path.join(directory, "java")
      Fs.writeFileSync(java, "#!/bin/sh\necho 'Kernel.java:15: error: package jdk.jshell does not exist' >&2\nexit 1\n")
      Fs.chmodSync(java, 0o755)
      const { call } = yield* Agent.make({ interpreters: { node: process.execPath, java, python: "/no/python" } })
      const fails = (language: string, code: string, words: string) =>
        Effect.map(call("runCode", { language, code: "1", timeoutMs: 1000 }), (answer) => {
          failsWith(answer, code)
          assert.include(answer.message, words)
        })
      yield* fails("r", "UNAVAILABLE", "R is not installed: install R")
      yield* fails("java", "UNAVAILABLE", "without jdk.jshell: install a JDK 17")
      yield* fails("python", "ENOENT", "/no/python")
      yield* fails("cobol", "EINVAL", "known are python, javascript, java, r")
      yield* fails("constructor", "EINVAL", "Unsupported language")
      Fs.rmSync(directory, { recursive: true })
    }))
})
