"""A process that kills itself with `kill -9` inside a save, at any of its calls to the system."""

import os
import signal
from contextlib import contextmanager

from purenn.checkpoints.folder import Folder

CALLS = ("mkdir", "open", "write", "fsync", "close", "replace", "unlink")
PLACES = ("before", "half", "after")


def die(*, at_save, at_call, place):
    """From here on: be killed at a call of a save, both counted from 0.

    Save 0 is not a save, but what comes before the first: the lock, the removal of what a killed
    save left, the reading of checkpoints, the renaming of damaged ones. `place` is before or after
    the call, or, in a write, after half of the bytes.
    """
    counts = {"saves": -1, "calls": -1}
    inside = []

    def watched(function, *, begins):
        def call(*given, **options):
            counts["saves"] += begins
            counts["calls"] = -1 if begins else counts["calls"]
            with within(inside):
                return function(*given, **options)

        return call

    def fatal(name, function):
        def call(*given, **options):
            counts["calls"] += bool(inside)
            if not inside or (counts["saves"], counts["calls"]) != (at_save, at_call):
                return function(*given, **options)
            if name == "write" and place == "half":
                function(given[0], given[1][: len(given[1]) // 2])
            elif place == "after":
                function(*given, **options)
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError("survived")

        return call

    for name, begins in (("__enter__", True), ("newest", False), ("write", True)):
        setattr(Folder, name, watched(getattr(Folder, name), begins=begins))
    for name in CALLS:
        setattr(os, name, fatal(name, getattr(os, name)))


@contextmanager
def within(inside):
    inside.append(True)
    try:
        yield
    finally:
        inside.pop()
