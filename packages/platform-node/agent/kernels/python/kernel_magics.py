"""The magics that work where IPython is not installed."""
import ast
import os
import pathlib
import shlex
import subprocess
import sys
import time

import kernel_errors
import kernel_magic
import kernel_magics_names
import kernel_magics_run
import kernel_magics_system
from kernel_magic import UsageError

SCRIPTS = ("bash", "sh", "python", "python3", "perl", "ruby", "script")
SHOWN = {
    "html": "HTML", "HTML": "HTML", "markdown": "Markdown", "svg": "SVG", "SVG": "SVG", "latex": "Latex",
    "javascript": "Javascript", "js": "Javascript"
}
WITHOUT_EFFECT = ("colors", "automagic", "rehashx", "unload_ext", "gui", "reload_ext", "aimport")
SCALE = ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


class Magics(kernel_magics_names.Names, kernel_magics_system.System, kernel_magics_run.Run):
    def __init__(self, shell):
        self.shell = shell
        self.own = {"line": {}, "cell": {}, "line_cell": {}}
        self.first_folder = pathlib.Path.cwd()
        self.pushed = []
        self.folders()

    def line(self, name, text):
        alias = name not in self.own["line"] and kernel_magics_system.ALIASES.get(name)
        if alias:
            return self.shell.system(kernel_magics_system.aliased(alias, text))
        return self.found("line", name)(text)

    def cell(self, name, text, body):
        name = "sx" if name == "!" else name
        if not body and (name in SCRIPTS or name in SHOWN or self.exists("cell", name)):
            extra = " Did you mean the line magic %%%s (single %%)?" % name if self.exists("line", name) else ""
            raise UsageError("%%%%%s is a cell magic, but the cell body is empty.%s" % (name, extra))
        if name in SCRIPTS:
            return self.script(name, text, body)
        if name in SHOWN:
            import IPython.display
            return IPython.display.display(getattr(IPython.display, SHOWN[name])(body))
        return self.found("cell", name)(text, body)

    def found(self, kind, name):
        own = self.own[kind].get(name) or self.own["line_cell"].get(name)
        if own is None and kind == "line" and name in WITHOUT_EFFECT:
            return lambda _text: None
        own = own or getattr(self, "%s_%s" % (kind, name), None)
        if own is None:
            raise UsageError(self.missing(kind, name))
        return own

    def exists(self, kind, name):
        return name in self.own[kind] or name in self.own["line_cell"] or hasattr(self, "%s_%s" % (kind, name))

    def missing(self, kind, name):
        other, mark = ("cell", "%%") if kind == "line" else ("line", "%")
        extra = " (But %s magic `%s%s` exists, did you mean that instead?)" % (other, mark, name)
        extra = extra if self.exists(other, name) else ""
        what = "Line magic function `%%%s`" if kind == "line" else "Cell magic `%%%%%s`"
        hint = "%s%s is a command of IPython, which is not installed here: use %%pip install ipython, or Python itself; %s work"
        return "%s not found%s.\n%s" % (what % name, extra, hint % ("%" if kind == "line" else "%%", name, self.known()))

    def known(self):
        lines = sorted("%" + name[5:] for name in dir(self) if name.startswith("line_"))
        cells = sorted("%%" + name[5:] for name in dir(self) if name.startswith("cell_"))
        return ", ".join(["!command", *lines, *cells, "%%bash"])

    def line_lsmagic(self, _text):
        print(self.known())

    def line_pip(self, text):
        import kernel_packages
        kernel_packages.pip(text, self.shell.user_ns)

    def line_prun(self, text):
        self.cell_prun(text, "")

    def cell_prun(self, line, body):
        """Options choose what IPython prints; the table is always printed, unless it is quiet."""
        import cProfile
        words = line.split()
        options = [word for word in words if word.startswith("-")]
        code = body or line[line.rfind(options[-1]) + len(options[-1]):].strip() if options else body or line
        profile = cProfile.Profile()
        profile.runcall(self.shell.program.run, "<profiled>", code, lambda _value: None)
        if "-q" not in options:
            profile.print_stats("tottime")

    def line_pylab(self, _text):
        exec("from pylab import *; import numpy, matplotlib; from matplotlib import pylab, pyplot", self.shell.user_ns)
        self.shell.user_ns.update(np=self.shell.user_ns["numpy"], plt=self.shell.user_ns["pyplot"])
        print("Populating the interactive namespace from numpy and matplotlib")

    def line_matplotlib(self, text):
        self.shell.enable_matplotlib(text.strip().lower())

    def line_precision(self, text):
        """The format of floating point numbers."""
        text = text.strip()
        form = "%%.%sf" % text if text.isdigit() else text or "%r"
        form % 1.5
        plain = self.shell.display_formatter.formatters["text/plain"].type_printers
        plain[float] = lambda value, printer, _cycle: printer.text(form % value)
        if not text:
            del plain[float]
        numpy = sys.modules.get("numpy")
        if numpy and text.isdigit() or numpy and not text:
            numpy.set_printoptions(precision=int(text or 8))
        return form

    def line_xmode(self, text):
        print("Exception reporting mode: %s" % (text.strip().capitalize() or "Context"))

    def line_tb(self, _text):
        self.shell.failed = kernel_errors.last()

    def line_config(self, text):
        configure(text, self.shell.user_ns)

    def line_load_ext(self, text):
        if text.strip() != "autoreload":
            module = __import__(text.strip(), fromlist=["load_ipython_extension"])
            if not hasattr(module, "load_ipython_extension"):
                raise ImportError("The %s module is not an extension of IPython" % text.strip())
            module.load_ipython_extension(self.shell)

    def line_autoreload(self, text):
        import kernel_reload
        kernel_reload.configure(self.shell, text)

    def line_pinfo(self, name, detailed=False):
        try:
            value = eval(name.strip("%"), self.shell.user_ns)
        except Exception:
            return print("Object `%s` not found." % name)
        import kernel_help
        self.shell.program.publish({"text/plain": kernel_help.information(name.strip("%"), value, detailed)})

    def line_pinfo2(self, name):
        self.line_pinfo(name, True)

    def line_time(self, text):
        return self.cell_time("", text)

    def cell_time(self, line, body):
        shown = []
        wall, used = time.perf_counter(), os.times()
        self.shell.program.run("<timed>", "\n" * bool(body and line) + body, shown.append)
        wall, after = time.perf_counter() - wall, os.times()
        user, system = after.user - used.user, after.system - used.system
        times = tuple(map(duration, (user, system, user + system)))
        print("CPU times: user %s, sys: %s, total: %s" % times)
        print("Wall time: %s" % duration(wall))
        return shown[0] if shown else None

    def line_timeit(self, text):
        return self.cell_timeit(text, "")

    def cell_timeit(self, line, body):
        import timeit
        loops, rounds, code, given = None, 7, line, ""
        words = line.split(None, 2)
        while words and words[0][:2] in ("-n", "-r", "-q", "-o"):
            option, attached = words[0][:2], words[0][2:]
            taken = 1 if attached or option in ("-q", "-o") else 2
            given += option if option in ("-q", "-o") else ""
            value = attached or (words[1] if taken == 2 else "")
            loops, rounds = (int(value) if option == "-n" else loops), (int(value) if option == "-r" else rounds)
            code = code.split(None, taken)[taken] if len(code.split(None, taken)) > taken else ""
            words = code.split(None, 2)
        timer = timeit.Timer(body or code, setup=code if body and code else "pass", globals=self.shell.user_ns)
        loops = loops or timer.autorange()[0]
        runs = [spent / loops for spent in timer.repeat(rounds, loops)]
        result = TimeitResult(loops, runs)
        if "-q" not in given:
            print(result)
        return result if "-o" in given else None

    def cell_capture(self, line, body):
        words = line.split()
        with capture_output(*("--no-" + kind not in words for kind in ("stdout", "stderr", "display"))) as captured:
            self.shell.program.run("<captured>", body, self.shell.program.show)
        for name in [word for word in words if not word.startswith("--")]:
            self.shell.user_ns[name] = captured

    def script(self, name, line, body):
        """Runs a script, which must succeed. `--out` and `--err` name variables for what it prints."""
        words = shlex.split(line)
        taken, rest = {}, []
        while words:
            word = words.pop(0)
            key, has_value, value = word.partition("=")
            if key in ("--out", "--err"):
                taken[key[2:]] = value if has_value else words.pop(0)
            elif word not in ("--bg", "--no-raise-error"):
                rest.append(word)
        command = rest if name == "script" else [name, *rest]
        command = command + ["-c", body] if name in ("bash", "sh") and not rest else command
        sys.stdout.flush()
        options = {"encoding": "utf-8", "errors": "replace", **{"std" + key: subprocess.PIPE for key in taken}}
        if command[-1] != body:
            options["input"] = body  # read by the interpreter
        done = subprocess.run(command, **options)
        for key, variable in taken.items():
            self.shell.user_ns[variable] = getattr(done, "std" + key)
        if done.returncode != 0 and "--no-raise-error" not in line:
            raise subprocess.CalledProcessError(done.returncode, body.encode())

    def cell_writefile(self, line, body):
        append = line.startswith("-a ")
        file = os.path.expanduser((line[3:] if append else line).strip().strip("'\""))
        verb = "Appending to " if append else "Overwriting " if os.path.exists(file) else "Writing "
        with open(file, "a" if append else "w", encoding="utf-8") as out:
            out.write(body if body.endswith("\n") else body + "\n")
        print(verb + file)

    cell_file = cell_writefile


class capture_output:
    """As in `IPython.utils.capture`."""

    def __init__(self, stdout=True, stderr=True, display=True):
        self.chosen = stdout, stderr, display

    def __enter__(self):
        import io
        captured = Captured(io.StringIO(), io.StringIO(), [])
        self.publisher = sys.modules["builtins"].get_ipython().display_pub
        self.before = sys.stdout, sys.stderr, self.publisher.publish
        if self.chosen[0]:
            sys.stdout = captured.out
        if self.chosen[1]:
            sys.stderr = captured.err
        if self.chosen[2]:
            self.publisher.publish = lambda data, metadata=None, **_options: captured.outputs.append(data)
        return captured

    def __exit__(self, *_error):
        sys.stdout, sys.stderr, self.publisher.publish = self.before


class TimeitResult:
    """What `%timeit -o` returns."""

    def __init__(self, loops, timings):
        self.loops, self.repeat, self.timings = loops, len(timings), timings
        self.best, self.worst = min(timings), max(timings)
        self.all_runs = [each * loops for each in timings]
        self.average = sum(timings) / len(timings)
        self.stdev = (sum((each - self.average) ** 2 for each in timings) / len(timings)) ** 0.5

    def __str__(self):
        return "%s ± %s per loop (mean ± std. dev. of %d run%s, %s loop%s each)" % (
            duration(self.average, 3), duration(self.stdev, 3), self.repeat, "s"[:self.repeat > 1],
            format(self.loops, ","), "s"[:self.loops > 1]
        )

    def __repr__(self):
        return "<TimeitResult : %s>" % self


class Captured:
    """What a cell has printed and shown."""

    def __init__(self, out, err, outputs):
        self.out = out
        self.err = err
        self.outputs = outputs

    stdout = property(lambda self: self.out.getvalue())
    stderr = property(lambda self: self.err.getvalue())

    def __str__(self):
        return self.stdout

    def show(self):
        sys.stdout.write(self.stdout)
        sys.stderr.write(self.stderr)
        for bundle in self.outputs:
            sys.modules["builtins"].display(bundle, raw=True)

    __call__ = show


def configure(text, names=None):
    """Sets an option of figures, or which expressions are shown; there are no others."""
    name, _, value = (part.strip() for part in text.partition("="))
    if name.endswith("InteractiveShell.ast_node_interactivity") and value:
        sys.modules["builtins"].get_ipython().ast_node_interactivity = value.strip("'\"")
    if name in ("InlineBackend.figure_format", "InlineBackend.figure_formats") and value:
        import kernel_figures
        try:
            wanted = ast.literal_eval(value)
        except (SyntaxError, ValueError):
            wanted = eval(value, names) if value.strip("{}[]()") != value else value
        kernel_figures.choose([wanted] if isinstance(wanted, str) else list(wanted))


def duration(seconds, precision=3):
    if seconds >= 60:
        return "%dmin %ds" % divmod(seconds, 60)
    scale, unit = next((pair for pair in SCALE if seconds >= pair[0]), SCALE[-1])
    return "%.*g %s" % (precision, seconds / scale, unit)
