"""The less common classes of `IPython.display`, where IPython is not installed."""
import base64
import html
import os

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
        super().__init__("https://www.youtube.com/embed/%s" % id, width, height, **params)


class VimeoVideo(IFrame):
    def __init__(self, id, width=400, height=300, **params):
        super().__init__("https://player.vimeo.com/video/%s" % id, width, height, **params)


class Pretty(Shown):
    def __init__(self, data):
        self.data = data

    def __repr__(self):
        return self.data


class Code(Pretty):
    def __init__(self, data=None, url=None, filename=None, language=None):
        if filename is not None:
            with open(filename, encoding="utf-8") as file:
                data = file.read()
        super().__init__(data)

    def _repr_html_(self):
        return "<pre>%s</pre>" % html.escape(self.data)


class GeoJSON(Shown):
    def __init__(self, data, **_options):
        self.data = data

    def _repr_mimebundle_(self, **_options):
        return {"application/geo+json": self.data}


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
    def __init__(self, data=None, url=None, filename=None, embed=False, mimetype=None, width=None, height=None, **_options):
        file = filename or (data if isinstance(data, str) and "://" not in data else None)
        self.source = url or (data if isinstance(data, str) else file)
        if isinstance(data, bytes) or embed:
            if file is not None:
                with open(file, "rb") as content:
                    data = content.read()
            kind = mimetype or guessed(file, "video/mp4")
            self.source = "data:%s;base64,%s" % (kind, base64.b64encode(data).decode())
        self.sizes = "".join(' %s="%s"' % pair for pair in (("width", width), ("height", height)) if pair[1])

    def __repr__(self):
        return "<IPython.core.display.Video object>"

    def _repr_html_(self):
        return '<video src="%s" controls %s>\n      Your browser does not support the <code>video</code> element.\n    </video>' % (
            self.source, self.sizes
        )


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
