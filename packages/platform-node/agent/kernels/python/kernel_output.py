"""The output streams of the code, which are restored after it has closed or changed them."""
import io
import os
import sys
from time import monotonic

KEPT = (os.dup(1), os.dup(2))


class Output(io.TextIOWrapper):
    """Line buffered, except that a write more than LINGER seconds after the last flush first flushes what is pending."""

    LINGER = 0.05
    passed = 0.0

    def write(self, text):
        now = monotonic()
        if now - self.passed > self.LINGER:
            self.passed = now
            self.flush()
        return super().write(text)


def opened(name, binary):
    stream = Output(binary, "utf-8", "backslashreplace", line_buffering=True)
    stream.mode = "w"
    setattr(sys, name, stream)
    setattr(sys, "__%s__" % name, stream)


def reopen():
    """Reopens the streams that the code has closed."""
    for descriptor, kept, name in zip((1, 2), KEPT, ("stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.dup2(kept, descriptor)
        if getattr(getattr(sys, name), "closed", False):
            opened(name, open(descriptor, "wb", closefd=False))


def flush():
    for descriptor in KEPT:
        os.set_blocking(descriptor, True)  # a child process may have made it non-blocking
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()
        except Exception:
            pass


opened("stdout", sys.stdout.detach())
opened("stderr", sys.stderr.detach())
