"""Commands in a terminal of 24 lines and 80 columns, as IPython runs them: `ls` prints columns, programs flush each line."""
import codecs
import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
from select import select

KEYBOARD = re.compile(r"(?:^|[|;&({])\s*(?:less|more|most|vim?|nvim|nano|emacs|h?top|watch|tmux|screen)(?![\w./-])")
BACKGROUND = re.compile(r"(?<![&>|\\])&(?![&>\d])")
ROWS, COLUMNS = 24, 80
PAGERS = {"PAGER": "cat", "GIT_PAGER": "cat", "MANPAGER": "cat"}
PAUSE = 0.1
GRACE = 2
INTERRUPTED = (-signal.SIGINT, 128 + signal.SIGINT)


def run(command):
    """
    Runs a command and prints what it writes. Returns its exit code, or the negative number of the signal that ended it; None,
    without running it, where there are no terminals, where it leaves something behind, which would lose its terminal, and where
    it would wait for keys.
    """
    if BACKGROUND.search(command) or KEYBOARD.search(command):
        return None
    try:
        ours, theirs = opened()
    except OSError:
        return None
    try:
        child = subprocess.Popen(command, shell=True, stdout=theirs, stderr=theirs, env={**PAGERS, **os.environ})
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    try:
        pass_on(ours, child)
        code = child.wait()
        if code in INTERRUPTED:
            raise KeyboardInterrupt
        return code
    except BaseException:
        end(child)
        raise
    finally:
        os.close(ours)


def opened():
    """Both sides of a terminal that neither echoes nor changes the ends of lines."""
    ours, theirs = os.openpty()
    modes = termios.tcgetattr(theirs)
    modes[1] &= ~termios.OPOST
    modes[3] &= ~termios.ECHO
    termios.tcsetattr(theirs, termios.TCSANOW, modes)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", ROWS, COLUMNS, 0, 0))
    return ours, theirs


def pass_on(terminal, child):
    """Prints what is written until nobody has the terminal any more, or until the command has ended and nothing comes."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while True:
        if not select([terminal], [], [], PAUSE)[0]:
            if child.poll() is None:
                continue
            break
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            break
        sys.stdout.write(decoder.decode(chunk))
        sys.stdout.flush()
    sys.stdout.write(decoder.decode(b"", True))


def end(child):
    """The command is interrupted with the run, and killed if it goes on."""
    child.send_signal(signal.SIGINT)
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
