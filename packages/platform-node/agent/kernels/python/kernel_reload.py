"""`%autoreload`: modules of the session's own are loaded again when their files have changed."""
import importlib
import os
import sys


class Reloader:
    def __init__(self):
        self.enabled = False
        self.times = {}

    def check(self, names, reload=True):
        """Loads what has changed again. Names of the code for functions and classes of the module follow."""
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if not file or not file.endswith(".py") or file.startswith((sys.base_prefix + "/lib", sys.prefix + "/lib")):
                continue
            changed = modified(file)
            if self.times.setdefault(name, changed) == changed:
                continue
            if reload:
                self.times[name] = changed
                self.renew(name, module, names)

    def renew(self, name, module, names):
        before = dict(vars(module))
        try:
            importlib.reload(module)
        except Exception as error:
            return print("%%autoreload of %s failed: %r" % (name, error), file=sys.stderr)
        for key, old in before.items():
            for variable in [variable for variable, value in names.items() if value is old and not key.startswith("__")]:
                names[variable] = getattr(module, key, old)


reloader = Reloader()


def configure(shell, text):
    mode = (text.split() or ["now"])[0]
    if mode in ("0", "off"):
        reloader.enabled = False
        return
    reloader.check(shell.user_ns, mode == "now")
    if mode != "now" and not reloader.enabled:
        reloader.enabled = True
        shell.events.register("pre_run_cell", before_run)
        shell.events.register("post_run_cell", after_run)
        reloader.names = shell.user_ns


def before_run(*_info):
    if reloader.enabled:
        reloader.check(reloader.names)


def after_run(*_result):
    """Notes the files of the modules that the run has imported."""
    if reloader.enabled:
        reloader.check(reloader.names, False)


def modified(file):
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
