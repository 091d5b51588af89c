"""The commands of notebooks that plain Python has a word for: `!command`, `%cd`, `%pip`, and the inline figures."""
import os
import re
import sys

COMMAND = re.compile(r"^([ \t]*)([!%].*)$", re.MULTILINE)
CALL = "__import__('kernel_magic')."


def translate(code):
    """The code with each such line as a call, on the same line."""
    return COMMAND.sub(lambda found: found[1] + called(found[2]), code)


def called(command):
    if command.startswith("!"):
        return "%sshell(%r, globals())" % (CALL, command[1:].lstrip("!"))
    name, _, rest = command[1:].partition(" ")
    if name == "pip":
        return "%sshell(%r, globals())" % (CALL, "'%s' -m pip %s" % (sys.executable, rest))
    if name == "cd":
        return "__import__('os').chdir(%r)" % os.path.expanduser(rest.strip() or "~")
    if name == "matplotlib":
        return "pass"
    return "%sunknown(%r)" % (CALL, "%" + name)


def shell(command, names):
    """Runs a command, with the value of each name in braces put in."""
    def value(found):
        return str(names[found[1]]) if found[1] in names else found[0]
    sys.stdout.flush()
    os.system(re.sub(r"\{(\w+)\}", value, command))


def unknown(name):
    raise NotImplementedError(name + " is a command of IPython, which does not run here; !command, %cd and %pip work")
