"""A substitute for IPython and IPython.display if IPython is not installed."""
from builtins import display
from kernel_values import DisplayHandle

__all__ = [
    "display", "update_display", "publish_display_data", "clear_output", "get_ipython", "DisplayHandle",
    "HTML", "Markdown", "SVG", "Latex", "Math", "JSON", "Image",
]


def update_display(value, *, display_id, **options):
    display(value, **options)


def publish_display_data(data, metadata=None, **_options):
    display(data, raw=True)


def clear_output(wait=False):
    pass


def get_ipython():
    return None


class Media:
    def __init__(self, data=None, url=None, filename=None, **_options):
        if filename is not None:
            with open(filename, "rb") as file:
                data = file.read()
        self.data = data
        self.url = url

    def __init_subclass__(cls, shows):
        setattr(cls, shows, lambda self, **_options: self.content())

    def __repr__(self):
        return "<%s object>" % type(self).__name__

    def content(self):
        return self.data


class HTML(Media, shows="_repr_html_"):
    pass


class Markdown(Media, shows="_repr_markdown_"):
    pass


class SVG(Media, shows="_repr_svg_"):
    pass


class Latex(Media, shows="_repr_latex_"):
    pass


class Math(Media, shows="_repr_latex_"):
    pass


class JSON(Media, shows="_repr_json_"):
    pass


class Image(Media, shows="_repr_mimebundle_"):
    """A PNG or JPEG image: its bytes, the name of a file, or a URL."""

    def __init__(self, data=None, url=None, filename=None, **options):
        remote = isinstance(data, str) and "://" in data
        local = isinstance(data, str) and not remote
        super().__init__(None if remote or local else data, data if remote else url, data if local else filename)

    def content(self):
        if self.data is None:
            return {"text/html": '<img src="%s"/>' % self.url}
        return {"image/jpeg" if self.data[:2] == b"\xff\xd8" else "image/png": self.data}


if __name__ == "IPython":
    import IPython.display
