"""Figures of matplotlib as images."""
import io
import sys
import weakref

FORMATS = {
    "png": ("image/png", "png", 1),
    "retina": ("image/png", "png", 2),
    "png2x": ("image/png", "png", 2),
    "jpg": ("image/jpeg", "jpg", 1),
    "jpeg": ("image/jpeg", "jpg", 1),
    "svg": ("image/svg+xml", "svg", 1),
    "pdf": ("application/pdf", "pdf", 1),
}
# Backends of `%matplotlib` that only draw into files.
INTO_FILES = ("agg", "svg", "pdf", "ps")
formats = ["png"]
interactive = True
quiet = weakref.WeakSet()  # what was made while figures were not interactive


def enable(backend):
    """What `%matplotlib` chooses."""
    switch(backend not in INTO_FILES)


def switch(value):
    global interactive
    interactive = value


def follow(pyplot):
    """Learns of `ion`, `ioff` and new figures: those that are made after `ioff` are not shown at the end of a run."""
    def switching(function, value):
        def call():
            before = function()
            switch(value)
            return before
        return call

    def new_figure_manager(*arguments, make=pyplot.new_figure_manager, **options):
        manager = make(*arguments, **options)
        if not interactive:
            quiet.add(manager)
        return manager

    pyplot.isinteractive = lambda: interactive
    pyplot.ion, pyplot.ioff = switching(pyplot.ion, True), switching(pyplot.ioff, False)
    pyplot.new_figure_manager = new_figure_manager


def show_left(pyplot, publish):
    """Shows what is open at the end of a run, if any of it was made to be shown."""
    from matplotlib._pylab_helpers import Gcf
    if any(manager not in quiet for manager in Gcf.get_all_fig_managers()):
        show(pyplot, publish)


def choose(names):
    """Sets the formats of all figures from now on."""
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        raise ValueError("unknown format of figures: %s (known are %s)" % (", ".join(unknown), ", ".join(FORMATS)))
    formats[:] = names


def is_figure(value):
    module = sys.modules.get("matplotlib.figure")
    return isinstance(value, getattr(module, "Figure", ()))


def images(figure):
    """The images of a figure by MIME type, whether pyplot knows the figure or not. An empty figure has none."""
    return {FORMATS[name][0]: drawn(figure, name) for name in formats if figure.axes or figure.lines}


def drawn(figure, name):
    _, kind, scale = FORMATS[name]
    file = io.BytesIO()
    colors = {"facecolor": figure.get_facecolor(), "edgecolor": figure.get_edgecolor()}
    figure.canvas.print_figure(file, format=kind, dpi=figure.dpi * scale, bbox_inches="tight", **colors)
    return file.getvalue().decode("utf-8") if kind == "svg" else file.getvalue()


def formula(text, color, scale):
    """A formula as an image, or None where matplotlib is missing or cannot read it."""
    try:
        from matplotlib import figure, font_manager, mathtext
        font = font_manager.FontProperties(size=12)
        width, height, depth, *_ = mathtext.MathTextParser("path").parse(text, dpi=72, prop=font)
        drawn_on = figure.Figure(figsize=(width / 72, height / 72))
        drawn_on.text(0, depth / height, text, fontproperties=font, color=color)
        file = io.BytesIO()
        drawn_on.savefig(file, dpi=120 * scale, format="png", transparent=True)
        return file.getvalue()
    except (ImportError, ValueError, RuntimeError):
        return None


def show(pyplot, publish):
    """
    Shows and closes the figures of pyplot, the one that was active last at the end. One that cannot be drawn is closed as well
    and does not keep others from being shown; the first error is raised at the end.
    """
    from matplotlib._pylab_helpers import Gcf
    failed = None
    for manager in Gcf.get_all_fig_managers():
        figure = manager.canvas.figure
        try:
            publish({"text/plain": repr(figure), **images(figure)})
        except Exception as error:
            failed = failed or error
        finally:
            pyplot.close(figure)
    if failed is not None:
        raise failed
