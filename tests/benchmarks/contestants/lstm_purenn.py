"""An LSTM in purenn, by `fit`."""

from data import sequences
from loops import Work
from tasks import LEARNING_RATE, Task

import purenn as pn
from contestants.purenn import run_fit


def fit(task: Task) -> Work:
    """A few epochs of `fit`, which goes on from the state of the ones before."""
    model = pn.serial(*map(pn.lstm, task.hidden), pn.dense(10))
    return run_fit(model, pn.adam(LEARNING_RATE), sequences(task), task)
