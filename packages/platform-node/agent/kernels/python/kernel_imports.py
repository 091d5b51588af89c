"""Patches modules when they are imported, and provides IPython.display if IPython is not installed."""
import builtins
import sys

SUBSTITUTES = frozenset((
    "IPython", "IPython.display", "IPython.core", "IPython.core.display", "IPython.core.display_functions",
    "IPython.core.error", "IPython.core.getipython", "IPython.core.interactiveshell", "IPython.core.pylabtools", "IPython.lib",
    "IPython.lib.display", "IPython.lib.latextools", "IPython.lib.pretty", "IPython.core.magic", "IPython.utils",
    "IPython.utils.capture", "IPython.utils.io", "IPython.utils.text", "IPython.terminal", "IPython.terminal.interactiveshell",
    "matplotlib_inline", "matplotlib_inline.backend_inline",
))


class Imports:
    """`changes` has, by module, the names to set or a function to call once it is loaded."""

    def __init__(self, folder, changes):
        self.folder = folder
        self.changes = changes

    def find_spec(self, name, path=None, target=None):
        change = self.changes.get(name)
        is_own = name.startswith("kernel_")
        if change is None and not is_own and name not in SUBSTITUTES:
            return None
        finders = [finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec")]
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in finders)), None)
        if spec is None:
            return self.substitute(name)
        execute = spec.loader.exec_module
        if change:
            def exec_module(module):
                execute(module)
                if callable(change):
                    change(module)
                else:
                    vars(module).update(change)
            spec.loader.exec_module = exec_module
        return spec

    def substitute(self, name):
        if name in SUBSTITUTES:
            return self.own(name, "kernel_display.py", submodule_search_locations=[])
        from os.path import exists
        own = name + ".py"
        return self.own(name, own) if name.startswith("kernel_") and exists(self.folder + "/" + own) else None

    def own(self, name, file, **options):
        from importlib.util import spec_from_file_location
        spec = spec_from_file_location(name, self.folder + "/" + file, **options)
        spec.loader.set_data = lambda *_, **_options: None  # no __pycache__
        return spec


def changes(program, display, publish, show_figures):
    """What is changed in modules of the code."""
    return {
        "asyncio": lambda _module: program.adopt_loop(),
        "asyncio.tasks": lambda tasks: begin_tasks(tasks, program),
        "getpass": {"getpass": no_password},
        "matplotlib.pyplot": lambda pyplot: adapt_pyplot(pyplot, show_figures),
        "matplotlib_inline.backend_inline": {"set_matplotlib_formats": set_formats},
        # plotly shows nothing in a notebook without this package, of which it needs only the version.
        "plotly.io._renderers": {"nbformat": type("nbformat", (), {"__version__": "5.0.0"})},
        "IPython.core.getipython": lambda module: setattr(module, "get_ipython", builtins.get_ipython),
        "IPython.core.display_functions": {
            "display": display,
            "publish_display_data": lambda data, *_arguments, **_options: publish(data),
            "clear_output": lambda *_arguments, **_options: None,
        },
    }


def adapt_pyplot(pyplot, show_figures):
    import kernel_figures
    kernel_figures.follow(pyplot)
    pyplot.show = show_figures


def set_formats(*formats, **_options):
    import kernel_figures
    kernel_figures.choose(formats)


def no_password(*_arguments, **_options):
    raise EOFError("getpass() is not available: code runs without a standard input")


def begin_tasks(tasks, program):
    """A task that is created outside of a coroutine belongs to the loop of all runs."""
    create = tasks.create_task

    def create_task(coroutine, **options):
        if tasks.events._get_running_loop() is not None:
            return create(coroutine, **options)
        return program.adopt_loop().create_task(coroutine, **options)
    tasks.create_task = create_task
