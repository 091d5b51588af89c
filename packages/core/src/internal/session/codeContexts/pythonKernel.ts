/**
 * The kernel of a code context for Python 3: reads runs from descriptor 3, one JSON object a line, and writes results and ends to
 * descriptor 4. Standard library only.
 */
export const pythonKernel = String.raw`
import ast, base64, builtins, io, json, linecache, os, signal, sys, threading, time, traceback, types

requests = os.fdopen(3, "rb")
os.set_inheritable(3, False)
os.set_inheritable(4, False)
sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
sys.stderr.reconfigure(line_buffering=True, errors="backslashreplace")
sys.argv[:] = [""]
main = types.ModuleType("__main__")
main.__builtins__ = builtins
sys.modules["__main__"] = main
space = main.__dict__
running, loop, lock = False, None, threading.Lock()


def interrupt(*_):
    if running:
        raise KeyboardInterrupt()


signal.signal(signal.SIGINT, interrupt)


def emit(event):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        data = json.dumps(event, allow_nan=False).encode() + b"\n"
        sys.stdout.flush()
        sys.stderr.flush()
        with lock:
            while data:
                data = data[os.write(4, data):]
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


FORMS = (
    ("_repr_html_", "text/html"), ("_repr_markdown_", "text/markdown"), ("_repr_svg_", "image/svg+xml"),
    ("_repr_png_", "image/png"), ("_repr_jpeg_", "image/jpeg"), ("_repr_latex_", "text/latex"),
    ("_repr_json_", "application/json"),
)


def text_of(value):
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def drawn(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight")
    return text_of(file.getvalue())


def is_figure(value):
    return isinstance(value, getattr(sys.modules.get("matplotlib.figure"), "Figure", ()))


def bundle(value):
    data = {"text/plain": repr(value)}
    if isinstance(value, type):
        return data
    if is_figure(value):
        data["image/png"] = drawn(value)
    for name, kind in FORMS:
        try:
            method = getattr(value, name, None)
            found = method() if callable(method) else None
            if isinstance(found, tuple):
                found = found[0]
            if found is not None:
                json.dumps(found if kind == "application/json" else text_of(found), allow_nan=False)
                data.setdefault(kind, text_of(found))
        except Exception:
            pass
    return data


def show(data, is_main):
    emit({"type": "result", "data": data, "isMainResult": is_main})


def display(*values, **_):
    for value in values:
        show(bundle(value), False)


builtins.display = display


def show_figures(*_, **__):
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        try:
            for number in pyplot.get_fignums():
                figure = pyplot.figure(number)
                show({"text/plain": repr(figure), "image/png": drawn(figure)}, False)
        finally:
            pyplot.close("all")


class Backend:
    """Finds and loads the backend of matplotlib, which is imported no sooner than pyplot needs it."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "agb_figures":
            return None
        from importlib.util import spec_from_loader
        return spec_from_loader(name, cls)

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        from matplotlib.backend_bases import FigureManagerBase
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        module.FigureCanvas, module.FigureManager, module.show = FigureCanvasAgg, FigureManagerBase, show_figures


sys.meta_path.append(Backend)
os.environ.setdefault("MPLBACKEND", "module://agb_figures")


def evaluate(code):
    global loop
    value = eval(code, space)
    if code.co_flags & 0x80:
        if loop is None:
            import asyncio
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
        value = loop.run_until_complete(value)
    return value


def execute(code, name):
    flags = getattr(ast, "PyCF_ALLOW_TOP_LEVEL_AWAIT", 0)
    tree = compile(code, name, "exec", ast.PyCF_ONLY_AST | flags)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr) and not code.rstrip().endswith(";"):
        last = ast.Expression(tree.body.pop().value)
    evaluate(compile(tree, name, "exec", flags))
    if last is None:
        return
    value = evaluate(compile(last, name, "eval", flags))
    if value is not None:
        space["_"] = value
        shown = bundle(value)
        if is_figure(value) and "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close(value)
        show(shown, True)


def describe(error):
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == "<string>":
        trace = trace.tb_next
    lines = traceback.format_exception(type(error), error, trace)
    try:
        value = str(error)
    except BaseException:
        value = "<unprintable>"
    return {"name": type(error).__name__, "value": value, "traceback": "".join(lines)}


def run(count, code):
    global running
    name = "<run %d>" % count
    linecache.cache[name] = (len(code), None, code.splitlines(True), name)
    begun, error = time.monotonic(), None
    try:
        running = True
        execute(code, name)
        show_figures()
        running = False
    except BaseException as raised:
        running = False
        error = describe(raised)
    emit({"type": "done", "count": count, "seconds": time.monotonic() - begun, "error": error})


for line in iter(requests.readline, b""):
    request = json.loads(line.decode())
    if "code" in request:
        run(request["count"], request["code"])
`.trim()
