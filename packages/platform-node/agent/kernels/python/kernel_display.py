"""A substitute for IPython and IPython.display if IPython is not installed."""
from builtins import display, get_ipython
from kernel_imports import set_formats as set_matplotlib_formats
from kernel_objects import HTML, JSON, SVG, DisplayObject, Image, Javascript, Latex, Markdown, Math, TextDisplayObject
from kernel_values import DisplayHandle

__all__ = [
    "DisplayObject", "TextDisplayObject", "display", "update_display", "publish_display_data", "clear_output",
    "get_ipython", "DisplayHandle", "HTML", "Markdown", "SVG", "Latex", "Math", "JSON", "Image", "Javascript",
    "set_matplotlib_formats", "display_html", "display_markdown", "display_svg", "display_png", "display_jpeg",
    "display_latex", "display_json", "display_javascript", "display_pretty", "Audio", "Code", "FileLink", "FileLinks",
    "GeoJSON", "IFrame", "Pretty", "ProgressBar", "ScribdDocument", "Video", "VimeoVideo", "YouTubeVideo",
]
COMMANDS = (
    "Magics", "magics_class", "line_magic", "cell_magic", "line_cell_magic",
    "register_line_magic", "register_cell_magic", "register_line_cell_magic",
)
__version__ = "8.0.0"
version_info = (8, 0, 0, "")
backend2gui = {}


def update_display(value, *, display_id, **options):
    display(value, **options)


def publish_display_data(data, metadata=None, **_options):
    display(data, raw=True)


def clear_output(wait=False):
    pass


def pretty(value, *_arguments, **_options):
    import kernel_pretty
    from kernel_shell import PlainFormatter
    return kernel_pretty.pretty(value, PlainFormatter())


def pprint(value, *_arguments, **_options):
    print(pretty(value))


def latex_to_png(text, encode=False, backend=None, wrap=False, color="Black", scale=1.0):
    import kernel_figures
    return kernel_figures.formula(text.replace("$$", "$") if not wrap else "$%s$" % text, color, scale)


def __getattr__(name):
    if name in ("SList", "capture_output"):
        import kernel_shell
        import kernel_magics
        return {"SList": kernel_shell.SList, "capture_output": kernel_magics.capture_output}[name]
    if name in __all__:
        import kernel_media
        return getattr(kernel_media, name)
    if name in COMMANDS:
        import kernel_magic_classes
        return getattr(kernel_magic_classes, name)
    if name == "release":
        return type("release", (), {"version": __version__, "version_info": version_info})
    if name == "UsageError":
        import kernel_magic
        return kernel_magic.UsageError
    if name == "InteractiveShell":
        from kernel_shell import ZMQInteractiveShell
        return ZMQInteractiveShell
    raise AttributeError("%s is not available without IPython: %%pip install ipython" % name)


class TerminalInteractiveShell:
    """Libraries make sure that the shell is none of these."""


def shower(mime):
    def show(*values, raw=False, **options):
        for value in values:
            display({mime: value}, raw=True) if raw else display(value, include=[mime], **options)
    return show


display_html, display_markdown, display_svg = map(shower, ("text/html", "text/markdown", "image/svg+xml"))
display_png, display_jpeg, display_latex = map(shower, ("image/png", "image/jpeg", "text/latex"))
display_json, display_javascript = map(shower, ("application/json", "application/javascript"))
display_pretty = shower("text/plain")


if __name__ == "IPython":
    import IPython.display
    import IPython.lib.pretty
    import IPython.utils.text
