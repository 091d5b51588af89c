"""Magics of folders, the environment and the commands of the shell, where IPython is not installed."""
import os
import pathlib
import re

from kernel_magic import UsageError

LISTED = "ls -F --color"
DETAILED = "ls -F -o --color"
ALIASES = {
    "ls": LISTED + " %l", "ll": DETAILED + " %l", "lf": DETAILED + " %l | grep ^-", "lk": DETAILED + " %l | grep ^l",
    "ldir": DETAILED + " %l | grep /$", "lx": DETAILED + " %l | grep ^-..x",
    **{name: name + " %l" for name in ("cat", "mkdir", "rmdir", "cp", "mv", "rm", "head", "tail")},
}
SECRETS = ("key", "token", "secret")


def flags(text, letters):
    """The one-letter options at the beginning of a line, and the rest of it."""
    chosen = set()
    while True:
        found = re.match(r"\s*-([%s]+)(?=\s|$)" % letters, text)
        if found is None:
            return chosen, text.strip()
        chosen |= set(found[1])
        text = text[found.end():]


class System:
    def folders(self):
        return self.shell.user_ns.setdefault("_dh", [self.first_folder])

    def line_cd(self, text):
        folders = self.folders()
        quiet, folder = flags(text, "q")
        folder = folder.strip("'\"")
        numbered = re.fullmatch(r"-(\d+)", folder)
        if folder == "-" and len(folders) < 2:
            raise UsageError("%cd -: No previous directory to change to.")
        if numbered and int(numbered[1]) >= len(folders):
            return print("The requested directory does not exist in history.")
        folder = folders[-2] if folder == "-" else folders[int(numbered[1])] if numbered else folder
        before = pathlib.Path.cwd()
        try:
            os.chdir(os.path.expanduser(folder or "~"))
        except OSError as error:
            print(error)
        if pathlib.Path.cwd() != before:
            folders.append(pathlib.Path.cwd())
        if not quiet:
            print(folders[-1])

    def line_pushd(self, text):
        before = os.getcwd().replace(os.path.expanduser("~"), "~")
        if text.strip():
            self.line_cd(text)
        self.pushed.insert(0, before)
        return self.line_dirs("")

    def line_popd(self, _text):
        if not self.pushed:
            raise UsageError("%popd on empty stack")
        folder = self.pushed.pop(0)
        self.line_cd(folder)
        print("popd -> " + folder)

    def line_dirs(self, _text):
        return self.pushed

    def line_dhist(self, _text):
        print("Directory history (kept in _dh)")
        for number, folder in enumerate(self.folders()):
            print("%d: %s" % (number, folder))

    def line_pwd(self, _text):
        return os.getcwd()

    def line_env(self, text):
        name = text.strip()
        if not name:
            return {key: "<hidden>" if any(each in key.lower() for each in SECRETS) else value
                    for key, value in os.environ.items()}
        if "=" in name or " " in name:
            return self.line_set_env(text)
        if name not in os.environ:
            raise UsageError("Environment does not have key: %s" % name)
        return os.environ[name]

    def line_set_env(self, text):
        name, separator, value = text.strip().partition("=" if "=" in text else " ")
        name, value = name.strip(), value.strip()
        if not separator:
            raise UsageError("usage is 'set_env var=val'")
        if " " in name:
            raise UsageError("refusing to set env var with whitespace: '%s'" % value)
        os.environ[name] = value
        print("env: %s=%s" % (name, value))

    def line_less(self, text):
        show_file(self.shell, text)

    line_more = line_less

    def line_man(self, text):
        show_manual(self.shell, text)

    def line_autosave(self, text):
        autosave(self.shell, text)

    def line_sx(self, text):
        return self.shell.getoutput(text)

    line_system = line_sx

    def cell_sx(self, line, body):
        return self.shell.getoutput(line + "\n" + body)

    cell_system = cell_sx

    def line_alias(self, text):
        name, _, command = text.partition(" ")
        self.own["line"][name] = lambda rest: self.shell.system(aliased(command, rest))

    def line_unalias(self, text):
        self.own["line"].pop(text.strip(), None)


def aliased(command, text):
    """The command of an alias, where `%l` stands for all that follows the name, and `%s` for a word of it."""
    if "%l" in command:
        return command.replace("%l", text)
    words = text.split(None, command.count("%s"))
    if len(words) < command.count("%s"):
        raise UsageError("Alias requires %d arguments, %d given." % (command.count("%s"), len(words)))
    for _ in range(command.count("%s")):
        command = command.replace("%s", words.pop(0), 1)
    return " ".join([command, *words])


def show_file(shell, text):
    with open(os.path.expanduser(text.strip()), encoding="utf-8", errors="replace") as file:
        shell.program.publish({"text/plain": file.read()})


def show_manual(shell, text):
    shell.program.publish({"text/plain": shell.getoutput("man %s | col -b" % text, split=False)})


def autosave(shell, text):
    """A front end is told how often it saves."""
    try:
        seconds = int(text)
    except ValueError:
        raise UsageError("%%autosave requires an integer, got %r" % text) from None
    command = "IPython.notebook.set_autosave_interval(%d)" % (1000 * seconds)
    shell.program.publish({"application/javascript": command})
    print("Autosaving every %d seconds" % seconds if seconds else "Autosave disabled")
