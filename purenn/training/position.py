"""The position of a run: everything needed to resume it, apart from its `TrainState`."""

import json
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class EpochRecord(NamedTuple):
    """One epoch in the history that `fit` returns.

    Attributes:
        epoch: the number of the epoch, counted from 1. A run from a `train_state` continues its
            count.
        loss: the mean training loss over the steps of the epoch, including the penalty.
        seconds: the time spent on training, without validation.
        validation_loss: the loss on the validation data after the epoch; None without such data.
        validation_accuracy: the accuracy on the validation data after the epoch; None without such
            data, or if the targets are not classes.
    """

    epoch: int  # counted from 1
    loss: float  # mean over the epoch's steps, penalty included
    seconds: float  # training alone
    validation_loss: float | None
    validation_accuracy: float | None


class Position(NamedTuple):
    """The position of a run between two steps.

    Attributes:
        epoch: the epoch in progress, counted from 1.
        step: the number of its completed steps.
        total: the sum of their losses.
        seconds: the time that they took.
        history: the records of the completed epochs.
    """

    epoch: int
    step: int = 0
    total: float = 0.0
    seconds: float = 0.0
    history: tuple[EpochRecord, ...] = ()

    @property
    def loss(self) -> float:
        """The mean loss of the epoch so far."""
        return self.total / self.step

    def after(self, losses: NDArray[Any], seconds: float) -> "Position":
        """Return the position after further steps."""
        # Added one by one: the sum does not depend on how steps are divided into chunks,
        # as NumPy's pairwise sum does.
        total = self.total
        for loss in losses.astype(np.float64).tolist():
            total += loss
        step, seconds = self.step + losses.size, self.seconds + seconds
        return self._replace(step=step, total=total, seconds=seconds)

    def next_epoch(self, loss: float | None, accuracy: float | None) -> "Position":
        """Return the start of the next epoch, with a record of this one."""
        record = EpochRecord(self.epoch, self.loss, self.seconds, loss, accuracy)
        return Position(self.epoch + 1, history=(*self.history, record))

    def to_json(self) -> str:
        """Write the position as JSON, from which floats are read back exactly."""
        return json.dumps([self.step, self.total, self.seconds, [r[1:] for r in self.history]])

    @classmethod
    def from_json(cls, text: str, first_epoch: int) -> "Position":
        """Read what `to_json` wrote, for a run that began with the epoch `first_epoch`.

        Raises:
            ValueError: if the text is not such JSON.
        """
        try:
            step, total, seconds, rows = json.loads(text)
            history = [EpochRecord(first_epoch + i, *row) for i, row in enumerate(rows)]
        except (TypeError, RecursionError) as error:
            raise ValueError(f"not a position of a run: {error}") from error
        numbers = (total, seconds, *(number for r in history for number in r[1:3]))
        scores = [score for r in history for score in r[3:] if score is not None]
        if (
            type(step) is not int
            or step < 0
            or any(type(number) is not float for number in (*numbers, *scores))
            or not math.isfinite(total + seconds)
        ):
            raise ValueError("not a position of a run")
        return cls(first_epoch + len(history), step, total, seconds, tuple(history))
