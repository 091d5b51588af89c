"""The less common classes of `IPython.display`, where IPython is not installed."""
import base64
import html
import os
from builtins import display

FRAME = """
        <iframe
            width="%s"
            height="%s"
            src="%s%s"
            frameborder="0"
            allowfullscreen
            %s
        ></iframe>
        """
AUDIO = """
                <audio %s controls="controls" %s>
                    <source src="%s" type="%s" />
                    Your browser does not support the audio element.
                </audio>
              """

LINKED = """<video src="%s" %s>
      Your browser does not support the <code>video</code> element.
    </video>"""
EMBEDDED = """<video %s>
 <source src="data:%s;base64,%s" type="%s">
 Your browser does not support the video tag.
 </video>"""
MISSING = "Path (<tt>%s</tt>) doesn't exist. It may still be in the process of being generated, or you may have the incorrect path."


class Shown:
    def __repr__(self):
        return "<IPython.lib.display.%s object>" % type(self).__name__

    def as_html(self):
        return self._repr_html_()


class IFrame(Shown):
    def __init__(self, src, width, height, extras=(), **params):
        self.src, self.width, self.height, self.extras, self.params = src, width, height, extras, params

    def __repr__(self):
        return "<IPython.lib.display.%s at 0x%x>" % (type(self).__name__, id(self))

    def _repr_html_(self):
        from urllib.parse import urlencode
        query = "?" + urlencode(self.params) if self.params else ""
        return FRAME % (self.width, self.height, self.src, query, " ".join(self.extras))


class YouTubeVideo(IFrame):
    def __init__(self, id, width=400, height=300, allow_autoplay=False, **params):
        if allow_autoplay:
            params.update(autoplay=1, extras=[*params.get("extras", ()), 'allow="autoplay"'])
        super().__init__("https://www.youtube.com/embed/%s" % id, width, height, **params)


class VimeoVideo(IFrame):
    def __init__(self, id, width=400, height=300, **params):
        super().__init__("https://player.vimeo.com/video/%s" % id, width, height, **params)


class ScribdDocument(IFrame):
    def __init__(self, id, width=400, height=300, **params):
        super().__init__("https://www.scribd.com/embeds/%s/content" % id, width, height, **params)


class Pretty(Shown):
    def __init__(self, data):
        self.data = data

    def __repr__(self):
        return self.data


class Code(Pretty):
    """Highlighted where pygments is installed."""

    def __init__(self, data=None, url=None, filename=None, language=None):
        if filename is not None:
            with open(filename, encoding="utf-8") as file:
                data = file.read()
        self.filename, self.language = filename, language
        super().__init__(data)

    def highlighted(self, formatter):
        from pygments import highlight, lexers
        if self.language:
            lexer = lexers.get_lexer_by_name(self.language)
        else:
            lexer = lexers.get_lexer_for_filename(self.filename) if self.filename else lexers.guess_lexer(self.data)
        return highlight(self.data, lexer, formatter)

    def _repr_html_(self):
        try:
            from pygments.formatters import HtmlFormatter
        except ImportError:
            return "<pre>%s</pre>" % html.escape(self.data)
        return "<style>%s</style>" % HtmlFormatter().get_style_defs(".output_html") + self.highlighted(HtmlFormatter())

    def _repr_latex_(self):
        try:
            from pygments.formatters import LatexFormatter
        except ImportError:
            return None
        return self.highlighted(LatexFormatter())


class GeoJSON(Shown):
    def __init__(self, data, **_options):
        self.data = data

    def __repr__(self):
        return "<IPython.display.GeoJSON object>"

    def _ipython_display_(self):
        display({"application/geo+json": self.data, "text/plain": repr(self)}, raw=True)


class FileLink(Shown):
    link = "<a href='%s' target='_blank'>%s</a>"
    wrong = os.path.isdir, "Cannot display a directory using FileLink. Use FileLinks to display '%s'."

    def __init__(self, path, url_prefix="", result_html_prefix="", result_html_suffix="<br>"):
        is_wrong, message = self.wrong
        if is_wrong(path):
            raise ValueError(message % path)
        self.path, self.url_prefix = os.fsdecode(path), url_prefix
        self.result_html_prefix, self.result_html_suffix = result_html_prefix, result_html_suffix

    def __repr__(self):
        return os.path.abspath(self.path)

    def _repr_html_(self):
        if not os.path.exists(self.path):
            return MISSING % self.path
        return self.wrapped(self.link % (self.url_prefix + html.escape(self.path), html.escape(self.path, quote=False)))

    def wrapped(self, text):
        return self.result_html_prefix + text + self.result_html_suffix


class FileLinks(FileLink):
    wrong = os.path.isfile, "Cannot display a file using FileLinks. Use FileLink to display '%s'."

    def __init__(self, path, url_prefix="", included_suffixes=None, result_html_prefix="", result_html_suffix="<br>",
                 notebook_display_formatter=None, terminal_display_formatter=None, recursive=True):
        super().__init__(path.rstrip("/"), url_prefix, result_html_prefix, result_html_suffix)
        self.included_suffixes, self.recursive = included_suffixes, recursive
        self.notebook_display_formatter = notebook_display_formatter or self.links
        self.terminal_display_formatter = terminal_display_formatter or self.names

    def links(self, folder, names, suffixes):
        names = chosen(folder, names, suffixes)
        files = ["&nbsp;&nbsp;" + self.link % ("%s%s/%s" % (self.url_prefix, folder, name), name) for name in names]
        return [self.wrapped(each) for each in ([folder + "/", *files] if files else [])]

    def names(self, folder, names, suffixes):
        files = ["  " + name for name in chosen(folder, names, suffixes)]
        return [folder + "/", *files] if files else []

    def listed(self, formatter):
        folders = sorted(os.walk(self.path)) if self.recursive else [next(os.walk(self.path))]
        return "\n".join(line for folder, _, names in folders for line in formatter(folder, names, self.included_suffixes))

    def __repr__(self):
        return self.listed(self.terminal_display_formatter)

    def _repr_html_(self):
        return self.listed(self.notebook_display_formatter)


def chosen(folder, names, suffixes):
    files = [name for name in names if os.path.isfile(os.path.join(folder, name))]
    return [name for name in files if suffixes is None or os.path.splitext(name)[1] in suffixes]


class ProgressBar(Shown):
    def __init__(self, total):
        self.total, self.progress = total, 0

    def __repr__(self):
        filled = int(60 * self.progress / self.total)
        return "[%s%s] %d/%d" % ("=" * filled, " " * (60 - filled), self.progress, self.total)

    def _repr_html_(self):
        return "<progress style='width:60ex' max='%d' value='%d'></progress>" % (self.total, self.progress)

    def __iter__(self):
        for self.progress in range(self.total):
            yield self.progress


class Audio(Shown):
    def __init__(self, data=None, filename=None, url=None, embed=None, rate=None, autoplay=False, normalize=True, **_options):
        if isinstance(data, str) and "://" in data:
            data, url = None, data
        if rate is None and data is not None and not isinstance(data, (str, bytes)):
            raise ValueError("rate must be specified when data is a numpy array or list of audio samples.")
        file = filename or (data if isinstance(data, str) else None)
        if file is not None:
            with open(file, "rb") as source:
                data = source.read()
        self.url, self.autoplay = url, autoplay
        self.mimetype = guessed(file or url, "audio/wav")
        self.data = data if data is None or isinstance(data, bytes) else wave_of(data, rate, normalize)

    def _repr_html_(self):
        source = self.url or "data:%s;base64,%s" % (self.mimetype, base64.b64encode(self.data).decode())
        return AUDIO % ("", 'autoplay="autoplay"' if self.autoplay else "", source, self.mimetype)


class Video(Shown):
    def __init__(self, data=None, url=None, filename=None, embed=False, mimetype=None, width=None, height=None,
                 html_attributes="controls"):
        file = filename or (data if isinstance(data, str) and "://" not in data else None)
        self.source = url or (data if isinstance(data, str) else file)
        self.embedded = None
        if isinstance(data, bytes) or embed:
            if file is not None:
                with open(file, "rb") as content:
                    data = content.read()
            self.embedded = mimetype or guessed(file, "video/mp4"), base64.b64encode(data).decode()
        sizes = [' %s="%s"' % pair if pair[1] else "" for pair in (("width", width), ("height", height))]
        self.attributes = " ".join([html_attributes, *sizes])

    def __repr__(self):
        return "<IPython.core.display.Video object>"

    def _repr_html_(self):
        if self.embedded is None:
            return LINKED % (self.source, self.attributes)
        mimetype, content = self.embedded
        return EMBEDDED % (self.attributes, mimetype, content, mimetype)


def guessed(name, default):
    import mimetypes
    return name and mimetypes.guess_type(name)[0] or default


def wave_of(samples, rate, normalize):
    """Samples, for each channel or for one, as a file of PCM."""
    import io
    import wave
    import numpy
    values = numpy.atleast_2d(numpy.array(samples, dtype=float))
    most = numpy.max(numpy.abs(values)) if normalize else 1
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(values.shape[0])
        out.setframerate(rate)
        out.setsampwidth(2)
        out.writeframes((values / (most or 1) * 32767).T.ravel().astype("<h").tobytes())
    return file.getvalue()
