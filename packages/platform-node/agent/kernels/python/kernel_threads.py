"""The threads that runs have started and that would keep a program from ending."""
import sys
import threading
from time import monotonic, sleep

SECONDS = 2

known = set()


def finish():
    """Gives those of this run a moment, so that their output belongs to it, and tells how many are left then."""
    # The threads of an executor wait for ever, also those of the ones that joblib brings.
    executors = [*getattr(sys.modules.get("concurrent.futures.thread"), "_threads_queues", ()), *managers()]
    lasting = [each for each in threading.enumerate() if not each.daemon and each is not threading.main_thread()]
    started = [each for each in lasting if each not in known and each not in executors]
    known.clear()
    known.update(lasting)
    deadline = monotonic() + SECONDS
    pause = 0.001
    try:
        # Not `join`, which takes a thread for ended when it is interrupted.
        while any(thread.is_alive() for thread in started) and monotonic() < deadline:
            sleep(pause)
            pause = min(2 * pause, 0.02)
    finally:
        left = sum(thread.is_alive() for thread in started)
        if left:
            print("[still going on: %d thread%s]" % (left, "s" if left > 1 else ""), file=sys.stderr)


def managers():
    return [each for each in threading.enumerate() if type(each).__name__.endswith("ExecutorManagerThread")]
