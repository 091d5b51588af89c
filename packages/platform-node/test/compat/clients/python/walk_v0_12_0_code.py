"""Code in four languages."""
import threading

from report import Skipped, Walk, holds, same

walk = Walk()


def ran(session, code, language="python", **options):
    result = session.code.run(code, language, **options)
    holds(result.success, result)
    return result


def needs(session, language):
    """Whether the runtime has it: it says so in words where not."""
    result = session.code.run({"java": "1", "r": "1"}[language], language)
    if not result.success and "install" in result.error_message:
        raise Skipped(result.error_message)


@walk.observes("Kernel state", "Last expression", "results: main value, texts and times")
def state(_agb, session):
    ran(session, "kept = [1]")
    result = ran(session, "kept.append(2); kept")
    same((result.result, result.results[0]["is_main_result"]), ("[1, 2]", True))
    holds(isinstance(result.execution_time, (int, float)), result.execution_time)


@walk.observes("Kernel state in R")
def state_in_r(_agb, session):
    needs(session, "r")
    ran(session, "kept <- 20", "R")
    same(ran(session, "cat(kept + 1, '\\n', sep = '')", "r").stdout, ["21\n"])


@walk.observes("Parallel runs")
def parallel(agb, session):
    """One waits for a file, which it gets only after the other has ended."""
    other = agb.create("agb-code-space-1").data
    wait = "import os, time\nwhile not os.path.exists('/tmp/go'): time.sleep(0.01)\n'gone'"
    results = []
    waiting = threading.Thread(target=lambda: results.append(session.code.run(wait, "python")))
    waiting.start()
    same(ran(other, "6 * 7").result, "42")
    same(results, [])
    holds(session.file.write("/tmp/go", "").success)
    waiting.join(30)
    same([result.result for result in results], ["'gone'"])
    agb.delete(other)


@walk.observes("Display data")
def display(_agb, session):
    code = "from IPython.display import HTML, SVG, Latex, Markdown, display\n"
    shown = ran(session, code + "display(HTML('<b>x</b>')); display(Markdown('# x'))\n"
                                "display(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"/>')); display(Latex('$x$'))")
    for name, text in {"html": "<b>x</b>", "markdown": "# x", "latex": "$x$"}.items():
        holds(text in [item[name] for item in shown.results], name, shown.results)
    holds(any("<svg" in (item["svg"] or "") for item in shown.results), shown.results)
    holds(not any(item["is_main_result"] for item in shown.results), shown.results)
    chart = ran(session, "class Chart:\n  def _repr_mimebundle_(self, include=None, exclude=None):\n"
                         "    return {'application/vnd.vegalite.v4+json': {'mark': 'bar'}, 'text/plain': 'chart'}\n"
                         "Chart()")
    same(chart.results[0]["chart"], {"mark": "bar"})


@walk.observes("Display data of matplotlib")
def figures(_agb, session):
    if not session.code.run("import matplotlib", "python").success:
        raise Skipped("the session's Python has no matplotlib")
    shown = ran(session, "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.show()")
    holds(any(item["png"] or item["jpeg"] for item in shown.results), shown)


@walk.observes("stdout", "stderr")
def streams(_agb, session):
    result = ran(session, "import sys\nprint('a')\nprint('b')\nprint('warn', file=sys.stderr)")
    same("".join(result.stdout), "a\nb\n")
    same("".join(result.stderr), "warn\n")


@walk.observes("Empty code")
def empty(_agb, session):
    result = session.code.run("", "python")
    holds(not result.success and result.error_message, result)
    ran(session, "# a comment alone")


@walk.observes("Python errors")
def errors(_agb, session):
    for code, said in {"1 / 0": "division by zero", "if": "SyntaxError", "import nowhere_12345": "nowhere_12345"}.items():
        result = session.code.run(f"print('before')\n{code}", "python")
        holds(not result.success and said in result.error_message + "".join(result.stderr), result)
    same(session.code.run("print('before')\n1 / 0", "python").stdout, ["before\n"])


@walk.observes("Files from code")
def files(_agb, session):
    ran(session, "open('/tmp/from_code.txt', 'w').write('from code')")
    same(session.file.read("/tmp/from_code.txt").data, "from code")
    same(session.command.execute("cat /tmp/from_code.txt", timeout_ms=10000).data["stdout"], "from code")
    holds(session.file.write("/tmp/to_code.txt", "to code").success)
    same(ran(session, "open('/tmp/to_code.txt').read()").result, "'to code'")


@walk.observes("JavaScript", "Language")
def javascript(_agb, session):
    for language in ("javascript", "js", "NodeJS", " JavaScript "):
        same(ran(session, "console.log('hi')", language).stdout, ["hi\n"])
    for language in ("py", "Python3", "PYTHON"):
        same(ran(session, "print('hi')", language).stdout, ["hi\n"])
    holds(not session.code.run("puts 1", "ruby").success)


@walk.observes("Java")
def java(_agb, session):
    needs(session, "java")
    ran(session, "import java.util.List;\nint kept = List.of(1, 2).size();", "java")
    result = ran(session, 'try { throw new Exception("x"); } catch (Exception e) { System.out.println(kept); }', "java")
    same("".join(result.stdout), "2\n")


@walk.observes("Code timeout")
def timeout(_agb, session):
    result = session.code.run("print('begun', flush=True)\nimport time\ntime.sleep(30)", "python", timeout_s=1)
    holds(not result.success and "timeout" in result.error_message, result)
    same("".join(result.stdout), "begun\n")
