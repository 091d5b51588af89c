/** Code contexts: what they show, and what becomes of them when replies, kernels or sessions are lost. */
import { type Code, Session } from "@effect-agb/core"
import { LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { AGB } from "@effect-agb/platform-node/AgbPromise"
import { assert, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Redacted, Scope, Stream } from "effect"
import { failsWith } from "../support/failsWith.js"
import { make as makeProxy } from "../support/faultProxy.js"
import { type Fault, lostReply, lostRequest, unavailable } from "../support/faults.js"
import { best, languagesOf, layerWith, serverLayer } from "../support/runtime.js"

const imageId = "agb-code-space-1"

const languages = await languagesOf(best)

const hasPython = languages.includes("python")

const figure = `
import matplotlib.pyplot as plt
plt.plot([1, 2]); plt.show()
print("between")
plt.plot([3]); plt.plot([4])
figure, _ = plt.subplots()
figure`

const imagesOf = (results: Code.CodeResult["results"]) =>
  results.map(({ data }) => Buffer.from(String(data["image/png"] ?? ""), "base64").toString("latin1", 1, 4))

it.live.skipIf(!hasPython)(
  "Python: figures, rich values, top-level await, and what escapes a run",
  () =>
    Session.use({ imageId }, ({ code, command }) =>
      Effect.scoped(Effect.gen(function*() {
        const context = yield* code.context({ language: "python" })
        const rich = yield* context.runCode("class A:\n  def _repr_html_(self): return '<b>A</b>'\nA()")
        assert.strictEqual(rich.results[0]?.data["text/html"], "<b>A</b>")
        const awaited = yield* context.runCode("import asyncio\nawait asyncio.sleep(0.01)\n'done'")
        assert.strictEqual(awaited.text, "'done'")
        assert.strictEqual((yield* context.runCode("_ + '!';")).results.length, 0)
        const exit = yield* failsWith(context.runCode("raise SystemExit(3)"), "CodeExecutionError")
        assert.deepInclude({ ...exit }, { name: "SystemExit", stateKept: true })
        const shell = yield* context.runCode(
          "import subprocess\nx = subprocess.run(['sh', '-c', 'echo out; echo err >&2'])"
        )
        assert.deepStrictEqual([shell.stdout, shell.stderr], ["out\n", "err\n"])
        assert.strictEqual((yield* failsWith(context.runCode("input()"), "CodeExecutionError")).name, "EOFError")
        const { exitCode } = yield* command.executeCommand("python3 -c 'import matplotlib'", {
          acceptExitCodes: [0, 1]
        })
        if (exitCode !== 0) return
        const { results, stdout } = yield* context.runCode(figure)
        assert.deepStrictEqual(imagesOf(results), ["PNG", "PNG", "PNG"])
        assert.strictEqual(stdout, "between\n")
      }))).pipe(Effect.provide(layerWith(best)))
)

it.live.skipIf(!hasPython)(
  "JavaScript: declared again, awaited, required, and errors of timers",
  () =>
    Session.use({ imageId }, ({ code }) =>
      Effect.scoped(Effect.gen(function*() {
        const context = yield* code.context({ language: "js" })
        assert.strictEqual(context.language, "javascript")
        yield* context.runCode("const a = 1")
        assert.strictEqual(
          (yield* context.runCode("const a = await Promise.resolve({ b: [2] }); a")).text,
          "{ b: [ 2 ] }"
        )
        assert.strictEqual((yield* context.runCode("require('node:path').join('x', 'y')")).text, "'x/y'")
        // The kernel has such names too.
        assert.strictEqual((yield* context.runCode("const inspect = 1; class Session {}; inspect")).text, "1")
        const raised = yield* failsWith(context.runCode("function f() { null.x }\nf()"), "CodeExecutionError")
        assert.match(raised.traceback, /^TypeError: .*\n    at f \(<anonymous>:1:[^]*<anonymous>:2:1\)?$/)
        const late = "setTimeout(() => { throw new Error('late') }, 1); await new Promise((go) => setTimeout(go, 100))"
        const told = yield* Effect.match(context.runCode(late), {
          onFailure: String,
          onSuccess: ({ stderr }) => stderr
        })
        assert.include(told, "Uncaught Error: late")
        assert.strictEqual((yield* context.runCode("a.b[0]")).text, "2")
      }))).pipe(Effect.provide(layerWith(best)))
)

it.live.skipIf(!languages.includes("java"))(
  "Java: definitions that refer to each other, and errors at their lines",
  () =>
    Session.use({ imageId }, ({ code }) =>
      Effect.scoped(Effect.gen(function*() {
        const context = yield* code.context({ language: "java" })
        const refused = (source: string) => failsWith(context.runCode(source), "CodeExecutionError")
        const mutual = "int f(int n) { return n == 0 ? 7 : g(n - 1); }\nint g(int n) { return f(n); }\nf(3)"
        assert.strictEqual((yield* context.runCode(mutual)).text, "7")
        const missing = yield* refused("int x = 1;\nvoid h() { nowhere(); }")
        assert.strictEqual(missing.name, "CompileError")
        assert.match(missing.traceback, /^run-2:2: error: cannot find symbol.*nowhere/)
        const wrong = yield* refused("var list = List.of(1);\nint y = list;")
        assert.match(wrong.traceback, /^run-3:2: error: incompatible types[^]*\nint y = list;\n {8}\^$/)
        const thrown = yield* refused("int d(int n) {\n  return 1 / n;\n}\nd(0)")
        assert.deepStrictEqual([thrown.name, thrown.value], ["ArithmeticException", "/ by zero"])
        assert.match(thrown.traceback, /at d\(run-4:2\)\n +at run-4:4$/)
        const named = yield* refused("class Own {}\nthrow new IllegalStateException(Own.class.getCanonicalName())")
        assert.strictEqual(named.value, "Own")
        const escaped = yield* context.runCode("\"\\t\\\"\\u0001 🎈\" + x")
        assert.strictEqual(escaped.text, "\"\\t\\\"\\001 🎈1\"")
        assert.deepStrictEqual((yield* context.runCode("System.out.printf(\"%d%n\", 5)")).results, [])
      }))).pipe(Effect.provide(layerWith(best)))
)

it.live.skipIf(!hasPython)(
  "replies that are lost neither run code twice nor lose what it has printed",
  () =>
    Effect.gen(function*() {
      const { apiKey, endpoint } = yield* LocalAgb.LocalAgb
      const proxy = yield* makeProxy(endpoint, Redacted.value(apiKey))
      const strike: ReadonlyArray<Fault> = [lostReply, unavailable("after"), lostRequest]
      const program = Session.use({ imageId }, ({ code }) =>
        Effect.scoped(Effect.gen(function*() {
          const context = yield* code.context({ language: "python" })
          yield* context.runCode("n = 0")
          proxy.faults.always("shell", (nth) => nth % 2 === 0 ? strike[(nth / 2) % strike.length] : undefined)
          for (const expected of [1, 2, 3]) {
            const run = yield* context.runCode("n += 1\nprint('x' * 1000 * n)\nn")
            assert.deepStrictEqual([run.text, run.stdout], [String(expected), `${"x".repeat(1000 * expected)}\n`])
          }
          proxy.faults.clear()
        })))
      const retry = { baseDelay: Duration.millis(5), maxDelay: Duration.millis(50), maxAttempts: 8 }
      yield* Effect.provide(program, NodeAgb.layer({ apiKey, endpoint: proxy.endpoint, retry }))
    }).pipe(Effect.scoped, Effect.provide(serverLayer()))
)

it.live.skipIf(!hasPython)(
  "what becomes of a run is only ever what its session has told",
  () =>
    Session.use({ imageId }, ({ code, command }) =>
      Effect.gen(function*() {
        const scope = yield* Effect.scope
        const context = yield* code.context({ language: "python" })
        const { stdout } = yield* context.runCode("import os\nprint(os.getppid())")
        const killed = yield* Effect.flip(Effect.zipRight(
          Stream.runForEach(
            context.runCodeStream("import time\nprint('begun')\ntime.sleep(100)"),
            () => command.executeCommand(`kill -9 ${stdout}`)
          ),
          Effect.void
        ))
        assert.deepInclude({ ...killed }, { _tag: "ExecutionUnknownError", stdout: "begun\n", stateKept: false })
        assert.strictEqual((yield* context.runCode("6 * 7")).text, "42")

        const dying = "import os\nprint(os.getpid(), flush=True)\nos._exit(3)"
        const dead = yield* Effect.flip(Stream.runForEach(
          context.runCodeStream(dying),
          (event) =>
            event._tag !== "Stdout" ? Effect.void : Effect.zipRight(
              command.executeCommand(`while kill -0 ${event.text.trim()} 2>/dev/null; do sleep 0.02; done`),
              context.interrupt
            )
        ))
        assert.deepInclude({ ...dead }, { _tag: "CodeExecutionError", name: "KernelDied", stateKept: false })

        const run = yield* Effect.scoped(Effect.gen(function*() {
          const other = yield* Session.make({ imageId })
          const lost = yield* Effect.provideService(other.code.context({ language: "python" }), Scope.Scope, scope)
          const running = yield* Effect.forkDaemon(lost.runCode("import time\ntime.sleep(100)"))
          yield* Effect.sleep("500 millis")
          return running
        }))
        yield* failsWith(Fiber.join(run), "SessionLostError")
      }).pipe(Effect.scoped)).pipe(Effect.provide(layerWith(best)))
)

it.live.skipIf(!hasPython)(
  "promises: a context runs, tells, is interrupted, restarted and closed",
  () =>
    Effect.promise(async () => {
      await using agb = AGB.local({ isolation: best.level === "none" ? "none" : "auto" })
      await agb.withSession({ imageId }, async ({ code, command }) => {
        const opened = await code.context({ language: "py", envs: { A: "b" } })
        if (!opened.success) throw opened.error
        const { context } = opened
        assert.strictEqual(context.language, "python")
        const told: Array<string> = []
        const run = await context.runCode("import os\nx = 41\nprint(os.environ['A'])\nx + 1", 60, {
          onStdout: (text) => told.push(text),
          onResult: ({ data }) => told.push(String(data["text/plain"]))
        })
        assert.deepStrictEqual([run.success && run.result, told], ["42", ["b\n", "42"]])
        for await (const event of context.runCodeStream("import time\nprint('begun')\ntime.sleep(100)")) {
          assert.strictEqual(event._tag, "Stdout")
          break
        }
        const running = context.runCode("time.sleep(100)")
        for (let ended = false; !ended;) {
          await context.interrupt()
          ended = await Promise.race([running.then(() => true), new Promise<false>((go) => setTimeout(go, 200, false))])
        }
        const { error } = await running
        assert.deepInclude({ ...error }, { name: "KeyboardInterrupt", stateKept: true })
        const aborting = new AbortController()
        const aborted = context.runCode("time.sleep(100)", 60, { signal: aborting.signal })
        aborting.abort(new Error("enough"))
        assert.strictEqual(await aborted.catch((error: Error) => error.message), "enough")
        assert.strictEqual((await context.runCode("x")).success, true)
        assert.isTrue((await context.restart()).success)
        assert.strictEqual((await context.runCode("x")).success, false)
        assert.strictEqual((await code.context({ language: "perl" })).error?._tag, "InvalidRequestError")
        await context[Symbol.asyncDispose]()
        assert.deepStrictEqual((await command.listProcesses()).data, [])
      })
    })
)
