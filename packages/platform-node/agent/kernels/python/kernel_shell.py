"""The shell that `get_ipython()` returns where IPython is not installed."""
import builtins
import subprocess
import sys

import kernel_figures
import kernel_magic
import kernel_magics
import kernel_pretty
import kernel_values


class Formatter:
    """What is registered for types, as in `IPython.core.formatters`."""

    def __init__(self, print_method, default=None):
        self.print_method = print_method
        self.default = default
        self.enabled = True
        self.singleton_printers = {}
        self.type_printers = {}
        self.deferred_printers = {}

    def __call__(self, value):
        try:
            printer = self.lookup(value)
        except KeyError:
            return self.default and self.default(value)
        return printer(value)

    def for_type(self, kind, function=None):
        if isinstance(kind, str):
            return self.for_type_by_name(*kind.rpartition(".")[::2], function)
        before = self.type_printers.get(kind)
        if function is not None:
            self.type_printers[kind] = function
        return before

    def for_type_by_name(self, module, name, function=None):
        before = self.deferred_printers.get((module, name))
        if function is not None:
            self.deferred_printers[module, name] = function
        return before

    def lookup(self, value):
        for kind in type(value).__mro__:
            found = self.type_printers.get(kind) or self.deferred_printers.get((kind.__module__, kind.__qualname__))
            if found:
                return found
        raise KeyError(type(value))

    def lookup_by_type(self, kind):
        return self.type_printers[kind]


class DisplayFormatter:
    def __init__(self, shell):
        self.shell = shell
        self.formatters = {mime: Formatter(name) for mime, name in kernel_values.REPRESENTATIONS.items()}
        self.formatters["text/plain"] = PlainFormatter()
        self.active_types = list(self.formatters)

    def format(self, value, include=None, exclude=None):
        return kernel_values.described(value, self.shell, include, exclude), {}


class PlainFormatter(Formatter):
    """Printers of this one are called with a printer to write to, and whether the value contains itself."""

    def __init__(self):
        super().__init__("_repr_pretty_")

    def __call__(self, value):
        return kernel_pretty.pretty(value, self)


class Events:
    def __init__(self):
        self.callbacks = {}

    def register(self, event, function):
        known = self.callbacks.setdefault(event, [])
        if function not in known:
            known.append(function)

    def unregister(self, event, function):
        self.callbacks.get(event, []).remove(function)

    def trigger(self, event, *arguments):
        for function in list(self.callbacks.get(event, ())):
            try:
                function(*arguments)
            except Exception as error:
                print("%s of %r failed: %r" % (event, function, error), file=sys.stderr)


class Publisher:
    def __init__(self, program):
        self.publish = lambda data, metadata=None, **_options: program.publish(data)

    def clear_output(self, wait=False):
        pass


class SList(list):
    """The lines that a command has printed."""

    __module__ = "IPython.utils.text"

    l = list = property(lambda self: list(self))
    n = nlstr = property(lambda self: "\n".join(self))
    s = spstr = property(lambda self: " ".join(self))

    def grep(self, pattern, prune=False, field=None):
        import re
        matches = pattern if callable(pattern) else lambda line: re.search(pattern, line, re.IGNORECASE)
        whole = [(line, line if field is None else (line.split() + [""] * field)[field]) for line in self]
        return SList(line for line, text in whole if bool(matches(text)) != prune)

    def fields(self, *numbers):
        rows = [line.split() for line in self]
        return SList(" ".join(row[at] for at in numbers if at < len(row)) for row in rows) if numbers else rows


class ZMQInteractiveShell:
    """Libraries tell a notebook by the name of this class, by `kernel` and by `IPKernelApp` in `config`."""

    __module__ = "ipykernel.zmqshell"
    kernel = kernel_magic.Kernel()
    ast_node_interactivity = "last_expr"
    failed = None
    colors = "NoColor"

    def __init__(self, program):
        self.program = program
        self.user_module = program.module
        self.user_ns = self.user_global_ns = program.module.__dict__
        self.config = {"IPKernelApp": {}}
        self.display_formatter = DisplayFormatter(self)
        self.display_pub = Publisher(program)
        self.events = Events()
        self.execution_count = len(program.inputs) - 1
        self.magics = kernel_magics.Magics(self)

    @staticmethod
    def instance(*_arguments, **_options):
        return builtins.get_ipython()

    @staticmethod
    def initialized():
        return True

    def __getattr__(self, name):
        raise AttributeError("get_ipython().%s needs IPython, which is not installed: %%pip install ipython" % name)

    def system(self, command):
        kernel_magic.shell(self.expanded(command, 2), self.user_ns)

    system_raw = system_piped = system

    def getoutput(self, command, split=True):
        text = self.expanded(command, 2)
        output = subprocess.run(text, shell=True, stdout=subprocess.PIPE, encoding="utf-8", errors="replace").stdout
        return SList(output.splitlines()) if split else output

    def expanded(self, command, depth):
        frame = sys._getframe(depth)
        return kernel_magic.filled(command, {**self.user_ns, **frame.f_globals, **frame.f_locals})

    def var_expand(self, command, depth=0):
        return self.expanded(command, depth + 2)

    def run_line_magic(self, name, line, _stack_depth=1):
        line = line if name in ("time", "timeit") else self.expanded(line, _stack_depth + 1)
        return self.magics.line(name, line)

    def run_cell_magic(self, name, line, cell):
        return self.magics.cell(name, self.expanded(line, 2), cell)

    def magic(self, text):
        name, _, rest = text.partition(" ")
        return self.run_line_magic(name, rest.strip(), 2)

    def run_cell(self, code, *_arguments, **_options):
        return self.program.run("<cell>", code, self.program.show)

    def ex(self, code):
        exec(code, self.user_ns)

    def ev(self, expression):
        return eval(expression, self.user_ns)

    def push(self, variables, interactive=True):
        self.user_ns.update(variables)

    def register_magic_function(self, function, magic_kind="line", magic_name=None):
        self.magics.own[magic_kind][magic_name or function.__name__] = function

    def register_magics(self, *classes):
        import kernel_magic_classes
        for each in classes:
            for kind, name, function in kernel_magic_classes.commands_of(each, self):
                self.register_magic_function(function, kind, name)

    @property
    def input_transformer_manager(self):
        return self

    def transform_cell(self, code):
        return kernel_magic.translate(kernel_magic.without_prompts(code))

    def enable_gui(self, gui=None):
        pass

    def enable_matplotlib(self, gui=None):
        kernel_figures.enable(gui)
        return gui or "inline", "agg"
