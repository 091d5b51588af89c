"""The code of a run: its syntax tree, from Python or from the syntax of notebooks."""
import builtins

# Commands of IPython that work without `%`.
AUTOMATIC = frozenset("""
alias cat cd clear conda config cp debug dhist dirs edit env gui hist history ldir less lf lk ll load load_ext ls lsmagic lx
macro magic man matplotlib mkdir more mv page pdb pdef pdoc pfile pinfo pip popd pprint precision prun psearch psource pushd
pwd pycat pylab reload_ext rerun reset reset_selective rm rmdir run save set_env store system time timeit unalias who who_ls
whos xdel xmode
""".split())


def parsed(code, name, flags, names):
    """The syntax tree of the code, and the text that its positions refer to."""
    refused = None
    for text, shown in readings(code, names):
        try:
            return compile(text, name, "exec", flags, True), shown
        except SyntaxError as error:
            refused = max(refused or error, error, key=lambda each: each.lineno or 0)
    raise refused from None


def readings(code, names):
    """The code as it is, then without indentation of the whole and with notebook commands translated."""
    first = code.split(None, 1)[:1]
    if first and first[0] in AUTOMATIC and is_automatic(first[0], code.strip(), names):
        code = "%" + code.strip()
    yield code, code
    import kernel_magic
    plain = kernel_magic.unindented(code)
    yield plain, plain
    yield kernel_magic.translate(plain), plain
    yield builtins.get_ipython().transform_cell(plain), plain  # prompts, and what extensions add


def is_automatic(name, code, names):
    """Whether a line is a command without its `%`: the name means nothing else, and it is no assignment."""
    known = name in names or hasattr(builtins, name)
    return not known and "\n" not in code and not code[len(name):].lstrip().startswith(("=", ",", "."))


def lines_of(code):
    return code.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def is_silenced(code, node):
    """Whether a semicolon follows the last expression."""
    lines = lines_of(code)[node.end_lineno - 1:]
    tail = lines[0].encode("utf-8")[node.end_col_offset:].decode("utf-8") + "\n".join(lines[1:])
    return tail.lstrip(" \t\n\\)").startswith(";")
