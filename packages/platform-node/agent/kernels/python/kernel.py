"""The Python kernel: a process that keeps its state between runs.

Requests arrive on descriptor 3 and replies are written to descriptor 4, as lines of fields (see agentWire/fields.ts). For a
fast start only modules that the interpreter itself has loaded are imported at once, all others on demand.
"""
import _ast
import _thread
import builtins
import os
import signal
import sys
from _signal import SIG_BLOCK, SIG_SETMASK, pthread_sigmask
from select import select

sys.dont_write_bytecode = True  # no __pycache__ beside this file
import kernel_output
sys.dont_write_bytecode = False

REQUESTS, REPLIES, CONTROL = 3, 4, 5
LETTERS = (("\x01", "a"), ("\n", "n"), ("\r", "r"), ("\t", "t"))
CO_COROUTINE = 0x80


def encode(fields):
    texts = []
    for field in fields:
        for character, letter in LETTERS:
            field = field.replace(character, "\x01" + letter)
        texts.append(field)
    return ("\t".join(texts) + "\n").encode("utf-8", "backslashreplace")


def decode(line):
    fields = line.decode("utf-8", "replace").split("\t")
    for character, letter in reversed(LETTERS):
        fields = [field.replace("\x01" + letter, character) for field in fields]
    return fields


def requests():
    rest = b""
    while True:
        wait_for_request()
        chunk = os.read(REQUESTS, 65536)
        if not chunk:
            return
        parts = (rest + chunk).split(b"\n") if b"\n" in chunk else [rest + chunk]
        rest = parts.pop()
        for line in parts:
            yield decode(line)


def wait_for_request():
    """A signal handler of the code may raise between two runs: the error is printed and the kernel keeps running."""
    while True:
        try:
            try:
                interrupts.unblock()
                return select([REQUESTS], [], [])
            finally:
                pthread_sigmask(SIG_BLOCK, interrupts.others)
        except BaseException as error:
            if isinstance(error, OSError) and error.__traceback__.tb_next is None:
                raise
            write_all(kernel_output.KEPT[1], program.explain(error)[2].encode("utf-8", "backslashreplace"))


def write_all(descriptor, data):
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view):]


def reply(data):
    with replying:
        write_all(REPLIES, data)


class Interrupts:
    """SIGINT interrupts the user's code and never the kernel itself.

    All other signals are blocked unless the code runs or the kernel waits for a request: a signal handler of the code may
    raise at any time, and is caught there only. Calling a function of Python in order to block them would be too late.
    """

    def __init__(self):
        self.allowed = False
        self.held = False
        self.missed = False
        self.others = signal.valid_signals() - {signal.SIGINT}
        self.mask = pthread_sigmask(SIG_BLOCK, self.others)
        signal.signal(signal.SIGINT, self.on_signal)

    def unblock(self):
        pthread_sigmask(SIG_SETMASK, self.mask)

    def on_signal(self, _number, _frame):
        if self.held:
            self.missed = True
        elif self.allowed:
            self.allowed = False
            raise KeyboardInterrupt

    def hold(self, function, *arguments):
        """Calls a function that must not be interrupted; an interrupt is deferred until it returns."""
        self.held = True
        try:
            function(*arguments)
        finally:
            self.held = False
            if self.missed:
                self.missed = False
                _thread.interrupt_main()

    def call(self, function, *arguments):
        """Returns the value of the call and None, or None and the exception that it raised."""
        try:
            try:
                self.unblock()
                self.allowed = True
                value = function(*arguments)
            finally:
                self.allowed = False
                self.mask = pthread_sigmask(SIG_BLOCK, self.others)
            return value, None
        except BaseException as error:
            return None, error


class Results:
    """The results of a run, bounded in size."""

    def __init__(self):
        self.count = 0
        self.shown = b""
        self.begin("", False, 1 << 20)

    def begin(self, run, ordered, limit):
        self.run = run
        self.ordered = ordered
        self.limit = limit
        self.size = 0
        self.last = b""

    def add(self, bundle, main=False):
        if weight(bundle) > self.limit:
            text = bundle.get("text/plain", "")
            kept = text[:self.limit // 8]
            bundle = {"text/plain": "%s\n... (%d more characters)" % (kept, len(text) - len(kept))}
        self.size += weight(bundle)
        if self.size > 2 * self.limit:
            print("A result was left out: the results of this run are too large.", file=sys.stderr)
            return
        self.count += 1
        number = str(self.count)
        content = [field for pair in bundle.items() for field in pair]
        line = encode(["result", self.run, number, "1" if main else "0", *content])
        if main:
            self.last = line
        elif os.getpid() == PROCESS:
            kernel_output.flush()
            interrupts.hold(reply, line)
            if self.ordered:
                self.wait(number)

    def wait(self, number):
        """Waits until the result has been sent, so that later output follows it."""
        wanted = encode(["shown", number])
        while wanted not in self.shown:
            heard = os.read(CONTROL, 4096)
            if not heard:
                return
            self.shown = (self.shown + heard)[-64:]


def weight(bundle):
    """An upper bound of the size of a bundle in bytes."""
    return sum(len(text) if text.isascii() else 4 * len(text) for text in bundle.values())


def display(*values, raw=False, display_id=None, **_options):
    """Sends values as results, each in all of its representations."""
    import kernel_values
    for value in values:
        if raw and isinstance(value, dict):
            results.add(kernel_values.as_texts(value))
        elif not kernel_values.shows_itself(value):
            results.add(kernel_values.described(value))
    return None if display_id is None else kernel_values.DisplayHandle(display_id)


def no_input(*_arguments, **_options):
    raise EOFError("input() is not available: code runs without a standard input")


def show_figures(*_arguments, **_options):
    """Sends the open figures of matplotlib as results and closes them."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if not hasattr(pyplot, "get_fignums"):
        return
    import io
    for number in pyplot.get_fignums():
        figure = pyplot.figure(number)
        image = io.BytesIO()
        figure.savefig(image, format="png", bbox_inches="tight")
        pyplot.close(figure)
        display({"text/plain": repr(figure), "image/png": image.getvalue()}, raw=True)


class Imports:
    """Patches modules when they are imported, and provides IPython.display if IPython is not installed."""

    changes = {
        "matplotlib.pyplot": {"show": show_figures},
        "IPython.core.display_functions": {
            "display": display,
            "publish_display_data": lambda data, *_arguments, **_options: display(data, raw=True),
            "clear_output": lambda *_arguments, **_options: None,
        },
        "IPython": {},
        "IPython.display": {},
        "kernel_magic": {},
        "kernel_values": {},
    }

    def find_spec(self, name, path=None, target=None):
        change = self.changes.get(name)
        if change is None:
            return None
        finders = [finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec")]
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in finders)), None)
        if spec is None:
            return self.substitute(name)
        execute = spec.loader.exec_module
        if change:
            def exec_module(module):
                execute(module)
                vars(module).update(change)
            spec.loader.exec_module = exec_module
        return spec

    def substitute(self, name):
        if name.startswith("IPython") and "core" not in name:
            return self.own(name, "kernel_display.py", submodule_search_locations=[])
        return self.own(name, name + ".py") if name.startswith("kernel_") else None

    def own(self, name, file, **options):
        from importlib.util import spec_from_file_location
        spec = spec_from_file_location(name, FOLDER + "/" + file, **options)
        spec.loader.set_data = lambda *_, **_options: None  # no __pycache__
        return spec


class Program:
    """The user's code: its namespace, its sources and its event loop."""

    def __init__(self):
        self.module = type(sys)("__main__")
        self.module.__builtins__ = builtins
        sys.modules["__main__"] = self.module
        self.sources = {}
        self.loop = None

    def execute(self, name, code):
        flags = _ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        tree, code = parsed(code, name, flags | _ast.PyCF_ONLY_AST)
        self.sources[name] = code
        self.publish_sources()
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], _ast.Expr) else None
        if tree.body:
            self.evaluate(compile(tree, name, "exec", flags, True))
        if last is None:
            return
        value = self.evaluate(compile(_ast.Expression(last.value), name, "eval", flags, True))
        if value is not None and not is_silenced(code, last.value):
            self.show(value)

    def show(self, value):
        import kernel_values
        if not kernel_values.shows_itself(value):
            results.add(kernel_values.described(value), True)

    def evaluate(self, compiled):
        value = eval(compiled, self.module.__dict__)
        if not compiled.co_flags & CO_COROUTINE:
            return value
        import asyncio
        if self.loop is None or self.loop.is_closed():
            self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        task = self.loop.create_task(value)
        try:
            return self.loop.run_until_complete(task)
        finally:
            task.cancel()

    def publish_sources(self):
        """Adds the sources to linecache, if it is loaded, for tracebacks and `inspect`."""
        linecache = sys.modules.get("linecache")
        if linecache is None or not hasattr(linecache, "cache"):
            return
        for name, code in self.sources.items():
            linecache.cache[name] = (len(code), None, [line + "\n" for line in lines_of(code)], name)
        self.sources.clear()

    def explain(self, error):
        """Name, value and traceback of an exception, without frames of the kernel."""
        import traceback
        self.publish_sources()
        trace = error.__traceback__
        while trace is not None and not trace.tb_frame.f_code.co_filename.startswith("<run "):
            trace = trace.tb_next
        told = traceback.TracebackException(type(error), error, trace)
        seen = set()
        pending = [told]
        while pending:
            part = pending.pop()
            if part is None or id(part) in seen:
                continue
            seen.add(id(part))
            part.stack[:] = [frame for frame in part.stack if not frame.filename.startswith(FOLDER + "/kernel")]
            pending += [part.__cause__, part.__context__]
        return type(error).__name__, str(error), "".join(told.format())


def parsed(code, name, flags):
    """The syntax tree of the code, and the text that its positions refer to."""
    refused = None
    for text, shown in readings(code):
        try:
            return compile(text, name, "exec", flags, True), shown
        except SyntaxError as error:
            refused = max(refused or error, error, key=lambda each: each.lineno or 0)
    raise refused from None


def readings(code):
    """The code as it is, then without indentation of the whole and with notebook commands translated."""
    yield code, code
    import kernel_magic
    plain = kernel_magic.unindented(code)
    translated = kernel_magic.translate(plain)
    for text in sorted({plain, translated} - {code}, key=translated.__eq__):
        yield text, plain


def lines_of(code):
    return code.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def is_silenced(code, node):
    """Whether a semicolon follows the last expression."""
    lines = lines_of(code)[node.end_lineno - 1:]
    tail = lines[0].encode("utf-8")[node.end_col_offset:].decode("utf-8") + "\n".join(lines[1:])
    return tail.lstrip(" \t\n\\)").startswith(";")


def left_well(error):
    """Whether the code has exited successfully. `exit` closes the standard input, which is reopened here."""
    if isinstance(error, SystemExit) and sys.stdin.closed:
        sys.stdin = open(os.devnull)
    return isinstance(error, SystemExit) and (error.code is None or error.code is False or error.code == 0)


def serve(count, ordered, limit, code):
    results.begin(count, ordered == "1", int(limit))
    kernel_output.reopen()
    _, error = interrupts.call(program.execute, "<run %s>" % count, code)
    _, late = interrupts.call(show_figures)
    error = None if left_well(error) else error or late
    told, unexplained = interrupts.call(program.explain, error) if error else (None, None)
    if unexplained:
        told = (type(error).__name__, "", type(error).__name__ + "\n")
    told = told and [text[:results.limit // 4] for text in told]
    del error, late, unexplained
    interrupts.call(kernel_output.flush)
    if os.getpid() != PROCESS:
        os._exit(1 if told else 0)
    reply(results.last + encode(["done", count, "1" if told else "0", *(told or ("", "", ""))]))
    results.last = b""


FOLDER = os.path.dirname(os.path.abspath(__file__))
PROCESS = os.getpid()
for inherited in (REQUESTS, REPLIES, CONTROL):
    os.set_inheritable(inherited, False)
os.environ.setdefault("MPLBACKEND", "agg")
sys.argv = [""]
sys.path[0] = ""
sys.meta_path.insert(0, Imports())
builtins.display = display
builtins.input = no_input
kernel = sys.modules["__main__"]
replying = _thread.allocate_lock()
interrupts = Interrupts()
results = Results()
program = Program()
reply(encode(["ready"]))
for request in requests():
    serve(*request[1:])
os._exit(0)
