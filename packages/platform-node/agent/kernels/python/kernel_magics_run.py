"""`%run`, where IPython is not installed."""
import os
import runpy
import shlex
import sys

from kernel_magic import UsageError

WITHOUT_VALUE = ("-i", "-n", "-e", "-G", "-t", "-p", "-d")


class Run:
    def line_run(self, text):
        """Runs a file or a module as a program. `-i` runs it with the variables of the code, `-n` not as `__main__`."""
        words = shlex.split(text)
        options = set()
        while words and words[0] in WITHOUT_VALUE:
            options.add(words.pop(0))
        if not words:
            raise UsageError("you must provide at least a filename.")
        is_module = words[0] == "-m"
        name, *arguments = words[is_module:]
        file = name if is_module else found(name)
        if file.endswith(".ipynb"):
            return self.run_notebook(file)
        before, sys.argv = sys.argv, [file, *arguments]
        try:
            self.shell.user_ns.update(self.executed(file, is_module, options))
        finally:
            sys.argv = before
            sys.modules["__main__"] = self.shell.user_module

    def executed(self, file, is_module, options):
        """The variables that a program leaves."""
        if is_module:
            names = runpy.run_module(file, run_name="__main__", alter_sys=True)
        elif "-i" in options:
            names = self.shell.user_ns
            names["__file__"] = file
            try:
                with open(file, "rb") as source:
                    exec(compile(source.read(), file, "exec"), names)
            finally:
                del names["__file__"]
        else:
            own = os.path.splitext(os.path.basename(file))[0]
            names = runpy.run_path(file, run_name=own if "-n" in options else "__main__")
        return {name: each for name, each in names.items() if not name.startswith("__")}

    def run_notebook(self, file):
        import json
        with open(file, encoding="utf-8") as source:
            cells = json.load(source)["cells"]
        for cell in cells:
            if cell["cell_type"] == "code":
                self.shell.program.run("<cell>", "".join(cell["source"]), lambda _value: None)


def found(name):
    file = os.path.expanduser(name)
    if not os.path.isfile(file) and os.path.isfile(file + ".py"):
        return file + ".py"
    if not os.path.isfile(file):
        raise Exception("File `%r` not found." % file)
    return file
