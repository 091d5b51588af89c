"""
Notebook syntax that is not Python, as calls of the shell: code that is indented as a whole, `!command`, `%magic`, `%%cell`,
`name = !command`, `name?`. Commands are looked for where a statement may begin, not in strings and continued lines.
"""
import os
import re
import string
import sys

CELL = re.compile(r"\s*%%(\S+)[ \t]*(.*)\n?([^\0]*)")
FIRST = re.compile(r"(?:[ \t]*\n)*([ \t]*)")
ASSIGNED = re.compile(r"([ \t]*[\w*][\w \t,.*]*=[ \t]*)([!%])(?!=)(.*)", re.DOTALL)
HELP = re.compile(r"[ \t]*(?:(\?{1,2})[ \t]*([%\w.*]+)|([%\w.*\[\]'\"]+?)[ \t]*(\?{1,2}))[ \t]*(?:#.*)?")
TOKEN = re.compile(r"#[^\n]*|'''|\"\"\"|['\"]|[([{]|[)\]}]|\\\r?\n|\n")
ENDS = {quote: re.compile(r"(?:\\[^\0]|(?!%s)[^\0])*(?:%s)?" % (quote, quote)) for quote in ("'''", '"""')}
ENDS.update({quote: re.compile(r"(?:\\[^\0]|[^%s\\\n])*%s?" % (quote, quote)) for quote in "'\""})
PROMPT = re.compile(r">>>(?: |$)|In \[\d+\]: ?")
PROMPTS = re.compile(r"^(?:>>>(?: |$)|\.\.\.(?: |$)|In \[\d+\]: ?|[ \t]*\.{3,}: ?)", re.MULTILINE)
CALL = "get_ipython()."


def unindented(code):
    """Removes the indentation of the first line from all lines, and a byte order mark."""
    text = code.lstrip("\ufeff")
    indentation = FIRST.match(text)[1]
    return re.sub("^" + indentation, "", text, flags=re.MULTILINE) if indentation else text


def without_prompts(code):
    """Code that was copied from a prompt of Python or IPython."""
    return PROMPTS.sub("", code) if PROMPT.match(code.lstrip("\n")) else code


def translate(code):
    """Replaces each command by a call on the same line."""
    cell = CELL.match(code if code.endswith("\n") else code + "\n")
    if cell:
        return "\n" * code[:cell.start(1)].count("\n") + "%srun_cell_magic(%r, %r, %r)" % (CALL, *cell.groups())
    parts = []
    at = 0
    while at < len(code):
        line, end = command_at(code, at)
        called = call_of(line)
        if called is None:
            end = statement_end(code, at)
            parts.append(code[at:end])
        else:
            parts += [called, "\n" * code.count("\n", at, end)]
        at = end
    return "".join(parts)


def command_at(code, at):
    """The line at a position without its end, joined with those that continue it, and where the next one starts."""
    joined = []
    while True:
        end = code.find("\n", at)
        line, at = (code[at:], len(code)) if end < 0 else (code[at:end], end + 1)
        line = line.rstrip()
        if not line.endswith("\\") or at == len(code):
            return " ".join(joined + [line]), at
        joined.append(line[:-1])


def statement_end(code, at):
    """Where the line of code at a position ends that is neither inside brackets or a string nor continued."""
    depth = 0
    while True:
        token = TOKEN.search(code, at)
        if token is None:
            return len(code)
        text, at = token[0], token.end()
        if text in ENDS:
            at = ENDS[text].match(code, at).end()
        elif text == "\n" and depth == 0:
            return at
        elif text in "([{":
            depth += 1
        elif text in ")]}":
            depth = max(0, depth - 1)


def call_of(line):
    """The call that a command stands for, or None if the line is none."""
    plain = line.lstrip(" \t")
    before = line[:len(line) - len(plain)]
    asked = HELP.fullmatch(line) if "?" in line else None
    if asked:
        detail, name = (asked[1], asked[2]) if asked[1] else (asked[4], asked[3])
        return "%s%srun_line_magic(%r, %r)" % (before, CALL, "pinfo2" if detail == "??" else "pinfo", name)
    if plain.startswith("!!"):
        return "%s%sgetoutput(%r)" % (before, CALL, plain[2:])
    if plain.startswith("!"):
        return "%s%ssystem(%r)" % (before, CALL, plain[1:])
    if plain.startswith("%"):
        return before + magic_call(plain)
    assigned = ASSIGNED.fullmatch(line)
    if assigned is None:
        return None
    target, kind, rest = assigned.groups()
    return target + ("%sgetoutput(%r)" % (CALL, rest) if kind == "!" else magic_call("%" + rest))


def magic_call(text):
    name, _, rest = text.lstrip("%").partition(" ")
    return "%srun_line_magic(%r, %r)" % (CALL, name, rest.strip())


class Expanding(string.Formatter):
    """Replaces `{expression}` and, but for single quotes, `$name`; `$$name` becomes `$name`."""

    NAME = re.compile(r"(.*?)\$(\$?[\w.]+)(?=([^']*'[^']*')*[^']*$)", re.DOTALL)

    def get_field(self, name, _arguments, names):
        return eval(name, dict(names)), 0

    def parse(self, text):
        for literal, *field in super().parse(text):
            before, at = "", 0
            for found in self.NAME.finditer(literal):
                at = found.end()
                if found[2].startswith("$"):
                    before += found[1] + found[2]
                else:
                    yield before + found[1], found[2], "", None
                    before = ""
            yield (before + literal[at:], *field)


class Kernel:
    """What libraries ask of `get_ipython().kernel`. There is no front end that widgets could talk to."""

    class comm_manager:
        register_target = unregister_target = staticmethod(lambda *_arguments: None)


class UsageError(Exception):
    """What IPython raises for a command that does not exist or is used wrongly."""

    __module__ = "IPython.core.error"


def filled(command, names):
    """The command with values in place of names, or as it is where one of them has none."""
    if "$" not in command and "{" not in command:
        return command
    try:
        return Expanding().vformat(command, (), names)
    except Exception:
        return command


def shell(command, names, in_terminal=True):
    """Runs a command; returns its exit code, or the negative number of the signal that ended it."""
    sys.stdout.flush()
    import kernel_terminal
    code = kernel_terminal.run(command) if in_terminal else None
    code = without_terminal(command) if code is None else code
    names["_exit_code"] = code = 128 - code if code > 128 else code
    return code


def without_terminal(command):
    errors = os.dup(2)
    os.dup2(1, 2)  # as in a notebook
    try:
        status = os.system(command)
    finally:
        os.dup2(errors, 2)
        os.close(errors)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
