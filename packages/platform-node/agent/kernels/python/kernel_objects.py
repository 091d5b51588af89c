"""The classes of `IPython.core.display`, where IPython is not installed. The module is loaded once, under all its names."""
import os

FORMATS = {"jpg": "jpeg", "jpeg": "jpeg", "png": "png", "gif": "gif"}
HEADS = {b"\xff\xd8": "jpeg", b"\x89PNG\r\n\x1a\n": "png", b"GIF8": "gif"}
STYLE = """var link = document.createElement("link");
\tlink.ref = "stylesheet";
\tlink.type = "text/css";
\tlink.href = "%s";
\tdocument.head.appendChild(link);
"""
LOAD = """new Promise(function(resolve, reject) {
\tvar script = document.createElement("script");
\tscript.onload = resolve;
\tscript.onerror = reject;
\tscript.src = "%s";
\tdocument.head.appendChild(script);
}).then(() => {
"""


class DisplayObject:
    """Data, the name of a file that has them, or a URL."""

    __module__ = "IPython.core.display"
    mode = "r"

    def __init_subclass__(cls):
        cls.__module__ = DisplayObject.__module__

    def __init__(self, data=None, url=None, filename=None, metadata=None):
        data = os.fspath(data) if isinstance(data, os.PathLike) else data
        if isinstance(data, str) and data.startswith("http") and url is None:
            data, url = None, data
        elif isinstance(data, str) and filename is None and is_file(data):
            data, filename = None, data
        self.data, self.url, self.filename, self.metadata = data, url, filename, metadata or {}
        self.reload()

    def __repr__(self):
        return "<%s.%s object>" % (DisplayObject.__module__, type(self).__name__)

    def reload(self):
        if self.filename is not None:
            with open(self.filename, self.mode, encoding=None if "b" in self.mode else "utf-8") as file:
                self.data = file.read()
        elif self.url is not None:
            from urllib.request import urlopen
            with urlopen(self.url) as reply:
                self.data = reply.read() if "b" in self.mode else reply.read().decode("utf-8", "replace")


def is_file(text):
    try:
        return os.path.exists(text)
    except (ValueError, OSError):
        return False


class TextDisplayObject(DisplayObject):
    def __init__(self, data=None, *arguments, **options):
        super().__init__(data, *arguments, **options)
        if self.data is not None and not isinstance(self.data, str):
            raise TypeError("%s expects text, not %r" % (type(self).__name__, self.data))


class HTML(TextDisplayObject):
    def _repr_html_(self):
        return self.data

    __html__ = _repr_html_


class Markdown(TextDisplayObject):
    def _repr_markdown_(self):
        return self.data


class Latex(TextDisplayObject):
    def _repr_latex_(self):
        return self.data


class Math(TextDisplayObject):
    def _repr_latex_(self):
        return "$\\displaystyle %s$" % self.data.strip("$")


class SVG(DisplayObject):
    """Only its first `svg` element is shown."""

    mode = "rb"

    def _repr_svg_(self):
        from xml.dom import minidom
        found = minidom.parseString(self.data).getElementsByTagName("svg")
        return found[0].toxml() if found else self.data


class Javascript(TextDisplayObject):
    def __init__(self, data=None, url=None, filename=None, lib=None, css=None):
        self.lib, self.css = ([each] if isinstance(each, str) else each or [] for each in (lib, css))
        super().__init__(data, url, filename)

    def _repr_javascript_(self):
        before = "".join(STYLE % each for each in self.css) + "".join(LOAD % each for each in self.lib)
        return before + self.data + "\n});" * len(self.lib)


class JSON(DisplayObject):
    def __init__(self, data=None, url=None, filename=None, expanded=False, metadata=None, root="root", **options):
        import json
        self.shown = {"expanded": expanded, "root": root, **options}
        is_text = isinstance(data, str) and not is_file(data) and not data.startswith("http")
        super().__init__(json.loads(data) if is_text else data, url, filename, metadata)
        self.data = json.loads(self.data) if isinstance(self.data, str) else self.data
        if self.data is not None and not isinstance(self.data, (dict, list)):
            raise TypeError("%s expects JSONable dict or list, not %r" % (type(self).__name__, self.data))

    def _repr_json_(self):
        return self.data


class Image(DisplayObject):
    """A PNG, JPEG or GIF image: its bytes, the name of a file, or a URL, which is shown as a link if it is given as `url`."""

    mode = "rb"

    def __init__(self, data=None, url=None, filename=None, format=None, embed=None, width=None, height=None, retina=False,
                 unconfined=False, metadata=None, alt=None):
        data = os.fspath(data) if isinstance(data, os.PathLike) else data
        if data is None and url is None and filename is None:
            raise ValueError("No image data found. Expecting filename, url, or data.")
        is_url = isinstance(data, str) and data.startswith("http")
        if isinstance(data, str) and not is_url and filename is None and not is_file(data):
            raise FileNotFoundError("No such file or directory: '%s'" % data)
        name = filename or url or (data if isinstance(data, str) else None)
        format = format or (format_of_name(name) if name else format_of_bytes(data))
        self.format = FORMATS.get(format.lower(), format.lower())
        self.embed = embed if embed is not None else url is None
        if self.embed and self.format not in FORMATS:
            raise ValueError("Cannot embed the '%s' image format" % self.format)
        self.width, self.height, self.retina, self.unconfined, self.alt = width, height, retina, unconfined, alt
        super().__init__(data, url, filename, metadata)

    def reload(self):
        if self.embed:
            super().reload()

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"image/" + self.format: self.data} if self.embed else {"text/html": self._repr_html_()}

    def _repr_html_(self):
        if self.embed:
            return None
        import html
        sizes = [(name, getattr(self, name)) for name in ("width", "height")]
        attributes = "".join(' %s="%d"' % (name, size) for name, size in sizes if size)
        attributes += ' class="unconfined"' if self.unconfined else ""
        attributes += ' alt="%s"' % html.escape(self.alt) if self.alt else ""
        return '<img src="%s"%s/>' % (self.url, attributes)


def format_of_name(name):
    return os.path.splitext(os.fspath(name))[1][1:] or "png"


def format_of_bytes(data):
    return next((kind for head, kind in HEADS.items() if bytes(data[:8]).startswith(head)), "png")
