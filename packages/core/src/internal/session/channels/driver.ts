/**
 * The program that keeps a channel open inside a session, in Python 3 with nothing but its standard library. It runs a command,
 * on a pseudo-terminal or on pipes, and listens on a socket in the directory of its process for requests, one a connection:
 *
 * - `read OFFSET MAX MILLIS`: output from an offset on, which gives up what is before it; waits for some, or for the end
 * - `write ID OFFSET MILLIS` and bytes: input at an offset; the same ID again changes nothing; waits for room
 * - `at`: how much input has arrived
 * - `exit MILLIS`: waits for the end of the command
 * - `resize COLUMNS ROWS` and `signal ID NAME`
 *
 * A reply is a line of words, then bytes. Output that nobody has read yet is bounded: beyond that the command waits, as it does
 * for a slow terminal. On pipes the output is a sequence of frames: a letter (`O`, `E`, `V`: standard output, standard error,
 * descriptor 4), the length as four bytes, and the bytes. What was written before an event comes before it.
 */

const setup = String.raw`
import base64, fcntl, json, os, select, signal, socket, struct, sys, termios, time

cwd, directory = os.getcwd(), sys.argv[1]
config = json.loads(base64.b64decode(sys.stdin.buffer.read()).decode())
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


is_terminal = config["kind"] == "terminal"
sources, ends, slave = {}, {}, None
if is_terminal:
    sink, slave = opened(os.openpty, "pseudo-terminals")
    sources[sink] = None
    resize(config["columns"], config["rows"])
    modes = termios.tcgetattr(slave)
    modes[0] |= 0o40000
    termios.tcsetattr(slave, termios.TCSANOW, modes)
else:
    for letter in (b"O", b"E", b"V"):
        ours, ends[letter] = os.pipe()
        sources[ours] = letter
    ends[b"R"], sink = os.pipe()
    ends[b"I"] = os.open("/dev/null", os.O_RDONLY)

listener = opened(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), "sockets of the family AF_UNIX")
opened(lambda: listener.bind("socket.new"), "sockets of the family AF_UNIX")
listener.listen(64)


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
    env.update((os.fsencode(name), os.fsencode(value)) for name, value in config["envs"].items())
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 64) for fd in order]
    for fd, source in enumerate(high):
        os.dup2(source, fd)
    os.chdir(cwd)
    known = {"@python": sys.executable, "@shell": shell()}
    argv = [known.get(word, word) for word in config["argv"]]
    os.execvpe(argv[0], argv, env)


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
os.rename("socket.new", "socket")
`

const state = String.raw`
OUTPUT, INPUT, PIECE, QUIET = 1 << 20, 1 << 18, 1 << 16, 0.5
log, base = bytearray(), 0
pending, received, last_write = bytearray(), 0, ""
signals, waiting = set(), []
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
def reply(connection, words, data=b""):
    try:
        connection.settimeout(10)
        connection.sendall(words.encode() + b"\n" + data)
    except OSError:
        pass
    connection.close()


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
    if name not in signals:
        signals.add(name)
        value = getattr(signal, "SIG" + number, None)
        if value is None:
            return ("unknown", b"")
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


def accept():
    connection, _ = listener.accept()
    try:
        connection.settimeout(10)
        request = b""
        while b"\n" not in request:
            more = connection.recv(PIECE)
            if not more:
                raise ValueError()
            request += more
        head, _, data = request.partition(b"\n")
        length, *words = head.decode().split(" ")
        while len(data) < int(length):
            more = connection.recv(PIECE)
            if not more:
                raise ValueError()
            data += more
        waiting.append((connection,) + handle(words, data))
    except (OSError, ValueError, LookupError, TypeError):
        connection.close()


def answer():
    global waiting
    now, left = time.monotonic(), []
    for entry in waiting:
        connection, _, attempt = entry
        try:
            found = attempt(now)
        except (OSError, ValueError, TypeError):
            found = ("invalid", b"")
        if found is None:
            left.append(entry)
        else:
            reply(connection, *found)
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
    for fd in [wakes, listener] + [connection for connection, _, _ in waiting]:
        poll.register(fd, select.POLLIN)
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
    for entry in [entry for entry in waiting if entry[0].fileno() in ready]:
        entry[0].close()
        waiting.remove(entry)
    if listener.fileno() in ready:
        accept()
`

export const driver: string = [setup, state, requests, loop].map((part) => part.trim()).join("\n\n\n")

/** Makes one request: the words, and bytes as base64. Prints the words of the reply, then its bytes as base64. */
export const client: string = String.raw`
import binascii, sys
try:
    import _socket as socket
except ImportError:
    import socket
data = binascii.a2b_base64(sys.argv[2])
connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
try:
    connection.connect("socket")
    connection.sendall(b"%d %s\n%s" % (len(data), sys.argv[1].encode(), data))
    pieces = list(iter(lambda: connection.recv(65536), b""))
except OSError:
    pieces = []
words, _, data = b"".join(pieces).partition(b"\n")
print("agb " + (words.decode() or "lost"))
print(binascii.b2a_base64(data).decode().strip())
print("agb done")
`.trim()
