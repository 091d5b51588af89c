/** Python code that expects a notebook, with the shell of IPython and without it. */
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Agent from "../support/agent/agentProcess.js"
import { hasModule as has, pythons } from "../support/agent/pythons.js"

const patient = { timeoutMs: 60_000 }

const python = (code: string, options?: object) => Agent.run("python", code, options)

const main = ({ results }: { readonly results: ReadonlyArray<Record<string, unknown>> }) =>
  results.find((result) => result["isMainResult"] === true)?.["text/plain"]

/** The value of a run that must succeed. */
const valueOf = (code: string) =>
  Effect.map(python(code), (run) => {
    assert.isNull(run.error, run.error?.traceback)
    return main(run)
  })

/** Prints random values with lines, as the kernel does without IPython and as IPython does; the value is the seeds that differ. */
const printing = `
import random
import kernel_pretty
from IPython.lib.pretty import pretty

class Formatter:
    def lookup(self, value):
        raise KeyError

class Lines:
    def __init__(self, text):
        self.text = text
    def __repr__(self):
        return self.text

def value(chance, depth):
    kind = chance.random()
    if depth == 0 or kind < 0.3:
        lines = [chance.randint(0, 30) * "y" for _ in range(chance.randint(1, 4))]
        return chance.choice([1, "a" * chance.randint(0, 50), Lines("\\n".join(lines)), Lines("z\\n"), None])
    values = [value(chance, depth - 1) for _ in range(chance.randint(0, 5))]
    if kind < 0.5:
        return values
    if kind < 0.7:
        return tuple(values)
    return {chance.choice([str(at) * chance.randint(1, 30), at, (at, "t" * 20)]): each for at, each in enumerate(values)}

def differs(seed):
    made = value(random.Random(seed), 1 + seed % 5)
    return pretty(made) != kernel_pretty.pretty(made, Formatter())

[seed for seed in range(1000) if differs(seed)]`

const isPng = (image: unknown) => String(image).startsWith("iVBORw0KGgo")

describe.skipIf(process.platform !== "linux").each(pythons)("python with %s", (name, interpreter) => {
  const agent = Layer.scoped(Agent.AgentProcess, Agent.make({ interpreters: { python: interpreter } }))

  describe.skipIf(interpreter === undefined)("as in a notebook", () => {
    layer(agent)((it) => {
      it.effect("prints values as IPython does", () =>
        Effect.gen(function*() {
          assert.strictEqual(
            yield* valueOf("{'pear', 'apple'}, frozenset([2, 1])"),
            "({'apple', 'pear'}, frozenset({1, 2}))"
          )
          const long = Array.from({ length: 40 }, (_, index) => index)
          assert.strictEqual(yield* valueOf("list(range(40))"), `[${long.join(",\n ")}]`)
          const nested = yield* valueOf("{'a' * 30: [1, 2], 'b' * 30: {'c' * 30: ('d' * 30,)}}")
          const keys = ["a", "b", "c", "d"].map((letter) => `'${letter.repeat(30)}'`)
          assert.strictEqual(nested, `{${keys[0]}: [1, 2],\n ${keys[1]}: {${keys[2]}: (${keys[3]},)}}`)
          assert.strictEqual(yield* valueOf("def f(a, b=2): pass\n[f, int]"), "[<function __main__.f(a, b=2)>, int]")
          assert.strictEqual(yield* valueOf("l = [1]; l.append(l); l"), "[1, [...]]")
          yield* python("class A:\n  def _repr_pretty_(self, printer, cycle): printer.text('pretty')")
          assert.strictEqual(yield* valueOf("[A()]"), "[pretty]")
          yield* python("class Table:\n  def __repr__(self): return 'a\\nb\\n'")
          assert.strictEqual(yield* valueOf("Table()"), "a\nb")
        }))

      it.effect("breaks lines as IPython does", () =>
        Effect.gen(function*() {
          yield* python("class Lines:\n  def __repr__(self): return 'array([' + '1' * 60 + ',\\n       2])'")
          assert.strictEqual(
            yield* valueOf("{(0.05, True): (Lines(), Lines())}"),
            `{(0.05,\n  True): (array([${"1".repeat(60)},\n         2]), array([${"1".repeat(60)},\n         2]))}`
          )
          if (name === "IPython") assert.strictEqual(yield* valueOf(printing), "[]")
        }))

      it.effect("prints values as the calls that make them", () =>
        Effect.gen(function*() {
          yield* python("import collections, re, types")
          const printed = {
            "collections.Counter('abb')": "Counter({'a': 1, 'b': 2})",
            "collections.deque([1], maxlen=2)": "deque([1], maxlen=2)",
            "collections.UserList([1])": "UserList([1])",
            "collections.OrderedDict(a=[1])": "OrderedDict([('a', [1])])",
            "types.SimpleNamespace(a=1)": "namespace(a=1)",
            "re.compile('a\\d', re.I)": "re.compile(r'a\\d', re.IGNORECASE|re.UNICODE)",
            "[ValueError(1), KeyError('k')]": "[ValueError(1), KeyError('k')]",
            "[].append": "<function list.append(object, /)>"
          }
          for (const [code, text] of Object.entries(printed)) assert.strictEqual(yield* valueOf(code), text)
          const { error, stderr } = yield* python("class A:\n  def __repr__(self): 1 / 0\n[A()]")
          assert.strictEqual(error?.name, "ZeroDivisionError")
          assert.strictEqual(stderr, "")
        }))

      it.effect("shows more than the last expression where the code has set that", () =>
        Effect.gen(function*() {
          const shown = (code: string) =>
            Effect.map(python(code), ({ error, results }) => {
              assert.isNull(error, error?.traceback)
              return results.map((result) => result["text/plain"])
            })
          const set =
            "from IPython.core.interactiveshell import InteractiveShell\nInteractiveShell.ast_node_interactivity = "
          assert.deepStrictEqual(yield* shown(`${set}'all'\n1`), ["1"])
          assert.deepStrictEqual(yield* shown("1\nx = 2\nfor i in [3]: i\nx"), ["1", "3", "2"])
          yield* python(`${set}'last_expr_or_assign'`)
          assert.deepStrictEqual(yield* shown("1\nx = 2"), ["2"])
          yield* python(`${set}'none'`)
          assert.deepStrictEqual(yield* shown("1\n2"), [])
          yield* python(`${set}'last_expr'`)
          assert.deepStrictEqual(yield* shown("1\n2"), ["2"])
        }))

      it.effect("keeps inputs, and what commands print", () =>
        Effect.gen(function*() {
          yield* python("'first'")
          yield* python("'second'")
          assert.strictEqual(yield* valueOf("_i, _ii"), `("'second'", "'first'")`)
          yield* python("lines = !printf 'a\\nb\\n'")
          assert.strictEqual(yield* valueOf("lines.s, lines.n, lines.grep('a')"), "('a b', 'a\\nb', ['a'])")
          assert.deepInclude(yield* python("!echo told >&2"), { stdout: "told\n", stderr: "" })
          const file = yield* python("%%writefile own.txt\na")
          assert.strictEqual(file.stdout, "Writing own.txt\n")
          yield* python("%%writefile -a own.txt\nb")
          assert.strictEqual(yield* valueOf("open('own.txt').read()"), "'a\\nb\\n'")
          yield* python("def f(a):\n  'Doc.'")
          const help = yield* python("f?")
          const told = String(help.results[0]?.["text/plain"])
          assert.match(told, /^Signature: f\(a\)\nDocstring: Doc\.\nFile: [^\n]+\nType:      function\n?$/)
          const failed = yield* python("%%bash\nexit 3")
          assert.strictEqual(failed.error?.value, "Command 'b'exit 3\\n'' returned non-zero exit status 3.")
        }))

      it.effect("lists, formats and removes variables", () =>
        Effect.gen(function*() {
          yield* python("%reset -f")
          yield* python("number, text = 1, 'x' * 60")
          assert.strictEqual((yield* python("%who int")).stdout, "number\t \n")
          const table = (yield* python("%whos")).stdout.split("\n")
          assert.deepStrictEqual(table.slice(0, 3), [
            "Variable   Type    Data/Info",
            "----------------------------",
            "number     int     1"
          ])
          assert.strictEqual(yield* valueOf("%precision 2"), "'%.2f'")
          assert.strictEqual(yield* valueOf("3.14159"), "3.14")
          yield* python("%precision")
          assert.strictEqual(yield* valueOf("3.5"), "3.5")
          yield* python("%reset -f")
          assert.strictEqual((yield* python("number")).error?.name, "NameError")
          const timed = yield* python("kept = %timeit -n 1 -r 1 -o -q 1\nkept.loops")
          assert.deepInclude(timed, { error: null, stdout: "" })
          assert.strictEqual(main(timed), "1")
        }))

      it.effect("shows the less common objects of IPython.display", () =>
        Effect.gen(function*() {
          const { error, results } = yield* python([
            "from IPython.display import Audio, Code, FileLink, IFrame, Math, Pretty, ProgressBar, YouTubeVideo",
            "from IPython.utils.capture import capture_output",
            "from IPython.lib.pretty import pretty",
            "with capture_output() as kept: print('kept'); display(1)",
            "display(IFrame('http://a/', 1, 2), YouTubeVideo('b'), Pretty('plain'), Math('x^2'))",
            "kept.stdout, len(kept.outputs), pretty([1])"
          ].join("\n"))
          assert.isNull(error, error?.traceback)
          assert.include(results[0]?.["text/html"], "src=\"http://a/\"")
          assert.include(results[1]?.["text/html"], "src=\"https://www.youtube.com/embed/b\"")
          assert.strictEqual(results[2]?.["text/plain"], "plain")
          assert.strictEqual(results[3]?.["text/latex"], "$\\displaystyle x^2$")
          assert.strictEqual(main({ results }), "('kept\\n', 1, '[1]')")
        }))

      it.effect("shows the representations that are asked for, of every kind", () =>
        Effect.gen(function*() {
          const { results } = yield* python([
            "class A:",
            "  def __repr__(self): return 'a'",
            "  def _repr_html_(self): return '<a>'",
            "  def _repr_javascript_(self): return 'a()'",
            "  def _repr_pdf_(self): return b'%PDF'",
            "display(A(), include=['text/html'])",
            "display(A(), exclude=['text/html', 'application/pdf'])",
            "A"
          ].join("\n"))
          assert.deepStrictEqual(results, [
            { "text/html": "<a>", isMainResult: false },
            { "text/plain": "a", "application/javascript": "a()", isMainResult: false },
            { "text/plain": "__main__.A", isMainResult: true }
          ])
          const formatted = yield* valueOf(
            "formatter = get_ipython().display_formatter.formatters['text/plain']\n" +
              "before = formatter.for_type(A, lambda value, printer, cycle: printer.text('registered'))\nA()"
          )
          assert.strictEqual(formatted, "registered")
        }))

      it.effect("answers libraries that ask for the shell", () =>
        Effect.gen(function*() {
          const { error, stdout } = yield* python([
            "shell = get_ipython()",
            "shell.system('echo from system')",
            "shell.run_line_magic('matplotlib', 'inline')",
            "from IPython import get_ipython as found",
            "print(found() is shell, type(shell).__name__, hasattr(shell, 'kernel'), 'IPKernelApp' in shell.config)"
          ].join("\n"))
          assert.isNull(error, error?.traceback)
          assert.strictEqual(stdout, "from system\nTrue ZMQInteractiveShell True True\n")
        }))

      it.effect("looks for commands where statements begin", () =>
        Effect.gen(function*() {
          const text = yield* python("!true\ntext = \"\"\"\n% a comment\n!important\n?x\n\"\"\"\nprint(text)")
          assert.deepInclude(text, { error: null, stdout: "\n% a comment\n!important\n?x\n\n" })
          assert.strictEqual(
            yield* valueOf("!true\nleft = (17\n  % 5)\nright = 'it\\'s %d' \\\n  % left # don't\nright"),
            "\"it's 2\""
          )
          const lines = yield* python("!echo one \\\n   two\nfiles = !printf 'a\\nb\\n' \\\n  | sort -r\nprint(files)")
          assert.strictEqual(lines.stdout, "one two\n['b', 'a']\n")
          const { error } = yield* python("!echo one \\\n   two\nnothing")
          assert.include(error?.traceback, "line 3, in <module>\n    nothing\n")
        }))

      it.effect("puts values into commands", () =>
        Effect.gen(function*() {
          const { stdout } = yield* python(
            "def tell():\n  word = 'hi'\n  !echo $word {word * 2} '$word' \"$$\"HOME\n  !echo {nothing} $word\ntell()"
          )
          assert.match(stdout, /^hi hihi \$word \d+HOME\n\{nothing\}\n$/)
          const { stdout: doubled } = yield* python("name = 'x'\n!name=shell; echo $$name $name")
          assert.strictEqual(doubled, "shell x\n")
        }))

      it.effect("has the common magics", () =>
        Effect.gen(function*() {
          const time = yield* python("%time 6 * 7")
          assert.strictEqual(main(time), "42")
          assert.match(time.stdout, /Wall time: /)
          assert.match(
            (yield* python("%timeit -n 2 -r 2 1 + 1")).stdout,
            /per loop \(mean ± std. dev. of 2 runs, 2 loops each\)/
          )
          assert.strictEqual(yield* valueOf("%%time\nx = 4\nx"), "4")
          assert.strictEqual(yield* valueOf("%pwd"), yield* valueOf("import os; os.getcwd()"))
          assert.strictEqual(yield* valueOf("pwd"), yield* valueOf("os.getcwd()"))
          yield* python("%%capture kept\nprint('told')\ndisplay(1)")
          assert.strictEqual(yield* valueOf("kept.stdout, len(kept.outputs)"), "('told\\n', 1)")
          yield* python("%%bash --out script\necho told")
          assert.strictEqual(yield* valueOf("script"), "'told\\n'")
          const html = yield* python("%%html\n<b>told</b>")
          assert.strictEqual(String(html.results[0]?.["text/html"]).trim(), "<b>told</b>")
          const help = yield* python("len?")
          assert.include(
            help.stdout + String(help.results[0]?.["text/plain"]),
            "Return the number of items in a container."
          )
        }))

      it.effect("fails a run whose cell magic fails", () =>
        Effect.gen(function*() {
          for (const magic of ["%%time", "%%capture"]) {
            const { error } = yield* python(`${magic}\n1 / 0`)
            assert.strictEqual(error?.name, "ZeroDivisionError", magic)
            assert.notInclude(error?.traceback, "/kernel")
            assert.isNull((yield* python("1")).error)
          }
          assert.include((yield* python("%nosuch")).error?.value, "%nosuch")
          assert.include((yield* python("%debug")).error?.value, "%debug")
        }))

      it.effect("loads modules again that have changed", () =>
        Effect.gen(function*() {
          const first = "%load_ext autoreload\n%autoreload 2\nfrom changing import f\nf()"
          yield* python("import sys; sys.path.insert(0, '.'); open('changing.py', 'w').write('def f(): return 1')")
          assert.strictEqual(yield* valueOf(first), "1")
          yield* python("open('changing.py', 'w').write('def f(): return 22')")
          assert.strictEqual(yield* valueOf("f()"), "22")
        }))

      it.effect("takes magics of the code's own, and prompts before code", () =>
        Effect.gen(function*() {
          yield* python(
            "from IPython.core.magic import register_cell_magic\n@register_cell_magic\ndef own(line, cell): return line + cell"
          )
          assert.strictEqual(yield* valueOf("%%own a\nb"), "'ab\\n'")
          assert.strictEqual(yield* valueOf(">>> x = 5\n>>> x"), "5")
          assert.strictEqual(yield* valueOf("In [1]: x = 6\n   ...: x"), "6")
        }))

      it.effect.skipIf(!has(interpreter, "sympy"))("shows formulas of sympy", () =>
        Effect.gen(function*() {
          const code = "import sympy; sympy.init_printing()\nx = sympy.Symbol('x'); x**2/3"
          const { error, results } = yield* python(code, { timeoutMs: 60_000 })
          assert.isNull(error, error?.traceback)
          assert.strictEqual(results[0]?.["text/latex"], "$\\displaystyle \\frac{x^{2}}{3}$")
          assert.strictEqual(results[0]?.["text/plain"], " 2\nx \n──\n3 ")
        }))

      it.effect("keeps inputs and values", () =>
        Effect.gen(function*() {
          const { executionCount } = yield* python("6 * 7")
          assert.strictEqual(yield* valueOf("_ + 1, _"), "(43, 42)")
          assert.strictEqual(
            yield* valueOf(`Out[${executionCount}], _${executionCount}, In[${executionCount}]`),
            "(42, 42, '6 * 7')"
          )
          assert.strictEqual(yield* valueOf("_ = 'mine'\n1\n_"), "'mine'")
          yield* python("2")
          assert.strictEqual(yield* valueOf("_"), "'mine'")
          yield* python("del _")
        }))

      it.effect("warns again in each run", () =>
        Effect.gen(function*() {
          yield* python("import warnings\ndef old(): warnings.warn('old thing', DeprecationWarning, stacklevel=2)")
          for (const code of ["warnings.warn('mind the gap')", "warnings.warn('mind the gap')", "old()", "old()"]) {
            assert.match((yield* python(code)).stderr, /mind the gap|old thing/)
          }
        }))

      it.effect("lets later runs await what one has begun", () =>
        Effect.gen(function*() {
          const begun = yield* python([
            "import asyncio",
            "async def work():",
            "  print('begun')",
            "  await asyncio.sleep(0.2)",
            "  open('worked', 'w').close()",
            "  return 7",
            "task = asyncio.create_task(work())"
          ].join("\n"))
          assert.deepInclude(begun, { error: null, stdout: "begun\n" })
          yield* Agent.shell("until test -e worked; do sleep 0.01; done")
          assert.strictEqual(yield* valueOf("task.done(), await task"), "(True, 7)")
          assert.strictEqual(yield* valueOf("asyncio.run(work())"), "7")
          yield* python("other = asyncio.ensure_future(work())")
          assert.strictEqual(yield* valueOf("asyncio.get_event_loop().run_until_complete(other)"), "7")
        }))

      it.effect("sends large results whole, and names what it leaves out with its size", () =>
        Effect.gen(function*() {
          const large = yield* python("from IPython.display import HTML\nHTML('é' + 'word ' * 1_000_000)", patient)
          assert.strictEqual(String(large.results[0]?.["text/html"]).length, 5_000_001)
          const { results } = yield* python("HTML('é' * 10_000_000)", patient)
          assert.match(
            String(main({ results })),
            /HTML object>\n\[text\/html of 19\.1 MiB left out: a result holds 10\.\d MiB\]$/
          )
          const many = yield* python("display(*[HTML('x' * 9_000_000)] * 4)", patient)
          assert.strictEqual(many.results.length, 3)
          assert.match(many.stderr, /left out \(.*text\/html of 8\.6 MiB\): the results of a run hold 30\.\d MiB/)
        }))

      it.effect.skipIf(!has(interpreter, "matplotlib"))(
        "shows figures wherever they come from",
        () =>
          Effect.gen(function*() {
            yield* python("import matplotlib.pyplot as plt\nfrom matplotlib.figure import Figure", patient)
            yield* python(
              "def chart():\n  figure, axes = plt.subplots(); axes.plot([1]); plt.close(figure); return figure"
            )
            for (const code of ["chart()", "display(chart())", "own = Figure(); own.subplots().plot([5])\nown"]) {
              const { results } = yield* python(code)
              assert.deepStrictEqual(results.map((result) => isPng(result["image/png"])), [true], code)
            }
            const open = yield* python("figure, axes = plt.subplots(); axes.plot([1])\nfigure")
            assert.deepStrictEqual(open.results.map((result) => isPng(result["image/png"])), [true, true])
            yield* python("%config InlineBackend.figure_format = 'svg'")
            assert.include((yield* python("chart()")).results[0]?.["image/svg+xml"], "<svg")
          })
      )

      it.effect.skipIf(!has(interpreter, "matplotlib"))(
        "fails only the run whose figure cannot be drawn",
        () =>
          Effect.gen(function*() {
            const bad = "plt.figure(); plt.plot([1]); plt.title('$\\\\frac{1$')\n"
            const good = "plt.figure(); plt.plot([2])\n"
            const code =
              `import matplotlib.pyplot as plt\n%config InlineBackend.figure_format = 'png'\n${good}${bad}${good}`
            for (const show of ["None", "plt.show()"]) {
              const { error, results } = yield* python(code + show, { timeoutMs: 60_000 })
              assert.strictEqual(error?.name, "ValueError")
              assert.deepStrictEqual(results.map((result) => isPng(result["image/png"])), [true, true])
              assert.deepInclude(yield* python("None"), { error: null, results: [] })
            }
          })
      )

      it.effect.skipIf(!has(interpreter, "pandas"))("prints twenty columns of a table", () =>
        Effect.gen(function*() {
          const code = "import pandas\npandas.DataFrame({letter: [1000] for letter in 'abcdefghijklmnopqrst'})"
          const text = String(main(yield* python(code, { timeoutMs: 60_000 })))
          assert.notInclude(text, "...")
          assert.match(text, / t {2}\n0| t\n0/)
        }))

      it.effect.skipIf(!has(interpreter, "plotly"))("shows figures of plotly", () =>
        Effect.gen(function*() {
          const code = "import plotly.graph_objects as go\nfigure = go.Figure(go.Bar(x=['q'], y=[7]))\nfigure.show()"
          const { error, results, stdout } = yield* python(code, { timeoutMs: 60_000 })
          assert.isNull(error, error?.traceback)
          assert.strictEqual(stdout, "")
          assert.isTrue(results.some((result) => "application/vnd.plotly.v1+json" in result))
        }))
    })

    layer(agent)((it) => {
      it.effect("keeps what was imported from __future__", () =>
        Effect.gen(function*() {
          yield* python("from __future__ import annotations")
          assert.strictEqual(yield* valueOf("def f(x: NotThere) -> None: ...\nf.__annotations__['x']"), "'NotThere'")
        }))

      it.effect.skipIf(name === "IPython")("starts no shell for what needs none", () =>
        Effect.gen(function*() {
          const loaded = "import sys\nany(name.startswith(('IPython', 'kernel_shell')) for name in sys.modules)"
          yield* python("[1, 'a', {2: None}]")
          assert.strictEqual(yield* valueOf(loaded), "False")
        }))
    })
  })
})
