"""Where `fit` takes its batches from: arrays on the device, or a function of the epoch."""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple, Protocol

import numpy as np
from jax import Array
from numpy.typing import NDArray

from purenn.core import checks, scalars
from purenn.core.deleted import refuse_deleted
from purenn.distributed.mesh import Spread
from purenn.distributed.processes import Team
from purenn.training.blocks import batch_of, in_blocks, rows_in_batch, steps_per_epoch
from purenn.training.compiled import Programs, still_finite
from purenn.training.examples import as_examples, refuse_targets
from purenn.training.interruptions import Interruptions
from purenn.training.traced import concrete
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
    rows: Callable[[int], NDArray[Any]] | None = None  # of the data, in a step's batch


class Source(Protocol):
    """An epoch's steps, chunk by chunk."""

    pace: int  # how many steps go to the next look, where that is not left to the clock

    @property
    def example(self) -> tuple[Array, Array]:
        """Examples to look at before the run."""

    @property
    def held(self) -> tuple[Array, Array]:
        """What of the data stays on the device, or an example of it."""

    @property
    def steps(self) -> int:
        """How many an epoch has; 0 if that is not known."""

    @property
    def batch_size(self) -> int | None:
        """How many examples a step has, if that was said."""

    @property
    def blocks(self) -> int:
        """How many blocks the data lie in."""

    def epoch(
        self, programs: Programs, train_state: TrainState, epoch: int, first: int
    ) -> Iterator[Chunk]:
        """The epoch from its step `first` on."""


def source_of(
    data: Any,
    batch_size: int | None,
    blocks: int | None,
    first_epoch: Any,
    spread: Spread | None,
    team: Team,
    interruptions: Interruptions,
) -> Source:
    """What `fit` was given as data."""
    if callable(data):
        if blocks is not None:
            raise TypeError("fit: blocks is for data in arrays; a function gives its own batches")
        if first_epoch is not None:
            first_epoch = scalars.count("fit", "first_epoch", first_epoch, least=0)
        return Batches(data, first_epoch or 0, spread, team, interruptions)
    if first_epoch is not None:
        raise TypeError(
            "fit: first_epoch is for a function of the epoch; arrays go on with the epoch that "
            "train_state's step says"
        )
    x, targets = as_examples("fit", *pair("data", data), on_host=spread is not None)
    if batch_size is None:
        raise TypeError("fit: batch_size is missing, which data in arrays needs")
    batch_size = scalars.count("fit", "batch_size", batch_size)
    if spread is not None:
        blocks = spread.blocks(blocks)
    return Arrays(x, targets, batch_size, 1 if blocks is None else blocks, spread)


class Arrays:
    """Data that stay on the device. A chunk has as many steps as time allows: one program does."""

    def __init__(
        self,
        x: Any,
        targets: Any,
        batch_size: int,
        blocks: int,
        spread: Spread | None,
    ) -> None:
        self.batch_size, self.blocks = batch_size, blocks
        self.examples = x.shape[0]
        self.steps = steps_per_epoch("fit", self.examples, batch_size, blocks)
        self.example = x, targets
        if spread is None:
            self.held = in_blocks(x, blocks), in_blocks(targets, blocks)
        else:
            share = partial(spread.examples, blocks=blocks)
            self.held = share("x", x), share("targets", targets)
        self.pace = FIRST_CHUNK

    def epoch(
        self, programs: Programs, train_state: TrainState, epoch: int, first: int
    ) -> Iterator[Chunk]:
        """The epoch from its step `first` on."""
        x, targets = self.held
        run, sizes = programs.chunk, (self.examples, self.batch_size, self.blocks)
        order = programs.order(train_state.key, np.int32(epoch), *sizes)
        while first < self.steps:
            start, last = time.perf_counter(), min(first + self.pace, self.steps)
            before, given = train_state, (np.int32(first), np.int32(last))
            train_state, losses, sound = run(before, x, targets, order, *given)
            done = np.asarray(concrete(losses))[first:last]

            def batch(i: int, first: int = first) -> tuple[Array, Array]:
                return batch_of(x, order, first + i), batch_of(targets, order, first + i)

            def rows(i: int, first: int = first) -> NDArray[Any]:
                return rows_in_batch(order, self.examples, first + i)

            def again(state: TrainState, i: int, first: int = first) -> tuple[TrainState, Any]:
                i += first
                after, losses, _ = run(state, x, targets, order, np.int32(i), np.int32(i + 1))
                return after, losses[i]

            self.pace = steps_until_look(time.perf_counter() - start, last - first)
            first = last
            yield Chunk(before, train_state, done, bool(sound), batch, again, rows)


def steps_until_look(seconds: float, steps: int) -> int:
    """How many steps to go to the next look, after so many took so long."""
    return max(1, min(4 * steps, int(steps * LOOK_EVERY / max(seconds, 1e-6))))


class Batches:
    """A function `epoch -> iterable of batches`."""

    steps = 0
    batch_size = None
    blocks = 1

    def __init__(
        self,
        data: Callable[[int], Any],
        first: int,
        spread: Spread | None,
        team: Team,
        interruptions: Interruptions,
    ) -> None:
        """Looks into the first epoch for its shapes, and uses it: data is called once an epoch."""
        self.data, self.first, self.interruptions = data, first, interruptions
        self.spread, self.team, self.pace = spread, team, FIRST_CHUNK
        self.classes: int | None = None  # labels of each batch are held against it
        opened = self._open(first)
        batch = next(opened, None)
        if batch is None:
            raise ValueError(f"fit: data({first}) gave no batch")
        x, targets = pair(f"data({first})'s first batch", batch)
        self.example = self.held = as_examples("fit", x, targets, on_host=spread is not None)
        self._begun: Iterator[Any] | None = chain([batch], opened)

    def epoch(
        self, programs: Programs, train_state: TrainState, epoch: int, first: int
    ) -> Iterator[Chunk]:
        """The epoch from its step `first` on; the batches before it are asked for and passed over.

        Runs one step ahead: while the device works on a batch, the next one is prepared.
        """
        run, batches = programs.step, self._from(epoch, first)
        begun, losses, start = train_state, list[Any](), time.perf_counter()
        done, ahead, number = train_state, None, first
        while True:
            try:
                batch = next(batches, None)
                given = None if batch is None else self._checked(batch, epoch, number + 1)
            except BaseException:
                if losses and self.team.alone:  # what is done is not lost
                    yield _chunk(begun, done, losses)
                raise
            behind, ahead = ahead, None
            if self.team.alone:
                look = time.perf_counter() - start > LOOK_EVERY or self.interruptions.asked > 0
            else:  # at the same step in every process, since each look is a program that all run
                look = len(losses) + 1 >= self.pace
            look = (look or given is None) and behind is not None
            # Before the next step, which it would wait for otherwise.
            sound = still_finite(begun, train_state) if look else None
            if given is not None:
                ahead = (train_state, *run(train_state, *given), given)  # before it is done
                train_state, number = ahead[1], number + 1
            if behind is not None:
                before, after, loss, seen, used = behind
                value = np.asarray(concrete(seen))
                if not np.isfinite(value):
                    if losses:
                        yield _chunk(begun, before, losses)
                    last = np.asarray(loss)[None]
                    yield Chunk(before, after, last, False, lambda _: used)  # noqa: B023
                    return
                losses.append(value)
                done = after
                if look:
                    self.pace = steps_until_look(time.perf_counter() - start, len(losses))
                    yield Chunk(begun, done, np.array(losses), bool(sound))
                    begun, losses, start = done, [], time.perf_counter()
            if given is None:
                return

    def _from(self, epoch: int, first: int) -> Iterator[Any]:
        begun, self._begun = self._begun, None
        batches = begun if begun is not None and epoch == self.first else self._open(epoch)
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
        place = f"in epoch {epoch + 1}, batch {number}"
        refuse_deleted(f"fit: {place}", x=x, targets=targets)
        if self.classes is not None and isinstance(targets, np.ndarray):
            refuse_targets("fit", f"{place}, targets", targets, self.classes)
        if self.spread is None:
            return as_examples("fit", x, targets)
        x, targets = as_examples("fit", x, targets, on_host=True)
        name = f"batch {number} of epoch {epoch + 1}"
        return self.spread.batch(name, x), self.spread.batch(name, targets)


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
