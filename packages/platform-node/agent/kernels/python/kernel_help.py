"""What `name?` and `name??` tell, where IPython is not installed."""
import inspect
import os


def information(name, value, detailed):
    is_class, is_routine = inspect.isclass(value), inspect.isroutine(value)
    kind = type(value).__name__
    fields = [] if is_class or is_routine else [("Type", kind), ("String form", "%.1000s" % (value,)), ("Length", length(value))]
    if is_class or callable(value):
        fields.append(("Init signature" if is_class else "Signature", signature(name, value)))
    source = sourced(inspect.getsource, value) if detailed else None
    fields.append(("Source", source.rstrip()) if source else ("Docstring", inspect.getdoc(value) or "<no docstring>"))
    if is_class and value.__init__ is not object.__init__ and not source:
        fields.append(("Init docstring", inspect.getdoc(value.__init__)))
    fields.append(("File", sourced(inspect.getfile, value)))
    if is_class or is_routine:
        fields.append(("Type", kind))
    if is_class:
        fields.append(("Subclasses", ", ".join(each.__name__ for each in type.__subclasses__(value)[:10])))
    return laid_out([(title + ":", content) for title, content in fields if content is not None])


def laid_out(fields):
    width = max(len(title) for title, _ in fields)
    return "".join("%-*s%s%s\n" % (width, title, "\n" if "\n" in text.strip() else " ", text) for title, text in fields)


def length(value):
    try:
        return str(len(value))
    except Exception:
        return None


def signature(name, value):
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return None
    text = "%s%s" % (name, found)
    if len(text) <= 75:
        return text
    return "%s(\n%s)" % (name, "".join("    %s,\n" % each for each in found.parameters.values()))


def sourced(find, value):
    try:
        found = find(value)
    except (OSError, TypeError):
        return None
    home = os.path.expanduser("~") + "/"
    return "~/" + found[len(home):] if found.startswith(home) else found
