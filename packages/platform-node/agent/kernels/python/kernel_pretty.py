"""Values as text in the way of `IPython.lib.pretty`: containers break at 79 columns, sets are sorted."""
import sys

import kernel_layout

MOST = 1000
OPENED = {list: ("[", "]"), tuple: ("(", ")"), set: ("{", "}"), frozenset: ("frozenset({", "})")}


def pretty(value, formatter):
    printer = Printer(formatter)
    printer.pretty(value)
    return kernel_layout.laid_out(printer.items)


class Printer:
    """Collects texts, groups and places where a line may end. `_repr_pretty_` is given one of these."""

    max_width = kernel_layout.WIDTH
    max_seq_length = MOST

    def __init__(self, formatter):
        self.formatter = formatter
        self.items = []
        self.stack = []
        self.indentation = 0

    def text(self, text):
        self.items.append(("text", text))

    def breakable(self, separator=" "):
        self.items.append(("place", separator, self.indentation))

    def break_(self):
        self.items.append(("line", self.indentation))

    def begin_group(self, indent=0, open=""):
        if open:
            self.text(open)
        self.items.append(("begin",))
        self.indentation += indent

    def end_group(self, dedent=0, close=""):
        self.indentation -= dedent
        self.items.append(("end",))
        if close:
            self.text(close)

    def group(self, indent=0, open="", close=""):
        return Within(lambda: self.begin_group(indent, open), lambda: self.end_group(indent, close))

    def indent(self, by):
        def add(amount):
            self.indentation += amount
        return Within(lambda: add(by), lambda: add(-by))

    def pretty(self, value):
        cycle = any(value is each for each in self.stack)
        self.stack.append(value)
        try:
            self.write(value, cycle)
        finally:
            self.stack.pop()

    def write(self, value, cycle):
        kind = type(value)
        try:
            return self.formatter.lookup(value)(value, self, cycle)
        except KeyError:
            pass
        if callable(getattr(kind, "_repr_pretty_", None)):
            return value._repr_pretty_(self, cycle)
        for base, brackets in OPENED.items():
            if isinstance(value, base) and kind.__repr__ is base.__repr__:
                return self.sequence(value, cycle, *brackets)
        if isinstance(value, dict) and kind.__repr__ is dict.__repr__:
            return self.mapping(value, cycle)
        call = call_of(value, kind)
        if call:
            return self.call(*call, cycle)
        self.lines(named(value))

    def call(self, name, arguments, keywords, cycle):
        """What makes a value like this one."""
        parts = [("", "...")] if cycle else [("", each) for each in arguments]
        parts += [] if cycle else [(key + "=", each) for key, each in keywords.items()]
        with self.group(len(name) + 1, name + "(", ")"):
            for at, (key, each) in enumerate(parts):
                if at:
                    self.text(",")
                    self.breakable()
                with self.group(len(key), key):
                    self.text(each) if cycle else self.pretty(each)

    def lines(self, text):
        with self.group():
            for at, line in enumerate(text.splitlines()):
                if at:
                    self.break_()
                self.text(line)

    def sequence(self, value, cycle, start, end):
        if cycle:
            return self.text(start + "..." + end)
        if not value and isinstance(value, (set, frozenset)):
            return self.text(type(value).__name__ + "()")
        items = value
        if isinstance(value, (set, frozenset)) and len(value) < MOST:
            try:
                items = sorted(value)
            except Exception:
                items = value
        with self.group(len(start), start, end):
            for at, each in enumerate(items):
                if at:
                    self.text(",")
                    self.breakable()
                if at == MOST:
                    return self.text("...")
                self.pretty(each)
            if len(value) == 1 and isinstance(value, tuple):
                self.text(",")

    def mapping(self, value, cycle):
        if cycle:
            return self.text("{...}")
        with self.group(1, "{", "}"):
            for at, (key, each) in enumerate(value.items()):
                if at:
                    self.text(",")
                    self.breakable()
                if at == MOST:
                    return self.text("...")
                self.pretty(key)
                self.text(": ")
                self.pretty(each)


class Within:
    def __init__(self, enter, leave):
        self.enter, self.leave = enter, leave

    def __enter__(self):
        self.enter()

    def __exit__(self, *_error):
        self.leave()


def call_of(value, kind):
    """Name, arguments and keywords of the call that IPython prints for a value, or None."""
    module, name = kind.__module__, kind.__qualname__
    if isinstance(value, BaseException) and kind.__repr__ in (BaseException.__repr__, OSError.__repr__):
        return qualified(kind), value.args, {}
    if module == "types" and name == "SimpleNamespace":
        return "namespace", (), vars(value)
    if kind is type(sys.implementation):
        return "namespace", (), vars(value)
    if module == "re" and name == "Pattern":
        flags = [each for each in FLAGS if value.flags & getattr(sys.modules["re"], each)]
        return "re.compile", [Raw(value.pattern), *([Text("|".join("re." + each for each in flags))] if flags else [])], {}
    if module == "collections" and name in PARTS:
        return name, *PARTS[name](value)
    return None


FLAGS = ("IGNORECASE", "LOCALE", "MULTILINE", "DOTALL", "UNICODE", "VERBOSE")
PARTS = {
    "Counter": lambda value: ([dict(value)] if value else [], {}),
    "OrderedDict": lambda value: ([list(value.items())] if value else [], {}),
    "UserList": lambda value: ([value.data], {}),
    "defaultdict": lambda value: ([value.default_factory, dict(value)], {}),
    "deque": lambda value: ([list(value)], {} if value.maxlen is None else {"maxlen": value.maxlen}),
}


class Text:
    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


class Raw(Text):
    def __repr__(self):
        return "r" + repr(self.text).replace("\\\\", "\\")


def named(value):
    """The `repr` of a value; functions and classes by their full name."""
    if isinstance(value, type) and type(value).__repr__ is type.__repr__:
        return qualified(value)
    if isinstance(value, (type(named), type(len))):
        import inspect
        try:
            return "<function %s%s>" % (qualified(value), inspect.signature(value))
        except ValueError:
            return "<function %s>" % qualified(value)
    if type(value).__repr__ is object.__repr__:
        return "<%s at 0x%x>" % (qualified(type(value)), id(value))
    return repr(value)


def qualified(value):
    module = value.__module__
    return value.__qualname__ if module in (None, "builtins", "exceptions") else "%s.%s" % (module, value.__qualname__)
