"""The shell of IPython, where that is installed: its syntax, its magics and its formatters. Code runs without it."""
import builtins
import os
import sys
import tempfile

from IPython.core import oinspect, page
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.profiledir import ProfileDir
from traitlets import Type
from traitlets.config import Config

import kernel_errors
import kernel_figures
import kernel_magic
import kernel_magics
import kernel_magics_system
import kernel_packages


class Hook(DisplayHook):
    """Shows the value of a cell that a magic runs."""

    def __call__(self, result=None):
        if result is not None and not self.quiet():
            self.shell.program.show(result)


class Publisher(DisplayPublisher):
    def publish(self, data, metadata=None, *_arguments, **_options):
        self.shell.program.publish(data)

    def clear_output(self, wait=False):
        pass


class ZMQInteractiveShell(InteractiveShell):
    """Libraries tell a notebook by the name of this class, by `kernel` and by `IPKernelApp` in `config`."""

    __module__ = "ipykernel.zmqshell"
    displayhook_class = Type(Hook)
    display_pub_class = Type(Publisher)
    kernel = kernel_magic.Kernel()
    program = None
    is_printing = False
    depth = 0
    failed = None

    def init_virtualenv(self):
        pass

    def system(self, cmd):
        kernel_magic.shell(self.var_expand(cmd, depth=1), self.user_ns)

    system_raw = system_piped = system

    def run_cell(self, *arguments, **options):
        """The run fails as the cell does: IPython would only print the error."""
        self.depth += 1
        try:
            result = super().run_cell(*arguments, **options)
        finally:
            self.depth -= 1
        self.failed = result.error_before_exec or result.error_in_exec or self.failed
        return result

    def showtraceback(self, exc_tuple=None, *_arguments, **_options):
        """Prints the error of a formatter. What a magic would only print fails the run, as `%tb` does with the last error."""
        if exc_tuple is None:
            self.failed = sys.exc_info()[1] or kernel_errors.last()
        elif self.depth == 0 and not self.is_printing:
            print(self.program.explain(sys.exc_info()[1])[2], file=sys.stderr, end="")

    def showsyntaxerror(self, *_arguments, **_options):
        self.failed = sys.exc_info()[1]

    def ask_exit(self):
        raise SystemExit

    def enable_gui(self, gui=None):
        pass

    def enable_matplotlib(self, gui=None):
        kernel_figures.enable(gui)
        return gui or "inline", "agg"


def find_file(value, find=oinspect.find_file):
    """The file where something is defined. The code of a run has none: its name would be taken for one."""
    file = find(value)
    name = os.path.basename(file or "")
    return name if name.startswith("<run ") else file


def make(program):
    oinspect.find_file = find_file
    config = Config()
    config.HistoryManager.enabled = False
    config.IPKernelApp.connection_file = ""
    ZMQInteractiveShell.program = program
    folder = os.path.expanduser("~/.cache/ipython")
    try:
        profile = ProfileDir(location=folder)
    except Exception:
        folder = tempfile.mkdtemp()
        profile = ProfileDir(location=folder)
    names = program.names
    own = builtins.display, builtins.get_ipython
    before = dict(names)
    shell = ZMQInteractiveShell.instance(
        config=config,
        user_module=program.module,
        profile_dir=profile,
        ipython_dir=folder,
        colors="nocolor",
    )
    for name in set(names) - set(before) - {"_dh"}:
        del names[name]
    names.update(before)
    shell.user_ns_hidden.update((name, names[name]) for name in program.hidden if name in names)
    builtins.display, builtins.get_ipython = own
    history = shell.history_manager
    history.output_hist = program.outputs
    history.input_hist_parsed, history.input_hist_raw = list(program.inputs), list(program.inputs)
    shell.events.register("pre_run_cell", lambda cell: remember(shell, cell.raw_cell))
    shell.display_trap.__enter__()
    shell.set_hook("show_in_pager", page.as_hook(lambda text, *_arguments, **_options: show_page(program, text)), 99)
    replace_magics(shell)
    return shell


def show_page(program, text):
    program.publish(text if isinstance(text, dict) else {"text/plain": text})


def remember(shell, code):
    """`%reset` has removed earlier inputs, and cells that the code runs are none."""
    for inputs in (shell.history_manager.input_hist_parsed, shell.history_manager.input_hist_raw):
        if len(inputs) <= shell.execution_count:
            inputs += [""] * (shell.execution_count - len(inputs)) + [code]


def replace_magics(shell):
    lines = shell.magics_manager.magics["line"]
    config = lines["config"]

    def configure(text):
        return (kernel_magics.configure if text.startswith("InlineBackend") else config)(text)

    lines["config"] = configure
    lines["pip"] = lambda text: kernel_packages.pip(text, shell.user_ns)
    lines["less"] = lines["more"] = lambda text: kernel_magics_system.show_file(shell, text)
    lines["autosave"] = lambda text: kernel_magics_system.autosave(shell, text)
    lines["man"] = lambda text: kernel_magics_system.show_manual(shell, text)
    for name in ("debug", "pdb", "edit", "qtconsole", "notebook", "recall", "doctest_mode"):
        lines[name] = unsupported(name)


def unsupported(name):
    def refuse(_text):
        raise NotImplementedError("%%%s needs a terminal or a front end, which code does not have here" % name)
    return refuse
