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
    def __init__(self, path, **_options):
        self.path = path

    def __repr__(self):
        return os.path.abspath(self.path)

    def _repr_html_(self):
        if not os.path.exists(self.path):
            return "Path (<tt>%s</tt>) doesn't exist. It may still be in the process of being generated." % self.path
        return "<a href='{0}' target='_blank'>{0}</a><br>".format(html.escape(self.path))


class FileLinks(FileLink):
    def files(self):
        return [os.path.join(folder, name) for folder, _, names in os.walk(self.path) for name in sorted(names)]

    def __repr__(self):
        return "\n".join(self.files())

    def _repr_html_(self):
        return "".join(FileLink(path)._repr_html_() + "\n" for path in self.files())


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
