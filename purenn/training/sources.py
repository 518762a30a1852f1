"""Where `fit` takes its batches from: arrays on the device, or a function of the epoch."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any, NamedTuple, Protocol

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from purenn.core import checks
from purenn.training.examples import as_examples, refuse_targets, steps_per_epoch
from purenn.training.interruptions import Interruptions
from purenn.training.programs import Recipe, order_of, programs, still_finite
from purenn.training.train_step import TrainState

LOOK_EVERY = 0.3  # seconds between two looks at a run: by the bar, for NaN, for Ctrl-C
FIRST_CHUNK = 1  # steps of the first look: nothing is known yet of how long they take


class Chunk(NamedTuple):
    """A few steps, done: the states around them, and what it takes to do them again."""

    before: TrainState
    after: TrainState
    losses: NDArray[Any]
    sound: bool  # whether `after` is as finite as `before`
    # What a step was made of, and the step again; None where that is not kept.
    batch: Callable[[int], tuple[Array, Array]] | None = None
    again: Callable[[TrainState, int], tuple[TrainState, Any]] | None = None


class Source(Protocol):
    """An epoch's steps, chunk by chunk."""

    @property
    def example(self) -> tuple[Array, Array]:
        """Examples to look at before the run."""

    @property
    def steps(self) -> int:
        """How many an epoch has; 0 if that is not known."""

    @property
    def batch_size(self) -> int | None:
        """How many examples a step has, if that was said."""

    def epoch(
        self, recipe: Recipe, train_state: TrainState, epoch: int, first: int
    ) -> Iterator[Chunk]:
        """The epoch from its step `first` on."""


def source_of(data: Any, batch_size: int | None, interruptions: Interruptions) -> Source:
    """What `fit` was given as data."""
    if callable(data):
        return Batches(data, interruptions)
    x, targets = as_examples("fit", *pair("data", data))
    if batch_size is None:
        raise TypeError("fit: batch_size is missing, which data in arrays needs")
    return Arrays(x, targets, checks.count("fit", "batch_size", batch_size))


class Arrays:
    """Data that stay on the device. A chunk has as many steps as time allows: one program does."""

    def __init__(self, x: Array, targets: Array, batch_size: int) -> None:
        self.example, self.batch_size = (x, targets), batch_size
        self.steps = steps_per_epoch("fit", x.shape[0], batch_size)
        self.pace = FIRST_CHUNK

    def epoch(
        self, recipe: Recipe, train_state: TrainState, epoch: int, first: int
    ) -> Iterator[Chunk]:
        """The epoch from its step `first` on."""
        x, targets = self.example
        run = programs(recipe).chunk
        order = order_of(
            train_state.key, jnp.int32(epoch), examples=x.shape[0], batch_size=self.batch_size
        )
        while first < self.steps:
            start, last = time.perf_counter(), min(first + self.pace, self.steps)
            before, given = train_state, (jnp.int32(first), jnp.int32(last))
            train_state, losses, sound = run(before, x, targets, order, *given)
            done = np.asarray(losses)[first:last]

            def batch(i: int, first: int = first) -> tuple[Array, Array]:
                rows = order[first + i]
                return x[rows], targets[rows]

            def again(state: TrainState, i: int, first: int = first) -> tuple[TrainState, Any]:
                i += first
                after, losses, _ = run(state, x, targets, order, jnp.int32(i), jnp.int32(i + 1))
                return after, losses[i]

            self._learn(time.perf_counter() - start, last - first)
            first = last
            yield Chunk(before, train_state, done, bool(sound), batch, again)

    def _learn(self, seconds: float, steps: int) -> None:
        self.pace = max(1, min(4 * steps, int(steps * LOOK_EVERY / max(seconds, 1e-6))))


class Batches:
    """A function `epoch -> iterable of batches`."""

    steps = 0
    batch_size = None

    def __init__(self, data: Callable[[int], Any], interruptions: Interruptions) -> None:
        """Looks into the first epoch for its shapes, and uses it: data is called once an epoch."""
        self.data, self.interruptions = data, interruptions
        self.classes: int | None = None  # labels of each batch are held against it
        opened = self._open(0)
        batch = next(opened, None)
        if batch is None:
            raise ValueError("fit: data(0) gave no batch")
        self.example = as_examples("fit", *pair("data(0)'s first batch", batch))
        self._begun: Iterator[Any] | None = chain([batch], opened)

    def epoch(
        self, recipe: Recipe, train_state: TrainState, epoch: int, first: int
    ) -> Iterator[Chunk]:
        """The epoch from its step `first` on; the batches before it are asked for and passed over.

        Runs one step ahead: while the device works on a batch, the next one is prepared.
        """
        run, batches = programs(recipe).step, self._from(epoch, first)
        begun, losses, start = train_state, list[Any](), time.perf_counter()
        done, ahead, number = train_state, None, first
        while True:
            try:
                batch = next(batches, None)
                given = None if batch is None else self._checked(batch, epoch, number + 1)
            except BaseException:
                if losses:  # what is done is not lost
                    yield _chunk(begun, done, losses)
                raise
            behind, ahead = ahead, None
            look = given is None or time.perf_counter() - start > LOOK_EVERY
            look = (look or self.interruptions.asked > 0) and behind is not None
            # Before the next step, which it would wait for otherwise.
            sound = still_finite(begun, train_state) if look else None
            if given is not None:
                ahead = (train_state, *run(train_state, *given), given)  # before it is done
                train_state, number = ahead[1], number + 1
            if behind is not None:
                before, after, loss, seen, used = behind
                value = np.asarray(seen)
                if not np.isfinite(value):
                    if losses:
                        yield _chunk(begun, before, losses)
                    last = np.asarray(loss)[None]
                    yield Chunk(before, after, last, False, lambda _: used)  # noqa: B023
                    return
                losses.append(value)
                done = after
                if look:
                    yield Chunk(begun, done, np.array(losses), bool(sound))
                    begun, losses, start = done, [], time.perf_counter()
            if given is None:
                return

    def _from(self, epoch: int, first: int) -> Iterator[Any]:
        batches = self._begun if epoch == 0 and self._begun is not None else self._open(epoch)
        self._begun = None
        used = sum(1 for _ in islice(batches, first))
        if used < first:
            raise ValueError(
                f"fit: data({epoch}) gave {used} batches, expected the {first} that the run has "
                f"used already, and perhaps more"
            )
        return batches

    def _open(self, epoch: int) -> Iterator[Any]:
        """The batches of an epoch. Ctrl-C does not wait for one that is slow to come."""
        with self.interruptions.at_once():
            batches = self.data(epoch)
        if not isinstance(batches, Iterable):
            raise TypeError(
                f"fit: data({epoch}) must be an iterable of batches, got {checks.describe(batches)}"
            )
        return self.interruptions.between(iter(batches))

    def _checked(self, batch: Any, epoch: int, number: int) -> tuple[Array, Array]:
        # Copied at once: a generator may fill the same arrays again while the device still reads.
        x, targets = (
            np.array(part) if isinstance(part, np.ndarray) else part
            for part in pair("a batch", batch)
        )
        if self.classes is not None and isinstance(targets, np.ndarray):
            name = f"in epoch {epoch + 1}, batch {number}, targets"
            refuse_targets("fit", name, targets, self.classes)
        return as_examples("fit", x, targets)


def _chunk(before: TrainState, after: TrainState, losses: list[Any]) -> Chunk:
    return Chunk(before, after, np.array(losses), bool(still_finite(before, after)))


def pair(name: str, value: Any) -> tuple[Any, Any]:
    """`(x, targets)`, and nothing else."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(
            f"fit: {name} must be (x, targets)"
            + (" or a function epoch -> iterable of batches" if name == "data" else "")
            + f", got {checks.describe(value)}"
        )
    return value[0], value[1]
