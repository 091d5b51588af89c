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
import kernel_imports
import kernel_output
import kernel_source
sys.dont_write_bytecode = False
REQUESTS, REPLIES, CONTROL = 3, 4, 5
LETTERS = (("\x01", "a"), ("\n", "n"), ("\r", "r"), ("\t", "t"))
CO_COROUTINE = 0x80
MOMENT = 0.05
LEAVING = ("Quitter", "ExitAutocall", "ZMQExitAutocall")  # `exit` alone


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
                program.run_tasks()
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
    """The results of a run, bounded in size. The main result is held back until the next one or the end of the run: one write."""

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
        import kernel_values
        bundle, size = kernel_values.fitted(bundle, self.limit)
        self.size += size
        if self.size > 3 * self.limit:
            told = kernel_values.sizes(bundle), kernel_values.mebibytes(3 * self.limit)
            print("A result was left out (%s): the results of a run hold %s" % told, file=sys.stderr)
            return
        self.count += 1
        number = str(self.count)
        content = [field for pair in bundle.items() for field in pair]
        line = encode(["result", self.run, number, "1" if main else "0", *content])
        if main:
            self.last = line
        elif os.getpid() == PROCESS:
            kernel_output.flush()
            line, self.last = self.last + line, b""
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


def display(*values, raw=False, include=None, exclude=None, display_id=None, **_options):
    """Sends values as results, each in all of its representations or in those that are asked for."""
    import kernel_values
    for value in values:
        if raw and isinstance(value, dict):
            publish(value)
        elif not kernel_values.shows_itself(value):
            publish(kernel_values.described(value, program.shell, include, exclude))
    return None if display_id is None else kernel_values.DisplayHandle(display_id)


def publish(bundle):
    """Sends a bundle as a result, unless a magic captures it."""
    if program.shell is None:
        program.publish(bundle)
    else:
        program.shell.display_pub.publish(bundle, {})


def get_ipython():
    """The shell of IPython, or a substitute for it, which is made when it is first asked for."""
    if program.shell is None:
        program.make_shell()
    return program.shell


def no_input(*_arguments, **_options):
    raise EOFError("input() is not available: code runs without a standard input")


def show_figures(*_arguments, left=False, **_options):
    """Sends the open figures of matplotlib as results and closes them; at the end of a run what is left of them."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if hasattr(pyplot, "get_fignums"):
        import kernel_figures
        (kernel_figures.show_left if left else kernel_figures.show)(pyplot, publish)


class Program:
    """The user's code: its namespace, its sources, its history, its shell and its event loop."""

    def __init__(self):
        self.module = type(sys)("__main__", "Automatically created module for IPython interactive environment")
        self.module.__builtins__ = builtins
        sys.modules["__main__"] = self.module
        self.sources = {}
        self.loop = None
        self.shell = None
        self.flags = _ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self.inputs = [""]
        self.outputs = {}
        self.last = ""
        self.names = vars(self.module)
        self.names.update(In=self.inputs, Out=self.outputs, _ih=self.inputs, _oh=self.outputs, _="", __="", ___="")
        self.hidden = frozenset(self.names)

    def execute(self, count, code):
        add_own_packages()
        self.names.pop("__warningregistry__", None)  # each run warns again
        self.inputs += [""] * (int(count) - len(self.inputs)) + [code]
        earlier = [""] * 3 + self.inputs
        self.names.update({"_i": earlier[-2], "_ii": earlier[-3], "_iii": earlier[-4], "_i" + count: code})
        if "asyncio" in sys.modules:
            self.adopt_loop()
        events = self.shell and self.shell.events
        if events:
            self.shell.execution_count = int(count)
            trigger(events, ("pre_execute",), ("pre_run_cell", Cell(code)))
        try:
            self.run("<run %s>" % count, code, self.show_main)
        finally:
            events = self.shell and self.shell.events
            if events:
                trigger(events, ("post_execute",), ("post_run_cell", Cell(code)))
        failed = self.shell and self.shell.failed
        if failed:
            self.shell.failed = None
            raise failed

    def run(self, name, code, show):
        """Runs code and shows the value of its last expression."""
        tree, code = kernel_source.parsed(code, name, self.flags | _ast.PyCF_ONLY_AST, self.names)
        self.sources[name] = code
        self.publish_sources()
        parts = self.parts(tree.body)
        last = parts[-1:]
        for part in parts:
            if isinstance(part, list):
                self.evaluate(compile(_ast.Module(part, []), name, "exec", self.flags, True))
                continue
            if isinstance(part, _ast.Interactive):
                sys.displayhook = lambda value: value is None or self.show(value)
                self.evaluate(compile(part, name, "single", self.flags, True))
                continue
            value = self.evaluate(compile(_ast.Expression(part), name, "eval", self.flags, True))
            if type(value).__name__ in LEAVING and part in last:
                raise SystemExit
            if value is not None and not kernel_source.is_silenced(code, part):
                (show if part in last else self.show)(value)

    def parts(self, body):
        """Lists of statements, and the expressions whose values are shown: the last one, unless the code has set that."""
        module = sys.modules.get("IPython.core.interactiveshell")
        chosen = module and getattr(self.shell or module.InteractiveShell, "ast_node_interactivity", None)
        if isinstance(chosen, str) and chosen != "last_expr":
            import kernel_nodes
            return kernel_nodes.parts(body, chosen)
        last = [body.pop().value] if body and isinstance(body[-1], _ast.Expr) else []
        return [body, *last] if body else last

    def show_main(self, value):
        self.remember(value)
        import kernel_values
        if not kernel_values.shows_itself(value):
            self.publish(kernel_values.described(value, self.shell), True)

    def remember(self, value):
        count = len(self.inputs) - 1
        self.outputs[count] = self.names["_%d" % count] = value
        if self.names.get("_", self.last) is self.last:
            self.names.update(_=value, __=self.last, ___=self.names.get("__"))
            self.last = value

    def show(self, value):
        display(value)

    def publish(self, bundle, main=False):
        import kernel_values
        if bundle:
            results.add(kernel_values.as_texts(bundle), main)

    def make_shell(self):
        from importlib.util import find_spec
        if not getattr(find_spec("IPython"), "origin", FOLDER).startswith(FOLDER):
            try:
                import kernel_ipython
                self.shell = kernel_ipython.make(self)
                return
            except Exception as error:
                print("IPython cannot be used: %r" % error, file=sys.stderr)
        import kernel_shell
        self.shell = kernel_shell.ZMQInteractiveShell(self)

    def evaluate(self, compiled):
        if compiled.co_flags >> 17:
            import __future__
            features = (getattr(__future__, name) for name in __future__.all_feature_names)
            self.flags |= compiled.co_flags & sum({feature.compiler_flag for feature in features}) >> 12 << 12
        value = eval(compiled, self.names)
        if not compiled.co_flags & CO_COROUTINE:
            return value
        task = self.adopt_loop().create_task(value)
        try:
            return self.loop.run_until_complete(task)
        finally:
            task.cancel()

    def adopt_loop(self):
        """Makes the loop of all runs the current one: what one run has begun, another can await."""
        import asyncio
        if self.loop is None or self.loop.is_closed():
            self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        return self.loop

    def tasks(self):
        loop = self.loop
        if loop is None or loop.is_closed() or loop.is_running():
            return set()
        return sys.modules["asyncio"].all_tasks(loop)

    def settle(self):
        """Gives tasks that the run has not awaited a moment."""
        tasks = self.tasks()
        if tasks:
            import asyncio
            self.loop.run_until_complete(asyncio.wait(tasks, timeout=MOMENT))

    def run_tasks(self):
        """Runs tasks that nobody awaits yet until the next request arrives."""
        if self.tasks():
            self.loop.add_reader(REQUESTS, self.loop.stop)
            try:
                self.loop.run_forever()
            finally:
                self.loop.remove_reader(REQUESTS)

    def publish_sources(self):
        """Adds the sources to linecache, if it is loaded, for tracebacks and `inspect`."""
        linecache = sys.modules.get("linecache")
        if linecache is None or not hasattr(linecache, "cache"):
            return
        for name, code in self.sources.items():
            linecache.cache[name] = (len(code), None, [line + "\n" for line in kernel_source.lines_of(code)], name)
        self.sources.clear()

    def explain(self, error):
        """Name, value and traceback of an exception, without frames of the kernel."""
        import kernel_errors
        self.publish_sources()
        return kernel_errors.described(error)


class Cell:
    """What callbacks of IPython are told of a run."""

    def __init__(self, code):
        self.raw_cell = code
        self.info = self
        self.result = self.error_before_exec = self.error_in_exec = None
        self.success = True


def trigger(events, *calls):
    for call in calls:
        events.trigger(*call)


def add_own_packages():
    """Makes packages importable that the session has installed since the kernel started, in a shell for example."""
    if OWN_PACKAGES not in sys.path and os.path.isdir(OWN_PACKAGES):
        import kernel_packages
        kernel_packages.add(OWN_PACKAGES)


def left_well(error):
    """Whether the code has exited successfully. `exit` closes the standard input, which is reopened here."""
    if isinstance(error, SystemExit) and sys.stdin.closed:
        sys.stdin = open(os.devnull)
    return isinstance(error, SystemExit) and (error.code is None or error.code is False or error.code == 0)


def finish_threads():
    if hasattr(sys.modules.get("threading"), "enumerate"):
        import kernel_threads
        kernel_threads.finish()


def serve(count, ordered, limit, code):
    results.begin(count, ordered == "1", 2 * int(limit))  # counted in bytes of JSON, whose worst case is 6 per byte
    kernel_output.reopen()
    _, error = interrupts.call(program.execute, count, code)
    _, unsettled = interrupts.call(program.settle)
    early = None
    if (error is None or left_well(error)) and os.getpid() == PROCESS:
        _, early = interrupts.call(finish_threads)
    _, late = interrupts.call(lambda: show_figures(left=True))
    error = None if left_well(error) else error or unsettled or late
    told, unexplained = interrupts.call(program.explain, error) if error else (None, None)
    if unexplained:
        told = (type(error).__name__, "", type(error).__name__ + "\n")
    told = told and [text[:results.limit // 8] for text in told]
    del error, unsettled, late, unexplained
    interrupts.call(kernel_output.flush)
    if os.getpid() != PROCESS:
        os._exit(1 if told else 0)
    reply(results.last + encode(["done", count, "1" if told else "0", *(told or ("", "", "")), "1" if early else "0"]))
    results.last = b""


FOLDER = os.path.dirname(os.path.abspath(__file__))
PROCESS = os.getpid()
OWN_PACKAGES = getattr(sys.modules.get("site"), "USER_SITE", None) or "/nonexistent"
for inherited in (REQUESTS, REPLIES, CONTROL):
    os.set_inheritable(inherited, False)
os.environ.setdefault("MPLBACKEND", "agg")
sys.argv = [""]
sys.path[0] = ""
builtins.display = display
builtins.get_ipython = get_ipython
builtins.input = no_input
kernel = sys.modules["__main__"]
replying = _thread.allocate_lock()
interrupts = Interrupts()
results = Results()
program = Program()
sys.meta_path.insert(0, kernel_imports.Imports(FOLDER, kernel_imports.changes(program, display, publish, show_figures)))
reply(encode(["ready"]))
for request in requests():
    serve(*request[1:])
os._exit(0)
