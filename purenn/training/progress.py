"""The output of a run on stderr: a progress bar, or a line per epoch.

Errors here never end a run: if the terminal was closed or a stream is broken, nothing is shown.
"""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from purenn.training.position import EpochRecord


class Bar:
    """A progress bar: tqdm's if it is installed and works, otherwise a line per epoch.

    If tqdm fails for any reason, lines replace it. If they fail too, nothing is shown.
    """

    def __init__(self, total: int | None, done: int, *, enabled: bool) -> None:
        self.bar: Any = None
        self.lines = enabled  # instead of a bar
        self.accuracy = ""
        # `print` takes None, which pythonw and some services have, for stdout.
        if enabled and sys.stderr is not None:
            with contextlib.suppress(Exception):  # not installed, or a notebook without widgets
                from tqdm.auto import tqdm

                # The delay postpones the first output, so that a bar that fails can be closed.
                self.bar = tqdm(
                    total=total, initial=done, unit="step", dynamic_ncols=True, delay=1e-9
                )

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *exception: object) -> None:
        with self._falling_back():
            if self.bar is not None:
                self.bar.close()

    def begin(self, epoch: int, epochs: int) -> None:
        """Show the number of the new epoch."""
        with self._falling_back():
            if self.bar is not None:
                self.bar.set_description(f"epoch {epoch}/{epochs}")

    def advance(self, steps: int, loss: float) -> None:
        """Advance by a number of steps, and show the epoch's mean loss so far."""
        with self._falling_back():
            if self.bar is not None:
                self.bar.set_postfix_str(f"loss {loss:.4f}{self.accuracy}", refresh=False)
                self.bar.update(steps)

    def end(self, record: EpochRecord) -> None:
        """Show the scores of the epoch."""
        if record.validation_accuracy is not None:
            self.accuracy = f", accuracy {record.validation_accuracy:.2%}"
        with self._falling_back():
            if self.bar is not None:
                self.bar.set_postfix_str(f"loss {record.loss:.4f}{self.accuracy}")
                return
        with self._falling_back():
            if self.lines and sys.stderr is not None:
                text = f"epoch {record.epoch}: loss {record.loss:.4f}{self.accuracy}"
                print(f"{text}, {record.seconds:.1f} s", file=sys.stderr)

    @contextlib.contextmanager
    def _falling_back(self) -> Iterator[None]:
        """Fall back to simpler output on errors, except for Ctrl-C."""
        try:
            yield
        except Exception:
            if self.bar is None:
                self.lines = False
                return
            bar, self.bar = self.bar, None
            with contextlib.suppress(Exception):  # once closed, it does not try again when deleted
                bar.close()
