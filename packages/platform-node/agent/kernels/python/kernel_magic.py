"""
Notebook syntax that is not Python: code that is indented as a whole, `!command`, `name = !command`, `%cd`, `%pip`,
`%matplotlib`, and the cells `%%bash`, `%%sh` and `%%writefile`.
"""
import os
import re
import subprocess
import sys

CELL = re.compile(r"\s*%%(\S*)[ \t]*(.*)\n?([^\0]*)")
FIRST = re.compile(r"(?:[ \t]*\n)*([ \t]*)")
COMMAND = re.compile(r"^([ \t]*)([!%].*)$", re.MULTILINE)
CAPTURE = re.compile(r"^([ \t]*[\w \t,.]+=[ \t]*)!(.*)$", re.MULTILINE)
CALL = "__import__('kernel_magic')."


def unindented(code):
    """Removes the indentation of the first line from all lines, and a byte order mark."""
    text = code.lstrip("\ufeff")
    indentation = FIRST.match(text)[1]
    return re.sub("^" + indentation, "", text, flags=re.MULTILINE) if indentation else text


def translate(code):
    """Replaces each command by a call on the same line."""
    cell = CELL.match(code)
    if cell:
        return "\n" * code[:cell.start(1)].count("\n") + "%scell(%r, %r, %r)" % (CALL, *cell.groups())
    captured = CAPTURE.sub(lambda found: "%s%scapture(%r, globals())" % (found[1], CALL, found[2]), code)
    return COMMAND.sub(lambda found: found[1] + called(found[2]), captured)


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


def cell(name, argument, body):
    """A cell magic: a script, which must succeed, or the contents of a file."""
    if name in ("bash", "sh"):
        sys.stdout.flush()
        subprocess.run([name, "-c", body], check=True)
    elif name == "writefile":
        append = argument.startswith("-a ")
        file = os.path.expanduser((argument[3:] if append else argument).strip())
        with open(file, "a" if append else "w", encoding="utf-8") as out:
            out.write(body if body.endswith("\n") else body + "\n")
        print(("Appending to " if append else "Writing ") + file)
    else:
        unknown("%%" + name)


def filled(command, names):
    """Replaces each name in braces by its value."""
    return re.sub(r"\{(\w+)\}", lambda found: str(names[found[1]]) if found[1] in names else found[0], command)


def shell(command, names):
    sys.stdout.flush()
    os.system(filled(command, names))


def capture(command, names):
    """Returns the lines that a command prints."""
    return subprocess.run(filled(command, names), shell=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()


def unknown(name):
    raise NotImplementedError(
        name + " is a command of IPython, which does not run here; !command, %cd, %pip, %%bash and %%writefile work"
    )
