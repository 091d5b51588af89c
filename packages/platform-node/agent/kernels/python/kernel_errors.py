"""The report of an exception: its name, its value and a traceback without frames of the kernel."""
import os
import sys
import traceback

FOLDER = os.path.dirname(os.path.abspath(__file__))


def described(error):
    trace = error.__traceback__
    while trace is not None and not trace.tb_frame.f_code.co_filename.startswith("<run "):
        trace = trace.tb_next
    keep(error, trace)
    told = traceback.TracebackException(type(error), error, trace or error.__traceback__)
    seen = set()
    pending = [told]
    while pending:
        part = pending.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        part.stack[:] = [frame for frame in part.stack if not is_internal(frame.filename)]
        pending += [part.__cause__, part.__context__]
    return type(error).__name__, text_of(error), "".join(told.format())


def text_of(error):
    """As `traceback` tells it where the error's own method fails."""
    try:
        return str(error)
    except Exception:
        return "<exception str() failed>"


def keep(error, trace):
    """For `traceback.print_last` and the like. What the frames hold lives until the next error, as in IPython."""
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace or error.__traceback__
    if sys.version_info >= (3, 12):
        sys.last_exc = error


def last():
    """The last error, for `%tb`, which tells it again."""
    error = getattr(sys, "last_value", None)
    if error is None:
        print("No traceback available to show.", file=sys.stderr)
    return error


def is_internal(file):
    return file.startswith(FOLDER + "/kernel") or "/IPython/core/" in file
