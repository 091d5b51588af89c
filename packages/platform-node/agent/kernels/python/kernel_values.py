"""The representations of a value."""
import builtins
import sys

REPRESENTATIONS = (
    ("text/html", "_repr_html_"),
    ("text/markdown", "_repr_markdown_"),
    ("image/svg+xml", "_repr_svg_"),
    ("image/png", "_repr_png_"),
    ("image/jpeg", "_repr_jpeg_"),
    ("text/latex", "_repr_latex_"),
    ("application/json", "_repr_json_"),
)


def described(value):
    """The representations of a value by MIME type. Like special methods, `_repr_*_` methods are looked up on the class."""
    bundle = represented(value, "_repr_mimebundle_", include=None, exclude=None)
    found = dict(bundle) if isinstance(bundle, dict) else {}
    for mime, method in REPRESENTATIONS:
        if mime not in found:
            found[mime] = represented(value, method)
    plain = found.pop("text/plain", None)
    found = {mime: content for mime, content in found.items() if content is not None}
    return as_texts({"text/plain": repr(value) if plain is None else plain, **found})


def represented(value, method, **options):
    """The result of a method, or None if it does not exist or fails: the other representations are still used."""
    if not hasattr(type(value), method):
        return None
    try:
        content = getattr(value, method)(**options)
        return content[0] if isinstance(content, tuple) else content
    except Exception as error:
        report(value, method, error)
        return None


def shows_itself(value):
    """Calls `_ipython_display_`, if the value has it; returns whether it has displayed itself."""
    if not hasattr(type(value), "_ipython_display_"):
        return False
    try:
        value._ipython_display_()
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


class DisplayHandle:
    """Returned by `display` for a `display_id`. A result cannot be replaced: an update is sent as a further result."""

    def __init__(self, display_id=None):
        self.display_id = "%x" % id(self) if display_id in (None, True) else display_id

    def __repr__(self):
        return "<DisplayHandle display_id=%s>" % self.display_id

    def display(self, value, **options):
        builtins.display(value, **options)

    update = display
