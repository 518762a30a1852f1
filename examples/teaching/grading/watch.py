"""A limit on how long a student's code may run; it says where the code was when time ran out.

Processor time is what counts: on a busy machine a right answer may take long by the clock. Code
that waits instead of working uses none, and has four times as long.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

PATIENCE = 4  # seconds by the clock for one of processor time


class Watch:
    """A thread beside the main one, which ends the process when that is late."""

    def __init__(self, seconds: float, path: str, say: Callable[..., None]):
        self.seconds, self.path, self.say = seconds, path, say
        self.deadlines: tuple[float, float] | None = None
        threading.Thread(target=self._wait, daemon=True).start()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """What is inside may take `seconds`."""
        clock = time.monotonic() + PATIENCE * self.seconds
        self.deadlines = time.process_time() + self.seconds, clock
        yield
        self.deadlines = None

    def _wait(self) -> None:
        while not self._late():
            time.sleep(0.05)
        main = sys._current_frames().get(threading.main_thread().ident or 0)
        self.say("late", line=self._line(main))
        os._exit(0)

    def _late(self) -> bool:
        deadlines = self.deadlines
        if deadlines is None:
            return False
        return time.process_time() > deadlines[0] or time.monotonic() > deadlines[1]

    def _line(self, frame: FrameType | None) -> int | None:
        """The innermost line of the student's file."""
        while frame is not None:
            if frame.f_code.co_filename == self.path:
                return frame.f_lineno
            frame = frame.f_back
        return None
