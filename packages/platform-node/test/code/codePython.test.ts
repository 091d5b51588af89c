import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as Agent from "../support/agent/agentProcess.js"

const { interpreters } = Agent
const python = (code: string, options?: object) => Agent.run("python", code, options)

const main = ({ results }: { readonly results: ReadonlyArray<Record<string, unknown>> }) =>
  results.find((result) => result["isMainResult"] === true)?.["text/plain"]

const has = (module: string) =>
  interpreters.python !== undefined && spawnSync(interpreters.python, ["-c", `import ${module}`]).status === 0

const marksErrors = interpreters.python !== undefined &&
  spawnSync(interpreters.python, ["-c", "import sys; sys.exit(sys.version_info < (3, 11))"]).status === 0

const isPng = (image: unknown) => String(image).startsWith("iVBORw0KGgo")

describe.skipIf(interpreters.python === undefined || process.platform !== "linux")("python kernel", () => {
  layer(Agent.layer)("results", (it) => {
    it.effect("come in order with the output, while the code runs", () =>
      Effect.gen(function*() {
        const code = "print('a', end=''); display(1); print('b', flush=True); display('c'); print('d'); 5"
        const { events } = yield* python(code, { stream: true })
        const told = events.map(({ event, text }) => event === "result" ? JSON.parse(text) : text)
        assert.deepStrictEqual(told, [
          "a",
          { "text/plain": "1", isMainResult: false },
          "b\n",
          { "text/plain": "'c'", isMainResult: false },
          "d\n",
          { "text/plain": "5", isMainResult: true }
        ])
      }))

    it.effect("stay in order after an interrupt amid results", () =>
      Effect.gen(function*() {
        const flood = yield* python("while True: display(1)", { stream: true, timeoutMs: 150 })
        assert.strictEqual(flood.timedOut, "interrupted")
        const { events } = yield* python("display(1); print('after')", { stream: true })
        assert.deepStrictEqual(events.map(({ event }) => event), ["result", "stdout"])
      }))

    it.effect("and output that wait together do not disturb each other", () =>
      Effect.gen(function*() {
        const { error, results, stdout } = yield* python([
          "import os, signal, subprocess",
          "agent = os.getppid()",
          "subprocess.Popen(['sh', '-c', 'sleep 0.2; kill -CONT %d' % agent])",
          "os.kill(agent, signal.SIGSTOP)",
          "display(1); os.write(1, b'o' * 3000); display(2); os.write(1, b'p' * 3000)",
          "'last'"
        ].join("\n"))
        assert.isNull(error)
        assert.deepStrictEqual(results.map((result) => result["text/plain"]), ["1", "2", "'last'"])
        assert.strictEqual(stdout, "o".repeat(3000) + "p".repeat(3000))
      }))

    it.effect("hold when one representation fails", () =>
      Effect.gen(function*() {
        const code =
          "class A:\n  def _repr_html_(self): raise ValueError('bad')\n  def __repr__(self): return 'A!'\nA()"
        const run = yield* python(code)
        assert.strictEqual(main(run), "A!")
        assert.include(run.stderr, "A._repr_html_ failed: ValueError('bad')")
        const bundle = yield* python(`${code.split("\n")[0]}\n  def _repr_mimebundle_(self, **_): return 1 / 0\nA()`)
        assert.include(bundle.stderr, "A._repr_mimebundle_ failed: ZeroDivisionError")
        assert.isNull(bundle.error)
      }))

    it.effect("are left to values that show themselves, unless those decline or fail", () =>
      Effect.gen(function*() {
        const shown = yield* python([
          "class A:",
          "  def _ipython_display_(self): display({'text/plain': 'own', 'text/html': '<i>'}, raw=True)",
          "class B:",
          "  def _ipython_display_(self): raise NotImplementedError",
          "  def __repr__(self): return 'B!'",
          "display(A(), B())",
          "A()"
        ].join("\n"))
        const own = { "text/plain": "own", "text/html": "<i>", isMainResult: false }
        assert.deepStrictEqual(shown.results, [own, { "text/plain": "B!", isMainResult: false }, own])
        const failed = yield* python("B._ipython_display_ = lambda self: 1 / 0\nB()")
        assert.strictEqual(main(failed), "B!")
        assert.include(failed.stderr, "B._ipython_display_ failed: ZeroDivisionError")
      }))

    it.effect("are updated by showing them again", () =>
      Effect.gen(function*() {
        const { error, results } = yield* python(
          "shown = display(1, display_id=True)\nshown.update(2)\nshown.display(3)"
        )
        assert.isNull(error)
        assert.deepStrictEqual(results.map((result) => result["text/plain"]), ["1", "2", "3"])
      }))

    it.effect.skipIf(!has("matplotlib"))("are figures, shown or left open", () =>
      Effect.gen(function*() {
        const { results, stdout } = yield* python(
          "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()\nprint('shown')\nplt.plot([2, 1])\nNone",
          { timeoutMs: 60_000 }
        )
        assert.deepStrictEqual(results.map((result) => isPng(result["image/png"])), [true, true])
        assert.strictEqual(stdout, "shown\n")
        assert.deepStrictEqual((yield* python("plt.get_fignums()")).results.length, 1)
      }))

    it.effect.skipIf(!has("pandas"))("are data frames as a table and as text", () =>
      Effect.gen(function*() {
        const { results } = yield* python("import pandas as pd\npd.DataFrame({'a': [1, 2]})", { timeoutMs: 60_000 })
        assert.include(results[0]?.["text/html"], "<table")
        assert.strictEqual(results[0]?.["text/plain"], "   a\n0  1\n1  2")
      }))
  })

  layer(Agent.layer)("without IPython", (it) => {
    it.effect("the names of IPython.display work", () =>
      Effect.gen(function*() {
        const code =
          "import sys\nfor name in [n for n in sys.modules if n.startswith('IPython')]: del sys.modules[name]\n" +
          "sys.path = [p for p in sys.path if 'packages' not in p]\n" +
          "from IPython.display import clear_output, display, HTML, Markdown, SVG, Latex, Image, JSON\n" +
          "from IPython.display import publish_display_data, update_display\n" +
          "display(HTML('<i>'), Markdown('# m'), SVG('<svg/>'), Latex('$x$'), Image(b'\\x89PNG'), JSON({'a': 1}))\n" +
          "clear_output(wait=True); update_display(HTML('<b>'), display_id='x'); publish_display_data({'text/html': '<p>'})"
        const { error, results, stdout } = yield* python(code)
        assert.isNull(error)
        assert.strictEqual(stdout, "")
        assert.deepStrictEqual(results.slice(6).map((result) => result["text/html"]), ["<b>", "<p>"])
        const kinds = ["text/html", "text/markdown", "image/svg+xml", "text/latex", "image/png", "application/json"]
        assert.deepStrictEqual(kinds.map((kind, index) => results[index]?.[kind]), [
          "<i>",
          "# m",
          "<svg/>",
          "$x$",
          Buffer.from("\x89PNG", "latin1").toString("base64"),
          { a: 1 }
        ])
      }))
  })

  layer(Agent.layer)("runs", (it) => {
    it.effect("understand the commands of notebooks, and name those they do not", () =>
      Effect.gen(function*() {
        const shell = yield* python("word = 'hi'\nif True:\n  !echo {word} $((1 + 1))\n%matplotlib inline\n7")
        assert.strictEqual(shell.stdout, "hi 2\n")
        assert.strictEqual(main(shell), "7")
        const { error, executionCount } = yield* python("x = 1\n%lprun x")
        assert.include(error?.value, "%lprun is a command of IPython")
        assert.include(error?.traceback, `File "<run ${executionCount}>", line 2`)
        assert.notInclude(error?.traceback, "kernel_magic.py")
        assert.strictEqual((yield* python("x = = 1")).error?.name, "SyntaxError")
      }))

    it.effect("understand cells that are scripts or files, and keep what a command prints", () =>
      Effect.gen(function*() {
        const script = "%%sh\nfor i in 1 2; do\n  echo $i\ndone\nexit 3"
        const cell = yield* python(script)
        assert.strictEqual(cell.stdout, "1\n2\n")
        assert.include(cell.error?.value, "returned non-zero exit status 3")
        yield* python("%%writefile written.txt\n%d\nlast")
        assert.strictEqual(main(yield* python("name = 'written.txt'\nlines = !cat {name}\nlines")), "['%d', 'last']")
        const unknown = yield* python("%%cython\nanything that is = no Python")
        assert.include(unknown.error?.value, "%%cython is a command of IPython")
      }))

    it.effect("may be indented as a whole", () =>
      Effect.gen(function*() {
        const indented = yield* python("\n    if True:\n        kept = 7\n    kept")
        assert.strictEqual(main(indented), "7")
        assert.deepStrictEqual((yield* python("  kept;")).results, [])
        assert.strictEqual((yield* python("  !echo $((1 + 1))\n  kept")).stdout, "2\n")
        const { error } = yield* python("\ufeff    kept\n    kept + nothing")
        assert.include(error?.traceback, "line 2, in <module>\n    kept + nothing\n")
        assert.strictEqual((yield* python("a = 1\n  b = 2")).error?.name, "IndentationError")
      }))

    it.effect("point at what failed, in the line that it is in", () =>
      Effect.gen(function*() {
        const { error } = yield* python("text = 'a\u2028b\fc'\n\f\nlen(text) + nothing")
        const [, place = "", line = "", marks] = error?.traceback.split("\n") ?? []
        assert.match(place, /line 3, in <module>$/)
        assert.strictEqual(line, "    len(text) + nothing")
        if (marksErrors) assert.strictEqual(marks, `${" ".repeat(line.indexOf("nothing"))}^^^^^^^`)
      }))

    it.effect("tell where an error was raised that cannot be told itself", () =>
      Effect.gen(function*() {
        const code =
          "class E(Exception):\n  def __str__(self): raise ValueError('no')\ndef thrower(): raise E()\nthrower()"
        const { error } = yield* python(code)
        assert.deepInclude(error, { name: "E", value: "<exception str() failed>" })
        assert.include(error?.traceback, "line 4, in <module>\n    thrower()\n")
      }))

    it.effect("tell of a line that is neither Python nor a command by itself", () =>
      Effect.gen(function*() {
        for (const code of ["!true\nx = = 1", "x = (5\n  % 2)\ny = = 1"]) {
          const { error } = yield* python(code)
          assert.include(error?.traceback, `line ${code.split("\n").length}\n`, code)
          assert.notInclude(error?.traceback, "another exception", code)
        }
      }))

    it.effect("keep their state when a signal handler raises between them, and say what it raised", () =>
      Effect.gen(function*() {
        const start = yield* python([
          "import os, signal",
          "kept = 5",
          "def late(*_):",
          "  open('called', 'w').close()",
          "  raise TimeoutError('late')",
          "signal.signal(signal.SIGALRM, late)",
          "print(f'kill -ALRM {os.getpid()}; cd {os.getcwd()}; until test -e called; do sleep 0.01; done')"
        ].join("\n"))
        yield* Agent.shell(start.stdout)
        const { error, kernelRestarted, results, stderr } = yield* python("kept")
        assert.deepInclude({ error, kernelRestarted }, { error: null, kernelRestarted: false })
        assert.strictEqual(main({ results }), "5")
        assert.include(stderr, "TimeoutError: late")
      }))

    it.effect("keep their state whenever a signal handler raises", () =>
      Effect.gen(function*() {
        const flood = "until test -e enough; do kill -ALRM $PPID; done; touch over"
        yield* python([
          "import signal, subprocess",
          "kept, seen = 5, 0",
          "def late(*_):",
          "  global seen",
          "  seen += 1",
          "  raise TimeoutError('late')",
          "signal.signal(signal.SIGALRM, late)",
          `subprocess.Popen(['/bin/sh', '-c', '${flood}'])`
        ].join("\n"))
        // On a busy machine few signals come while few runs take place.
        for (let runs = 0, seen = 0; runs < 30 || seen < 1000 && runs < 5000; runs++) {
          const run = yield* python("seen")
          assert.deepInclude(run, { died: null, kernelRestarted: false })
          seen = Math.max(seen, Number(main(run) ?? 0))
        }
        yield* Agent.shell("touch enough; until test -e over; do sleep 0.01; done")
        assert.strictEqual(main(yield* python("kept")), "5")
      }))

    it.effect("pass on what is no line yet", () =>
      Effect.gen(function*() {
        const code = "import os, time\nfor dot in 'abc': print(dot, end=''); time.sleep(0.1)\n"
        const { events } = yield* python(code, { stream: true })
        assert.deepStrictEqual(events.map(({ text }) => text), ["a", "b", "c"])
        const killed = yield* python(`${code}print(); print('d', end=''); os.kill(os.getpid(), 9)`)
        assert.deepInclude(killed, { died: "signal SIGKILL", stdout: "abc\n" })
      }))

    it.effect("have their output streams again after one that closed them", () =>
      Effect.gen(function*() {
        assert.isNotNull((yield* python("import os; os.closerange(3, 64)")).died)
        for (const close of ["os.close(1); os.close(2)", "sys.stdout.close(); sys.stderr.close()"]) {
          yield* python(`import os, sys\n${close}`)
          const next = yield* python("print('out'); print('err', file=sys.stderr); os.system('echo child')")
          assert.deepInclude(next, { error: null, stdout: "out\nchild\n", stderr: "err\n" })
        }
      }))

    it.effect("may leave, and fail only with a code", () =>
      Effect.gen(function*() {
        for (const leave of ["import sys; sys.exit()", "exit()", "raise SystemExit(0)"]) {
          assert.strictEqual((yield* python(`kept = 1; ${leave}`)).error, null, leave)
        }
        assert.deepInclude((yield* python("import sys; sys.exit('why')")).error, { name: "SystemExit", value: "why" })
        assert.strictEqual(main(yield* python("kept")), "1")
      }))

    it.effect("fail at once where they ask for input", () =>
      Effect.gen(function*() {
        const { error } = yield* python("input('name? ')")
        assert.deepInclude(error, {
          name: "EOFError",
          value: "input() is not available: code runs without a standard input"
        })
        assert.strictEqual(main(yield* python("import sys; sys.stdin.read()")), "''")
      }))

    it.effect("leave what earlier ones started in the background alone when interrupted", () =>
      Effect.gen(function*() {
        yield* python("import subprocess, time\nold = subprocess.Popen(['sleep', '60'])")
        const stopped = yield* python("new = subprocess.Popen(['sleep', '60'])\ntime.sleep(60)", { timeoutMs: 200 })
        assert.strictEqual(stopped.timedOut, "interrupted")
        assert.strictEqual(main(yield* python("(new.wait(5), old.poll())")), "(-2, None)")
        yield* python("old.kill()")
      }))

    it.effect("survive crashes and endless recursion", () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* python("def f(): return f()\nf()")).error?.name, "RecursionError")
        assert.strictEqual((yield* python("import ctypes; ctypes.string_at(0)")).died, "signal SIGSEGV")
        assert.deepInclude(yield* python("1"), { kernelRestarted: true, error: null })
      }))
  })
})
