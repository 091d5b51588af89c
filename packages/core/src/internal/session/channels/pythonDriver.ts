/** What holds a channel open, in Python 3 with nothing but its standard library; see `driver.ts` for what it does. */
import { quote } from "../shell.js"
import type { Driver } from "./driver.js"

const setup = String.raw`
import base64, fcntl, os, select, signal, struct, sys, termios, time

cwd, directory = os.getcwd(), sys.argv[1]
kind, columns, rows, count, *fields = base64.b64decode(sys.stdin.buffer.read()).split(b"\0")
argv, envs = fields[:int(count)], fields[int(count):]
os.chdir(directory)


def fail(text):
    with open("failed.new", "w") as file:
        file.write(text)
    os.rename("failed.new", "failed")
    sys.exit(1)


def opened(make, name):
    try:
        return make()
    except OSError as error:
        fail("%s (%s)" % (name, error.strerror))


def resize(columns, rows):
    fcntl.ioctl(sink, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))


is_terminal = kind == b"terminal"
sources, ends, slave = {}, {}, None
if is_terminal:
    sink, slave = opened(os.openpty, "pseudo-terminals")
    sources[sink] = None
    resize(columns, rows)
    modes = termios.tcgetattr(slave)
    modes[0] |= 0o40000
    termios.tcsetattr(slave, termios.TCSANOW, modes)
else:
    for letter in (b"O", b"E", b"V"):
        ours, ends[letter] = os.pipe()
        sources[ours] = letter
    ends[b"R"], sink = os.pipe()
    ends[b"I"] = os.open("/dev/null", os.O_RDONLY)

opened(lambda: os.mkfifo("calls.new", 0o600), "named pipes")
calls = os.open("calls.new", os.O_RDWR | os.O_NONBLOCK)


def shell():
    folders = os.environ.get("PATH", "/usr/bin:/bin").split(":")
    return next((path for path in (folder + "/bash" for folder in folders) if os.access(path, os.X_OK)), "sh")


def become():
    os.setsid()
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    env = dict(os.environb)
    if is_terminal:
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        order = [slave] * 3
        env.pop(b"LINES", None)
        env.pop(b"COLUMNS", None)
        env[b"TERM"] = b"xterm-256color"
    else:
        order = [ends[letter] for letter in (b"I", b"O", b"E", b"R", b"V")]
    env.update(entry.partition(b"=")[::2] for entry in envs)
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 64) for fd in order]
    for fd, source in enumerate(high):
        os.dup2(source, fd)
    os.chdir(cwd)
    known = {b"@python": sys.executable, b"@shell": shell(), b"@directory": directory}
    words = [known.get(word, word) for word in argv]
    os.execvpe(words[0], words, env)


wakes, wake = os.pipe()
for fd in (wakes, wake):
    os.set_blocking(fd, False)
signal.signal(signal.SIGCHLD, lambda *_: None)
signal.set_wakeup_fd(wake)
begun = time.monotonic()
child = os.fork()
if child == 0:
    try:
        become()
    except BaseException as error:
        os.write(2, ("%s\n" % error).encode())
    finally:
        os._exit(127)
for fd in ends.values():
    os.close(fd)
for fd in list(sources) + [sink]:
    os.set_blocking(fd, False)
with open("python", "w") as file:
    file.write(sys.executable + "\n")
os.rename("calls.new", "calls")
`

const state = String.raw`
OUTPUT, INPUT, PIECE, QUIET = 1 << 20, 1 << 18, 1 << 16, 0.5
log, base = bytearray(), 0
pending, received, last_write = bytearray(), 0, ""
announced, signals, waiting = b"", set(), []
status, quiet_at, finished = None, None, False


def name_of(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return "SIG%d" % number


def reap():
    global status, quiet_at, slave
    if status is not None:
        return
    found, code = os.waitpid(child, os.WNOHANG)
    if found == 0:
        return
    words = (128 + os.WTERMSIG(code), name_of(os.WTERMSIG(code))) if os.WIFSIGNALED(code) else (os.WEXITSTATUS(code), "-")
    status = "%d %s %d" % (words + (int((time.monotonic() - begun) * 1000),))
    quiet_at = time.monotonic() + QUIET
    if slave is not None:
        os.close(slave)
        slave = None


def finish():
    global finished, sink
    for fd in list(sources):
        drop(fd)
    if sink is not None:
        os.close(sink)
    sink, finished = None, True


def drop(fd):
    global sink
    del sources[fd]
    if fd == sink:
        sink = None
    os.close(fd)


def append(letter, data):
    if letter is not None:
        log.extend(letter + struct.pack(">I", len(data)))
    log.extend(data)


def take(fd):
    """Whether there was something."""
    global quiet_at
    letter = sources[fd]
    try:
        data = os.read(fd, PIECE)
    except BlockingIOError:
        return False
    except OSError:
        data = b""
    if data == b"":
        drop(fd)
        return False
    if letter == b"V":
        for other in [fd for fd, letter in sources.items() if letter != b"V"]:
            while other in sources and take(other):
                pass
    append(letter, data)
    if quiet_at is not None:
        quiet_at = time.monotonic() + QUIET
    return True


def feed():
    try:
        del pending[:os.write(sink, pending[:PIECE])]
    except BlockingIOError:
        pass
    except OSError:
        pending.clear()
`

const requests = String.raw`
def reply(out, words, data=b""):
    rest = memoryview(words.encode() + b"\n" + data)
    try:
        while rest and can(out, select.POLLOUT):
            rest = rest[os.write(out, rest):]
    except OSError:
        pass
    os.close(out)


def can(fd, mask):
    poll = select.poll()
    poll.register(fd, mask)
    return poll.poll(10_000)


def read(now, until, offset, most):
    global base
    if not base <= offset <= base + len(log):
        return ("moved %d" % base, b"")
    del log[:offset - base]
    base = offset
    is_last = finished and len(log) <= most
    if not log and not is_last and now < until:
        return None
    data = bytes(log[:most])
    return ("read %d %s" % (len(data), "ended " + status if is_last and status else "more"), data)


def write(now, until, name, offset, data):
    global received, last_write
    if name != last_write:
        if offset != received:
            return ("moved %d" % received, b"")
        if sink is None or status is not None:
            return ("ended", b"")
        if len(pending) > INPUT:
            return None if now < until else ("full", b"")
        pending.extend(data)
        received, last_write = received + len(data), name
    return ("at %d" % received, b"")


def leave(now, until):
    if status is None and now < until:
        return None
    return ("waiting" if status is None else "ended " + status, b"")


def send_signal(name, number):
    value = getattr(signal, "SIG" + number, None)
    if value is None:
        return ("unknown", b"")
    if name not in signals:
        signals.add(name)
        if status is None:
            try:
                os.killpg(child, value)
            except ProcessLookupError:
                os.kill(child, value)
    return ("sent", b"")


def change_size(columns, rows):
    if sink is not None:
        resize(columns, rows)
    return ("resized", b"")


def handle(words, data):
    """What answers a request, when it is called with the time."""
    now = time.monotonic()
    name, args = words[0], words[1:]
    until = now + int(args[-1]) / 1000 if name in ("read", "write", "exit") else now
    if name == "read":
        return until, lambda now: read(now, until, int(args[0]), int(args[1]))
    if name == "write":
        return until, lambda now: write(now, until, args[0], int(args[1]), data)
    if name == "exit":
        return until, lambda now: leave(now, until)
    if name == "at":
        return until, lambda _: ("at %d" % received, b"")
    if name == "resize":
        return until, lambda _: change_size(*args)
    return until, lambda _: send_signal(*args)


def receive(fd):
    """The words and the bytes of a request."""
    request = b""
    while True:
        head, line, data = request.partition(b"\n")
        if line:
            length, *words = head.decode().split(" ")
            if len(data) >= int(length):
                return words, data
        more = os.read(fd, PIECE) if can(fd, select.POLLIN) else b""
        if not more:
            raise ValueError()
        request += more


def accept():
    global announced
    *names, announced = (announced + os.read(calls, PIECE)).split(b"\n")
    for name in names:
        fds = []
        try:
            fds.append(os.open(name + b".in", os.O_RDONLY | os.O_NONBLOCK))
            fds.append(os.open(name + b".out", os.O_WRONLY | os.O_NONBLOCK))
            waiting.append((fds[1],) + handle(*receive(fds[0])))
            fds.pop()
        except (OSError, ValueError, LookupError, TypeError):
            pass
        for fd in fds:
            os.close(fd)


def answer():
    global waiting
    now, left = time.monotonic(), []
    for entry in waiting:
        out, _, attempt = entry
        try:
            found = attempt(now)
        except (OSError, ValueError, TypeError):
            found = ("invalid", b"")
        if found is None:
            left.append(entry)
        else:
            reply(out, *found)
    waiting = left
`

const loop = String.raw`
while True:
    reap()
    is_full = len(log) >= OUTPUT
    if quiet_at is not None and is_full:
        quiet_at = time.monotonic() + QUIET
    if not finished and status is not None and (not sources or time.monotonic() > quiet_at):
        finish()
    answer()
    is_full = len(log) >= OUTPUT
    poll = select.poll()
    for fd in (wakes, calls):
        poll.register(fd, select.POLLIN)
    for out, _, _ in waiting:
        poll.register(out, 0)
    masks = {} if is_full else {fd: select.POLLIN for fd in sources}
    if pending and sink is not None:
        masks[sink] = masks.get(sink, 0) | select.POLLOUT
    for fd, mask in masks.items():
        poll.register(fd, mask)
    times = [until for _, until, _ in waiting]
    if quiet_at is not None and not finished and not is_full:
        times.append(quiet_at)
    limit = max(0, min(times) - time.monotonic()) * 1000 + 1 if times else None
    ready = dict(poll.poll(limit))
    if wakes in ready:
        os.read(wakes, 4096)
    if pending and ready.get(sink, 0) & ~select.POLLIN:
        feed()
    for fd in list(sources):
        if fd in sources and ready.get(fd, 0) & ~select.POLLOUT:
            take(fd)
    for entry in [entry for entry in waiting if entry[0] in ready]:
        os.close(entry[0])
        waiting.remove(entry)
    if calls in ready:
        accept()
`

const program = [setup, state, requests, loop].map((part) => part.trim()).join("\n\n\n")

const client = String.raw`
import binascii, os, select, sys
data = binascii.a2b_base64(sys.argv[2])
name = "%d.%s" % (os.getpid(), binascii.b2a_hex(os.urandom(8)).decode())
pipes, pieces = [name + ".in", name + ".out"], []
try:
    calls = os.open("calls", os.O_WRONLY | os.O_NONBLOCK)
    for pipe in pipes:
        os.mkfifo(pipe, 0o600)
    to, source = os.open(pipes[0], os.O_RDWR), os.open(pipes[1], os.O_RDONLY | os.O_NONBLOCK)
    os.write(calls, b"%s\n" % name.encode())
    rest = b"%d %s\n%s" % (len(data), sys.argv[1].encode(), data)
    while rest:
        rest = rest[os.write(to, rest):]
    poll = select.poll()
    poll.register(calls, 0)
    poll.register(source, select.POLLIN)
    while poll.poll():
        piece = os.read(source, 65536)
        if not piece:
            break
        pieces.append(piece)
except OSError:
    pass
for pipe in pipes:
    try:
        os.unlink(pipe)
    except OSError:
        pass
words, _, data = b"".join(pieces).partition(b"\n")
print("agb " + (words.decode() or "lost"))
print(binascii.b2a_base64(data).decode().strip())
print("agb done")
`.trim()

export const pythonDriver: Driver = {
  name: "python3",
  start: `python3 -I -c ${quote(program)}`,
  request: `read -r python <python && exec "$python" -I -S -c ${quote(client)}`
}
