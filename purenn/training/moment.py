"""`Moment`: where a run is, which is all that it takes to go on from there."""

import json
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from purenn.training.progress import EpochRecord
from purenn.training.train_step import TrainState


class Moment(NamedTuple):
    """A run between two steps."""

    train_state: TrainState
    epoch: int = 0  # of this run, from 0
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

    def written(self) -> str:
        """All but the state, as JSON; floats come back from it bit for bit."""
        return json.dumps(self._replace(train_state=None)[1:])  # type: ignore[arg-type]

    @classmethod
    def read(cls, train_state: TrainState, text: str) -> "Moment":
        """What was written.

        Raises:
            ValueError: it is nothing that `written` writes.
        """
        try:
            epoch, steps, total, seconds, history = json.loads(text)
            records = tuple(EpochRecord(*record) for record in history)
        except (TypeError, RecursionError) as error:
            raise ValueError(f"no position of a run: {error}") from error
        numbers = [total, seconds]
        for number, *scores in records:
            numbers += [number, *(score for score in scores if score is not None)]
        if (
            any(type(count) is not int or count < 0 for count in (epoch, steps))
            or any(type(number) not in (int, float) for number in numbers)
            or [record.epoch for record in records] != list(range(1, epoch + 1))
        ):
            raise ValueError("no position of a run")
        return cls(train_state, epoch, steps, total, seconds, records)
