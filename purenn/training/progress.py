"""How a `fit` goes: its record of each epoch, and what it shows of itself on stderr.

Nothing here ends a run: where the terminal was closed or a stream is broken, nothing is shown.
"""

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple


class EpochRecord(NamedTuple):
    """One epoch of a `fit`, as its history keeps it.

    Attributes:
        epoch: its number, counted from 1; a run that goes on from a `train_state` counts on.
        loss: mean over the epoch's steps, penalty included.
        seconds: of training alone.
        validation_loss: after the epoch; `None` without validation data.
        validation_accuracy: likewise, and `None` where the targets are no classes.
    """

    epoch: int  # counted from 1
    loss: float  # mean over the epoch's steps, penalty included
    seconds: float  # training alone
    validation_loss: float | None
    validation_accuracy: float | None


class Bar:
    """The progress bar: tqdm's if it is installed and works, else a line per epoch; on stderr.

    Where tqdm's fails, for whatever reason, lines take its place; where these fail, nothing does.
    """

    def __init__(self, total: int | None, done: int, *, enabled: bool) -> None:
        self.bar: Any = None
        self.lines = enabled  # in the place of a bar
        self.accuracy = ""
        # `print` takes None, which pythonw and some services have, for stdout.
        if enabled and sys.stderr is not None:
            with contextlib.suppress(Exception):  # not installed, or a notebook without widgets
                from tqdm.auto import tqdm

                # The delay puts off the first writing, so that what fails then can be closed.
                self.bar = tqdm(
                    total=total, initial=done, unit="step", dynamic_ncols=True, delay=1e-9
                )

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *exception: object) -> None:
        with self._giving_way():
            if self.bar is not None:
                self.bar.close()

    def begin(self, epoch: int, epochs: int) -> None:
        """Name the epoch that begins."""
        with self._giving_way():
            if self.bar is not None:
                self.bar.set_description(f"epoch {epoch}/{epochs}")

    def advance(self, steps: int, loss: float) -> None:
        """Move on, with the epoch's mean loss so far."""
        with self._giving_way():
            if self.bar is not None:
                self.bar.set_postfix_str(f"loss {loss:.4f}{self.accuracy}", refresh=False)
                self.bar.update(steps)

    def end(self, record: EpochRecord) -> None:
        """Show the epoch's scores."""
        if record.validation_accuracy is not None:
            self.accuracy = f", accuracy {record.validation_accuracy:.2%}"
        with self._giving_way():
            if self.bar is not None:
                self.bar.set_postfix_str(f"loss {record.loss:.4f}{self.accuracy}")
                return
        with self._giving_way():
            if self.lines and sys.stderr is not None:
                text = f"epoch {record.epoch}: loss {record.loss:.4f}{self.accuracy}"
                print(f"{text}, {record.seconds:.1f} s", file=sys.stderr)

    @contextlib.contextmanager
    def _giving_way(self) -> Iterator[None]:
        """Within, what can't be shown gives way to something plainer; Ctrl-C passes."""
        try:
            yield
        except Exception:
            if self.bar is None:
                self.lines = False
                return
            bar, self.bar = self.bar, None
            with contextlib.suppress(Exception):  # once closed, it tries no more when it is deleted
                bar.close()


def warn(text: str, *, stacklevel: int) -> None:
    """Warn, if that can be shown. Where the user has made warnings errors, it is one."""
    try:
        warnings.warn(text, RuntimeWarning, stacklevel=stacklevel + 1)
    except Warning:
        raise
    except Exception:  # Python lets a full disk pass, but not a closed stream
        pass
