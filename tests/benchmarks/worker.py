"""One contestant in a process of its own: `python worker.py MODULE FUNCTION TASK`, TASK as JSON.

It prints one line of JSON when it is built, and one for each line that it reads, after a piece of
work; `race.py` is at the other end.
"""

import importlib
import json
import os
import sys
import time

import numpy as np
from tasks import Task


def main() -> None:
    """Build the contestant, then work whenever asked to."""
    module, function, task = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a framework prints must not come between
    contestant = getattr(importlib.import_module(f"contestants.{module}"), function)
    fields = json.loads(task)
    work = contestant(Task(**{**fields, "hidden": tuple(fields["hidden"])}))
    print(json.dumps("ready"), file=answers)
    for _ in sys.stdin:
        started = time.perf_counter()
        done = work()
        seconds = time.perf_counter() - started
        losses = np.asarray(done.losses, np.float64)  # copied to the host outside the timed span
        answer = {
            "seconds": seconds if done.seconds is None else done.seconds,
            "start": done.start,
            "steps": done.steps,
            "loss": float(losses.mean()) if losses.size else None,
            "temporaries": done.temporaries,
            "epochs": done.epochs,
            "note": done.note,
        }
        print(json.dumps(answer), file=answers)


if __name__ == "__main__":
    main()
