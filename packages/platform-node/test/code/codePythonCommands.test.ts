/** Commands of notebooks and the order of what they show, with the shell of IPython and without it. */
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Agent from "../support/agent/agentProcess.js"
import { hasModule, pythons } from "../support/agent/pythons.js"

const python = (code: string, options?: object) => Agent.run("python", code, options)

const texts = ({ results }: { readonly results: ReadonlyArray<Record<string, unknown>> }) =>
  results.map((result) => result["text/plain"])

const valueOf = (code: string) => Effect.map(python(code), (run) => texts(run).at(-1))

describe.skipIf(process.platform !== "linux").each(pythons)("commands of python with %s", (name, interpreter) => {
  const agent = Layer.scoped(Agent.AgentProcess, Agent.make({ interpreters: { python: interpreter } }))

  describe.skipIf(interpreter === undefined)("as in a notebook", () => {
    layer(agent)((it) => {
      it.effect("run in a terminal", () =>
        Effect.gen(function*() {
          yield* python("!mkdir columns; touch columns/a columns/b")
          assert.strictEqual((yield* python("!ls columns")).stdout, "a  b\n")
          assert.deepInclude(yield* python("!test -t 1 && test -t 2 && stty size < /dev/stdout"), { stdout: "24 80\n" })
          assert.strictEqual((yield* python("!seq 3 | more")).stdout, "1\n2\n3\n")
          assert.strictEqual((yield* python("!printf 'a\\n'; echo b >&2; exit 3")).stdout, "a\nb\n")
          assert.strictEqual(yield* valueOf("_exit_code"), "3")
          assert.deepInclude(yield* python("%%capture taken\n!echo é"), { stdout: "" })
          assert.strictEqual(yield* valueOf("taken.stdout"), "'é\\n'")
        }))

      it.effect("leave processes behind, which keep their output", () =>
        Effect.gen(function*() {
          const began = yield* python("!(sleep 0.3; echo late && echo late > told.txt) & echo begun")
          assert.strictEqual(began.stdout, "begun\n")
          yield* python(
            "import time, os\nfor _ in range(500): os.path.exists('told.txt') or time.sleep(0.01)\ntime.sleep(0.2)"
          )
          assert.strictEqual(yield* valueOf("open('told.txt').read()"), "'late\\n'")
        }))

      it.effect("end with a run that is interrupted", () =>
        Effect.gen(function*() {
          const run = yield* python("!echo $$ > pid.txt; sleep 50", { timeoutMs: 1500 })
          assert.strictEqual(run.timedOut, "interrupted")
          assert.strictEqual(run.error?.name, "KeyboardInterrupt")
          const gone =
            "import os\ntry: os.kill(int(open('pid.txt').read()), 0)\nexcept ProcessLookupError: print('gone')"
          assert.strictEqual((yield* python(gone)).stdout, "gone\n")
        }))

      it.effect("fail by the name that IPython gives them", () =>
        Effect.gen(function*() {
          const missing = {
            "%nosuch 1": "Line magic function `%nosuch` not found.",
            "%%nosuch\n1": "Cell magic `%%nosuch` not found.",
            "%writefile a": "Line magic function `%writefile` not found (But cell magic `%%writefile` exists",
            "%env NOT_SET": "Environment does not have key: NOT_SET"
          }
          for (const [code, text] of Object.entries(missing)) {
            const { error } = yield* python(code)
            assert.strictEqual(error?.name, "UsageError", code)
            assert.include(error?.value, text)
          }
          const caught = "from IPython.core.error import UsageError\ntry: get_ipython().run_line_magic('nosuch', '')\n"
          assert.strictEqual((yield* python(`${caught}except UsageError: print('caught')`)).stdout, "caught\n")
        }))

      it.effect("change folders", () =>
        Effect.gen(function*() {
          yield* python("%mkdir -p one/two")
          const home = yield* Effect.map(Agent.AgentProcess, ({ home }) => home)
          assert.deepInclude(yield* python("%cd -q one"), { stdout: "", error: null })
          assert.strictEqual((yield* python("%cd two")).stdout, `${home}/one/two\n`)
          assert.strictEqual((yield* python("cd -")).stdout, `${home}/one\n`)
          assert.strictEqual((yield* python("%cd -0")).stdout, `${home}\n`)
          assert.match((yield* python("%cd nowhere")).stdout, /^\[Errno 2\] .*'nowhere'\n/)
          assert.strictEqual(yield* valueOf("len(_dh)"), "5")
          assert.include((yield* python("%pushd one")).stdout, `${home}/one\n`)
          assert.include((yield* python("%popd")).stdout, `popd -> ~\n`)
          yield* python("%alias greet echo hello %s and %s")
          assert.strictEqual((yield* python("%greet a b")).stdout, "hello a and b\n")
        }))

      it.effect("link files", () =>
        Effect.gen(function*() {
          yield* python("%mkdir links\n!touch links/a.py links/b.txt\nfrom IPython.display import FileLink, FileLinks")
          const listed = yield* python("FileLinks('links/', included_suffixes=['.py'])")
          const link = "<a href='links/a.py' target='_blank'>a.py</a>"
          assert.deepInclude(listed.results[0], {
            "text/plain": "links/\n  a.py",
            "text/html": `links/<br>\n&nbsp;&nbsp;${link}<br>`
          })
          const single = yield* python("FileLink('links/b.txt', url_prefix='files/', result_html_suffix='')")
          assert.strictEqual(
            single.results[0]?.["text/html"],
            "<a href='files/links/b.txt' target='_blank'>links/b.txt</a>"
          )
          assert.strictEqual((yield* python("FileLink('links')")).error?.name, "ValueError")
        }))

      it.effect("run programs, which may use the variables of the code", () =>
        Effect.gen(function*() {
          yield* python("%%writefile own.py\nimport sys\nprint(__name__, sys.argv[1:])\ndef f(): return given\n")
          yield* python("given = 7")
          assert.strictEqual((yield* python("%run own a b")).stdout, "__main__ ['a', 'b']\n")
          assert.strictEqual((yield* python("%run -n own.py")).stdout, "own []\n")
          yield* python("%run -i own.py")
          assert.strictEqual(yield* valueOf("f()"), "7")
          yield* python(
            "import json\nwith open('own.ipynb', 'w') as file:\n  json.dump({'nbformat': 4, 'nbformat_minor': 5, 'metadata': {}, "
              + "'cells': [{'cell_type': 'code', 'id': 'a', 'metadata': {}, 'outputs': [], 'execution_count': None, "
              + "'source': ['there = 5\\n', 'there']}]}, file)"
          )
          const notebook = yield* python("%run own.ipynb")
          if (name !== "IPython") assert.deepStrictEqual([notebook.error, texts(notebook)], [null, []])
          if (name !== "IPython") assert.strictEqual(yield* valueOf("there"), "5")
          assert.strictEqual((yield* python("%run nowhere.py")).error?.value, "File `'nowhere.py'` not found.")
          assert.deepInclude(yield* python("exit"), { error: null, results: [] })
        }))

      it.effect("are defined by the code", () =>
        Effect.gen(function*() {
          yield* python(
            "from IPython.core.magic import Magics, magics_class, line_magic, cell_magic, register_line_magic\n"
              + "@magics_class\nclass Own(Magics):\n  @line_magic\n  def up(self, line): return line.upper()\n"
              + "  @cell_magic('named')\n  def other(self, line, cell): return line, cell\n"
              + "get_ipython().register_magics(Own)\n@register_line_magic\ndef down(line): return line.lower()"
          )
          assert.strictEqual(yield* valueOf("%up a"), "'A'")
          assert.strictEqual(yield* valueOf("%%named a\nb"), "('a', 'b\\n')")
          assert.strictEqual(yield* valueOf("%down A"), "'a'")
          const plain = "get_ipython().input_transformer_manager.transform_cell('!ls\\n')"
          assert.strictEqual(yield* valueOf(plain), `"get_ipython().system('ls')\\n"`)
        }))

      it.effect("need a body where they are of a cell", () =>
        Effect.gen(function*() {
          const { error } = yield* python("%%timeit 1")
          assert.deepInclude(error, { name: "UsageError" })
          assert.match(String(error?.value), /^%%timeit is a cell magic, but the cell body is empty\. Did you mean/)
          assert.strictEqual((yield* python("%%html")).error?.name, "UsageError")
        }))

      it.effect("keep the last error", () =>
        Effect.gen(function*() {
          yield* python("1 / 0")
          const { stderr, stdout } = yield* python(
            "import sys, traceback\nprint(sys.last_value)\ntraceback.print_last()"
          )
          assert.strictEqual(stdout, "division by zero\n")
          assert.match(stderr, /^Traceback.*\n {2}File "<run \d+>", line 1, in <module>\n/)
          assert.deepInclude((yield* python("%tb")).error, { name: "ZeroDivisionError", value: "division by zero" })
          const none = yield* python("del sys.last_value\n%tb")
          assert.deepStrictEqual([none.error, none.stderr], [null, "No traceback available to show.\n"])
        }))

      it.effect("list what was run, and tell the source of what it has made", () =>
        Effect.gen(function*() {
          yield* python("def told():\n  return 1")
          assert.match(
            (yield* python("%history -n")).stdout,
            /^ +\d+:\ndef told\(\):\n {2}return 1\n +\d+: %history -n$/m
          )
          assert.match(String(yield* valueOf("told??")), /return 1\n(?:File: |$)/m)
        }))

      it.effect("tell that a function of the code has no file", () =>
        Effect.gen(function*() {
          assert.match(String(yield* valueOf("def told(): pass\ntold?")), /^File: +<run \d+>$/m)
        }))

      it.effect("find the shell of a notebook, which code may leave", () =>
        Effect.gen(function*() {
          assert.match(String(yield* valueOf("get_ipython()")), /^<ipykernel\.zmqshell\.ZMQInteractiveShell at 0x/)
          assert.isNull((yield* python("%reset -f\nexit()")).error)
        }))

      it.effect("wait for no manager of a pool of processes", () =>
        Effect.gen(function*() {
          const pool = "from concurrent.futures import ProcessPoolExecutor\npool = ProcessPoolExecutor(1)\n"
          const run = yield* python(`${pool}pool.submit(abs, -2).result()`)
          assert.deepStrictEqual([texts(run), run.stderr], [["2"], ""])
          yield* python("pool.shutdown()")
        }))

      it.effect.skipIf(!hasModule(interpreter, "matplotlib"))(
        "show values and figures in order",
        () =>
          Effect.gen(function*() {
            yield* python("import matplotlib.pyplot as plt", { timeoutMs: 60_000 })
            const { results } = yield* python("plt.plot([1]); 'value'")
            assert.deepStrictEqual(texts({ results }), ["'value'", "<Figure size 640x480 with 1 Axes>"])
            assert.deepStrictEqual(results.map((result) => result["isMainResult"]), [true, false])
            const active = yield* python(
              "for n in (2, 1): plt.figure(n, figsize=(n, n)); plt.plot([n])\nplt.figure(2)\nplt.show()"
            )
            assert.deepStrictEqual(texts(active), [1, 2].map((n) => `<Figure size ${n}00x${n}00 with 1 Axes>`))
          })
      )

      it.effect.skipIf(!hasModule(interpreter, "matplotlib"))(
        "show no figures where the code has chosen a backend for files",
        () =>
          Effect.gen(function*() {
            yield* python("%matplotlib agg\nimport matplotlib.pyplot as plt", { timeoutMs: 60_000 })
            const saved = yield* python("plt.plot([1]); plt.savefig('figure.png'); None")
            assert.deepStrictEqual([saved.error, texts(saved)], [null, []])
            assert.strictEqual(yield* valueOf("plt.get_fignums()"), "[1]")
            assert.deepStrictEqual(texts(yield* python("plt.show()")), ["<Figure size 640x480 with 1 Axes>"])
            yield* python("%matplotlib inline")
            assert.deepStrictEqual(texts(yield* python("plt.plot([1]); None")), ["<Figure size 640x480 with 1 Axes>"])
          })
      )

      it.effect.skipIf(!hasModule(interpreter, "matplotlib"))(
        "show no figures that were made after ioff, until some are made after ion",
        () =>
          Effect.gen(function*() {
            yield* python("import matplotlib.pyplot as plt\nplt.ioff()", { timeoutMs: 60_000 })
            const shown = (code: string) => Effect.map(python(code), texts)
            assert.deepStrictEqual(yield* shown("plt.figure(1, figsize=(1, 1)); plt.isinteractive()"), ["False"])
            assert.deepStrictEqual(yield* shown("plt.plot([1]); None"), [])
            assert.deepStrictEqual(
              yield* shown("plt.ion(); plt.figure(2, figsize=(2, 2)); plt.plot([1]); plt.isinteractive()"),
              ["True", "<Figure size 100x100 with 1 Axes>", "<Figure size 200x200 with 1 Axes>"]
            )
            assert.deepStrictEqual(yield* shown("with plt.ioff(): fig = plt.figure()\nplt.isinteractive()"), ["True"])
            assert.deepStrictEqual(yield* shown("plt.show()"), ["<Figure size 640x480 with 0 Axes>"])
          })
      )

      it.effect.skipIf(!hasModule(interpreter, "matplotlib"))(
        "show figures in the formats that the code sets",
        () =>
          Effect.gen(function*() {
            const set = (format: string) =>
              `from matplotlib_inline.backend_inline import set_matplotlib_formats as set\nset('${format}')\n`
            const plot = "import matplotlib.pyplot as plt\nplt.plot([1]); None"
            const svg = yield* python(set("svg") + plot, { timeoutMs: 60_000 })
            assert.strictEqual(svg.results.length, 1)
            assert.hasAllKeys(svg.results[0], ["isMainResult", "text/plain", "image/svg+xml"])
            const png = yield* python(set("png") + plot)
            assert.hasAllKeys(png.results[0], ["isMainResult", "text/plain", "image/png"])
          })
      )

      it.effect("tell a front end how often it saves", () =>
        Effect.gen(function*() {
          const { error, results, stdout } = yield* python("%autosave 60")
          assert.deepStrictEqual([error, stdout], [null, "Autosaving every 60 seconds\n"])
          assert.deepStrictEqual(results.map((result) => result["application/javascript"]), [
            "IPython.notebook.set_autosave_interval(60000)"
          ])
          assert.strictEqual((yield* python("%autosave 0")).stdout, "Autosave disabled\n")
          assert.deepInclude((yield* python("%autosave often")).error, {
            name: "UsageError",
            value: "%autosave requires an integer, got 'often'"
          })
        }))
    })
  })
})
