"""Ctrl-C while a run keeps checkpoints: first a stop in good order, then one at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")


class Interruptions:
    """The first Ctrl-C is noted, for the run to stop where it can go on from; the second is not.

    Where a run only waits, for data or for scores, the first one stops it there and then: the state
    of the run is whole all the while; but never in the midst of a call into JAX, whose C++ code can
    crash on an exception that it does not expect. Off the main thread, where Python delivers no
    signals, and where Ctrl-C means something else already (ignored, as under nohup), nothing is
    changed.
    """

    def __init__(self, *, enabled: bool, alone: bool = True) -> None:
        self.enabled = enabled
        self.alone = alone  # or else one of several processes, which must stop at the same step
        self.asked = 0  # how often Ctrl-C was pressed
        self._waiting = False
        self._before: Any = None

    def __enter__(self) -> "Interruptions":
        if self.enabled and threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            if callable(before):
                self._before = before
                signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked += 1
        if (self._waiting and self.alone and not _in_jax(frame)) or self.asked > 1:
            self._before(number, frame)  # Python's own raises KeyboardInterrupt

    def stop(self) -> None:
        """Stop here, if that was asked for."""
        if self.asked and self.alone:
            raise KeyboardInterrupt

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Within, a first Ctrl-C is not put off."""
        self._waiting = True
        try:
            self.stop()
            yield
        finally:
            self._waiting = False

    def between(self, items: Iterator[T]) -> Iterator[T]:
        """The items; while one is waited for, a first Ctrl-C is not put off."""
        while True:
            self._waiting = True  # at_once, written out: it takes 3 us a batch
            try:
                self.stop()
                item = next(items)
            except StopIteration:
                return
            finally:
                self._waiting = False
            yield item


def _in_jax(frame: FrameType | None) -> bool:
    """Tell whether JAX's code is being run, or what it has called."""
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] in ("jax", "jaxlib"):
            return True
        frame = frame.f_back
    return False
