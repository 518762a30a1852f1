"""How a `fit` goes: its record of each epoch, and its progress bar."""

import sys
from typing import Any, NamedTuple


class EpochRecord(NamedTuple):
    """One epoch of a `fit`, as its history keeps it.

    Attributes:
        epoch: its number, counted from 1.
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
    """The progress bar: tqdm's bar if it is installed, else a line an epoch; on stderr."""

    def __init__(self, total: int | None, done: int, *, enabled: bool) -> None:
        self.bar: Any = None
        self.enabled = enabled
        self.accuracy = ""
        if enabled:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                return
            self.bar = tqdm(total=total, initial=done, unit="step", dynamic_ncols=True)

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *exception: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def begin(self, epoch: int, epochs: int) -> None:
        """Name the epoch that begins."""
        if self.bar is not None:
            self.bar.set_description(f"epoch {epoch}/{epochs}")

    def advance(self, steps: int, loss: float) -> None:
        """Move on, with the epoch's mean loss so far."""
        if self.bar is not None:
            self.bar.set_postfix_str(f"loss {loss:.4f}{self.accuracy}", refresh=False)
            self.bar.update(steps)

    def end(self, record: EpochRecord) -> None:
        """Show the epoch's scores."""
        if record.validation_accuracy is not None:
            self.accuracy = f", accuracy {record.validation_accuracy:.2%}"
        if self.bar is not None:
            self.bar.set_postfix_str(f"loss {record.loss:.4f}{self.accuracy}")
        elif self.enabled:
            text = f"epoch {record.epoch}: loss {record.loss:.4f}{self.accuracy}"
            print(f"{text}, {record.seconds:.1f} s", file=sys.stderr)
