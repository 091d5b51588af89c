"""Tells, in a line of JSON each, which observations of the checklist a walk has made."""
import json
import time


class Skipped(Exception):
    """What was to be observed is not to be had on this machine."""


def tell(rows, outcome, why=""):
    for row in rows:
        print(json.dumps({"row": row, "outcome": outcome, "why": why}), flush=True)


def same(actual, expected):
    assert actual == expected, f"{actual!r} is not {expected!r}"


def holds(condition, *shown):
    assert condition, " ".join(repr(value) for value in shown)


def until(ask, patience=60.0, interval=0.05):
    """What `ask` says as soon as it says something."""
    end = time.monotonic() + patience
    while True:
        said = ask()
        if said:
            return said
        assert time.monotonic() < end, "it did not come about"
        time.sleep(interval)


class Walk:
    def __init__(self):
        self.steps = []

    def observes(self, *rows):
        def register(step):
            self.steps.append((rows, step))
            return step

        return register

    def take(self, *arguments):
        """All steps, also after one that failed."""
        for rows, step in self.steps:
            try:
                step(*arguments)
                tell(rows, "seen")
            except Skipped as reason:
                tell(rows, "skipped", str(reason))
            except Exception as error:
                tell(rows, "failed", f"{step.__name__}: {type(error).__name__}: {error}")
