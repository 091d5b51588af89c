"""The output streams of the code, and how they survive what it does to them."""
import io
import os
import sys
from time import monotonic

KEPT = (os.dup(1), os.dup(2))


class Output(io.TextIOWrapper):
    """Passes lines on at once, and what is no line yet before anything that is written some time after it."""

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
    """What the code has closed is there again for the next run."""
    for descriptor, kept, name in zip((1, 2), KEPT, ("stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.dup2(kept, descriptor)
        if getattr(getattr(sys, name), "closed", False):
            opened(name, open(descriptor, "wb", closefd=False))


def flush():
    for descriptor in KEPT:
        os.set_blocking(descriptor, True)  # a child may have changed that
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()
        except Exception:
            pass


opened("stdout", sys.stdout.detach())
opened("stderr", sys.stderr.detach())
