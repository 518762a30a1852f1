"""`Moment`: where a run is, which is all that it takes to go on from there."""

import base64
import json
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from purenn.training.progress import EpochRecord
from purenn.training.train_step import TrainState


class Moment(NamedTuple):
    """A run between two steps."""

    train_state: TrainState
    epoch: int = 0  # from the first pass over the data, in whichever run that was
    steps: int = 0  # done in the epoch
    total: float = 0.0  # of their losses
    seconds: float = 0.0  # that they took
    history: tuple[EpochRecord, ...] = ()

    def after(self, train_state: TrainState, losses: NDArray[Any], seconds: float) -> "Moment":
        """Some steps later."""
        # One loss after the other: however the steps come in chunks, the sum is the same to the
        # last bit, which NumPy's own, in pairs, is not.
        total = self.total
        for loss in losses.astype(np.float64).tolist():
            total += loss
        return self._replace(
            train_state=train_state,
            steps=self.steps + losses.size,
            total=total,
            seconds=self.seconds + seconds,
        )

    def end_of_epoch(self, loss: float | None, accuracy: float | None) -> "Moment":
        """The beginning of the next epoch, with this one's record and its scores."""
        mean = self.total / self.steps
        record = EpochRecord(self.epoch + 1, mean, self.seconds, loss, accuracy)
        return Moment(self.train_state, self.epoch + 1, history=(*self.history, record))

    @property
    def first(self) -> int:
        """The epoch in which the run began: 0, if it did not go on from another's state."""
        return self.epoch - len(self.history)

    def written(self) -> str:
        """All but the state, as JSON; floats come back from it bit for bit.

        The history, of which there may be 100,000 epochs, is a table of float64 in base64. Columns
        that the run does not have are None in each record.
        """
        rows = [[number for number in record[1:] if number is not None] for record in self.history]
        table = np.array(rows, "<f8")
        columns = len(rows[0]) if rows else 0
        text = base64.b64encode(table.tobytes()).decode()
        return json.dumps([len(rows), self.steps, self.total, self.seconds, columns, text])

    @classmethod
    def read(cls, train_state: TrainState, text: str, first: int = 0) -> "Moment":
        """What was written, by a run that began in the epoch `first`.

        Raises:
            ValueError: it is nothing that `written` writes.
        """
        try:
            epochs, steps, total, seconds, columns, history = json.loads(text)
            table = np.frombuffer(base64.b64decode(history, validate=True), "<f8")
            total, seconds = float(total), float(seconds)
        except (TypeError, RecursionError, OverflowError) as error:
            raise ValueError(f"no position of a run: {error}") from error
        if (
            any(type(count) is not int or count < 0 for count in (epochs, steps, columns))
            or not math.isfinite(total + seconds)
            or table.size != epochs * columns
            or (epochs and columns not in (2, 3, 4))
        ):
            raise ValueError("no position of a run")
        missing = (None,) * (4 - columns)
        records = tuple(
            EpochRecord(i, *row, *missing)
            for i, row in enumerate(table.reshape(epochs, columns).tolist(), first + 1)
        )
        return cls(train_state, first + epochs, steps, total, seconds, records)
