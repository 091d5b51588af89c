"""Classes and functions of the code that are commands, as in `IPython.core.magic`."""
from builtins import get_ipython


class Magics:
    """What a class of commands extends, before `get_ipython().register_magics`."""

    def __init__(self, shell=None, **_options):
        self.shell = shell or get_ipython()


def magics_class(kind):
    return kind


def marker(kind):
    """A decorator of methods, with a name for the command or without one."""
    def mark(given=None):
        if not callable(given):
            return lambda function: marked(function, kind, given or function.__name__)
        return marked(given, kind, given.__name__)
    return mark


def marked(function, kind, name):
    function.__dict__.setdefault("magic_commands", []).append((kind, name))
    return function


def registrar(kind):
    def register(given=None):
        if not callable(given):
            return lambda function: registered(function, kind, given or function.__name__)
        return registered(given, kind, given.__name__)
    return register


def registered(function, kind, name):
    get_ipython().register_magic_function(function, kind, name)
    return function


def commands_of(each, shell):
    """Kind, name and function of the commands of a class or of an instance of it."""
    instance = each(shell) if isinstance(each, type) else each
    for name in dir(instance):
        function = getattr(instance, name, None)
        for kind, command in getattr(function, "magic_commands", ()):
            yield kind, command, function


line_magic, cell_magic, line_cell_magic = map(marker, ("line", "cell", "line_cell"))
register_line_magic, register_cell_magic, register_line_cell_magic = map(registrar, ("line", "cell", "line_cell"))
