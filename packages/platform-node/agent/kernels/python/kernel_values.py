"""The representations of a value."""
import builtins
import os
import sys
from _json import encode_basestring

REPRESENTATIONS = {
    "text/html": "_repr_html_",
    "text/markdown": "_repr_markdown_",
    "image/svg+xml": "_repr_svg_",
    "image/png": "_repr_png_",
    "application/pdf": "_repr_pdf_",
    "image/jpeg": "_repr_jpeg_",
    "text/latex": "_repr_latex_",
    "application/json": "_repr_json_",
    "application/javascript": "_repr_javascript_",
}
AROUND = 100  # bytes of JSON around the contents of a result
SIMPLE = frozenset((int, float, complex, bool, str, bytes, type(None)))


def described(value, shell, include=None, exclude=None):
    """The representations of a value by MIME type, of which `include` and `exclude` choose."""
    bundle = represented(value, "_repr_mimebundle_", include=include, exclude=exclude)
    found = dict(bundle) if isinstance(bundle, dict) else {}
    formatters = {} if shell is None else shell.display_formatter.formatters
    methods = {**REPRESENTATIONS, **{mime: each.print_method for mime, each in formatters.items()}}
    methods.pop("text/plain", None)
    for mime, method in methods.items():
        if mime not in found and is_wanted(mime, include, exclude):
            found[mime] = checked(value, mime, registered(value, formatters.get(mime), method))
    found.update(pictured(value, include, exclude, found))
    plain = found.pop("text/plain", None)
    found = {mime: content for mime, content in found.items() if content is not None}
    if plain is None and is_wanted("text/plain", include, exclude):
        plain = printed(value, shell)
    found = found if plain is None else {"text/plain": plain, **found}
    return {mime: content for mime, content in found.items() if is_wanted(mime, include, exclude)}


def checked(value, mime, content):
    """None for what is not of the type that the representation must have."""
    expected = {"application/json": (list, dict), "application/pdf": bytes}.get(mime, (str, bytes))
    if content is None or isinstance(content, expected):
        return content
    names = type(value).__name__, REPRESENTATIONS.get(mime, mime), type(content).__name__
    print("%s.%s returned a value of an invalid type: %s" % names, file=sys.stderr)
    return None


def is_wanted(mime, include, exclude):
    return (not include or mime in include) and (not exclude or mime not in exclude)


def registered(value, formatter, method):
    """What a function that was registered for the type of the value returns, or else the method of the value."""
    try:
        printer = formatter and formatter.lookup(value)
    except KeyError:
        printer = None
    if not printer:
        return represented(value, method)
    return attempted(value, method, lambda: printer(value))


def represented(value, method, **options):
    """The result of a method, or None if it does not exist or fails: the other representations are still used."""
    found = method_of(value, method)
    return None if found is None else attempted(value, method, lambda: found(**options))


def method_of(value, name):
    """The method of a value. Classes describe their instances, and objects that have every attribute have none of these."""
    if isinstance(value, type):
        return None
    try:
        if getattr(value, "_ipython_canary_method_should_not_exist_", None) is not None:
            return None
        found = getattr(value, name, None)
    except Exception:
        return None
    return found if callable(found) else None


def attempted(value, method, call):
    try:
        content = call()
        return content[0] if isinstance(content, tuple) and content else content
    except NotImplementedError:
        return None
    except Exception as error:
        report(value, method, error)
        return None


def pictured(value, include, exclude, found):
    if "matplotlib.figure" not in sys.modules:
        return {}
    import kernel_figures
    if not kernel_figures.is_figure(value) or found.get("image/png") is not None:
        return {}
    return attempted(value, "savefig", lambda: kernel_figures.images(value)) or {}


def printed(value, shell):
    """A value as text, as IPython prints it."""
    if shell is None and is_simple(value):
        return repr(value)
    shell = builtins.get_ipython()
    shell.is_printing = True
    text = failed = None
    try:
        text = shell.display_formatter.formatters["text/plain"](value)
    except Exception as error:
        failed = error
    finally:
        shell.is_printing = False
    text = repr(value) if text is None else text
    if failed:
        report(value, "_repr_pretty_", failed)
    return text


def is_simple(value):
    """Whether the text of a value is its `repr` at any width: most are, and need no printer."""
    return type(value) in SIMPLE or is_flat(value, 3) and len(repr(value)) < 79


def is_flat(value, depth):
    """Whether a value is made of a few lists, tuples and dictionaries of simple values."""
    if type(value) in SIMPLE:
        return True
    if type(value) not in (list, tuple, dict) or depth == 0 or len(value) > 26:
        return False
    parts = [*value, *value.values()] if type(value) is dict else value
    return all(is_flat(each, depth - 1) for each in parts)


def shows_itself(value):
    """Calls `_ipython_display_`, if the value has it; returns whether it has displayed itself."""
    method = method_of(value, "_ipython_display_")
    if method is None:
        return False
    try:
        method()
        return True
    except NotImplementedError:
        return False
    except Exception as error:
        report(value, "_ipython_display_", error)
        return False


def report(value, method, error):
    print("%s.%s failed: %r" % (type(value).__name__, method, error), file=sys.stderr)


def as_texts(bundle):
    return {kind: as_text(kind, content) for kind, content in bundle.items()}


def as_text(kind, content):
    """A representation as text: JSON for JSON types, base64 for bytes."""
    if kind.endswith(("/json", "+json")):
        import json
        return json.dumps(content, default=repr)
    if isinstance(content, (bytes, bytearray)):
        import binascii
        return binascii.b2a_base64(content, newline=False).decode("ascii")
    return content if isinstance(content, str) else str(content)


def fitted(bundle, limit):
    """What fits of a bundle, the smallest first, and its size. Its text says what was left out."""
    kept, left, used = {}, [], 0
    for kind, text in sorted(bundle.items(), key=lambda item: len(item[1])):
        size = weight(text)
        if used + size <= limit:
            kept[kind] = text
            used += size
        elif kind == "text/plain":
            kept[kind] = "%s\n... (%d more characters)" % (text[:limit // 8], len(text) - limit // 8)
            used += weight(kept[kind])
        else:
            left.append("[%s of %s left out: a result holds %s]" % (kind, mebibytes(size), mebibytes(limit)))
    if left:
        kept["text/plain"] = "\n".join(filter(None, [kept.get("text/plain"), *left]))
    return {kind: kept[kind] for kind in ["text/plain", *bundle] if kind in kept}, used + 100 * len(left) + AROUND


def weight(text):
    """The size of a text in bytes of JSON."""
    escaped = encode_basestring(text)
    return len(escaped) if escaped.isascii() else len(escaped.encode("utf-8", "backslashreplace"))


def sizes(bundle):
    return ", ".join("%s of %s" % (kind, mebibytes(weight(text))) for kind, text in bundle.items())


def mebibytes(size):
    return "%.1f MiB" % (size / (1 << 20))


class DisplayHandle:
    """Returned by `display` for a `display_id`. A result cannot be replaced: an update is sent as a further result."""

    def __init__(self, display_id=None):
        self.display_id = os.urandom(16).hex() if display_id in (None, True) else display_id

    def __repr__(self):
        return "<DisplayHandle display_id=%s>" % self.display_id

    def display(self, value, **options):
        builtins.display(value, **options)

    update = display
