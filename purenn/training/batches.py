"""The sources of a run's batches: arrays on the device, or a function of the epoch."""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array
from numpy.typing import NDArray

from purenn.core import checks, scalars
from purenn.core.blocks import in_blocks
from purenn.core.deleted import reject_deleted
from purenn.core.padded import array_of
from purenn.core.target_parts import map_parts
from purenn.core.types import Fn
from purenn.distributed.mesh import DataMesh
from purenn.distributed.processes import Processes
from purenn.training.compiled import Compiled, chunk_length, still_finite
from purenn.training.examples import as_examples, check_concrete, x_and_targets
from purenn.training.interruptions import Interruptions
from purenn.training.shuffle import batch_of, rows_in_batch, steps_per_epoch
from purenn.training.train_step import TrainState

CHUNK_SECONDS = 0.5  # after which a run is checked: for the bar, NaN, and Ctrl-C
FIRST_CHUNK = 1  # steps of the first chunk, before their time is known


class Step(NamedTuple):
    """A step with its inputs, used to find out why it is not finite."""

    before: TrainState
    after: TrainState
    loss: Any
    x: Any
    targets: Any
    rows: NDArray[Any] | None  # the indices of the batch's examples in the data, if known


class Chunk(NamedTuple):
    """A few completed steps.

    Attributes:
        after: the state after these steps.
        losses: the loss of each step.
        finite: whether all numbers of the state that were finite still are.
        ends_epoch: whether they are the last steps of their epoch.
        replay: `(train_state) -> steps`, which repeats them one by one from the state before them;
            None if their batches are no longer available.
    """

    after: TrainState
    losses: NDArray[Any]
    finite: bool
    ends_epoch: bool = False
    replay: Callable[[TrainState], Iterator[Step]] | None = None


class Pace:
    """The number of steps per chunk: a fixed number, or as many as take `CHUNK_SECONDS`.

    All processes use the same chunks, since each chunk is a program that all of them run.
    """

    def __init__(self, chunk: int | None, processes: Processes) -> None:
        self.fixed, self.processes = chunk is not None, processes
        self.steps = FIRST_CHUNK if chunk is None else chunk
        self.by_clock = not self.fixed and processes.single

    def measured(self, seconds: float, steps: int) -> None:
        """Adapt to the measured time of a chunk of `steps` steps."""
        if not self.fixed:
            fitting = int(steps * CHUNK_SECONDS / max(seconds, 1e-6))
            self.steps = self.processes.broadcast(max(1, min(4 * steps, fitting)))


class Arrays:
    """Data that stay on the device, where a compiled loop gathers the batches of a whole chunk."""

    def __init__(
        self, where: str, x: Any, targets: Any, batch_size: int, blocks: int, mesh: DataMesh | None
    ) -> None:
        self.where, self.batch_size, self.blocks = where, batch_size, blocks
        self.count = array_of(x).shape[0]
        self.steps = steps_per_epoch(where, self.count, batch_size, blocks)
        self.example = x, targets
        if mesh is None:
            self.held = in_blocks((x, targets), blocks)
        else:
            put = partial(mesh.put_examples, blocks=blocks)
            self.held = jax.tree.map(partial(put, "x"), x), map_parts(put, targets)
        device, *_ = array_of(self.held[0]).devices()
        self.static_length = device.platform != "cpu"

    def chunks(
        self, compiled: Compiled, pace: Pace, train_state: TrainState, epoch: int, first: int
    ) -> Iterator[Chunk]:
        """Run an epoch from its step `first` on; both are counted from 0."""
        sizes = self.count, self.batch_size, self.blocks
        order = compiled.order(train_state.key, np.int32(epoch), *sizes)
        while first < self.steps:
            start = time.perf_counter()
            steps = min(pace.steps, self.steps - first)
            if not pace.fixed:
                steps = chunk_length(steps, static_length=self.static_length)
            given = (*self.held, order, np.int32(first), steps)
            train_state, losses, finite = compiled.chunk(train_state, *given)
            check_concrete(self.where, (train_state, losses))
            done = np.asarray(losses)[first : first + steps]
            pace.measured(time.perf_counter() - start, steps)
            replay = partial(self._replay, compiled, order, first, steps)
            first += steps
            yield Chunk(train_state, done, bool(finite), first == self.steps, replay)

    def _replay(
        self, compiled: Compiled, order: Array, first: int, steps: int, before: TrainState
    ) -> Iterator[Step]:
        for i in range(first, first + steps):
            after, losses, _ = compiled.chunk(before, *self.held, order, np.int32(i), 1)
            x, targets = batch_of(self.held, order, i)
            yield Step(before, after, losses[i], x, targets, rows_in_batch(order, self.count, i))
            before = after


class Batches:
    """A function `epoch -> iterable of batches`."""

    steps = 0  # of an epoch: not known
    batch_size = None
    blocks = 1
    static_length = False  # no chunk of it is compiled

    def __init__(
        self,
        where: str,
        data: Callable[[int], Any],
        first_epoch: int,
        mesh: DataMesh | None,
        interruptions: Interruptions,
    ) -> None:
        """Read the first batch for its shapes, and keep it: data is called once per epoch."""
        self.where, self.data, self.first_epoch = where, data, first_epoch
        self.mesh, self.interruptions = mesh, interruptions
        self.check: Fn | None = None  # (x, targets, place), of each batch before it is used
        opened = self._open(first_epoch)
        batch = next(opened, None)
        if batch is None:
            raise ValueError(f"{where}: data({first_epoch}) gave no batch")
        x, targets = x_and_targets(where, f"data({first_epoch})'s first batch", batch)
        self.example = self.held = as_examples(where, x, targets, on_host=mesh is not None)
        self._opened: Iterator[Any] | None = chain([batch], opened)

    def chunks(
        self, compiled: Compiled, pace: Pace, train_state: TrainState, epoch: int, first: int
    ) -> Iterator[Chunk]:
        """Run an epoch from its step `first` on; the batches before it are requested and skipped.

        The next batch is prepared while the device computes a step. Its step starts only when the
        loss is known, so no third state is in memory. With several processes, none computes a step
        while they agree on the next chunk, since its messages would meet those of another program.
        """
        begun, losses, start = train_state, list[Any](), time.perf_counter()
        running = None  # the step that is being computed
        for batch in self._prepared(epoch, first):
            failed = isinstance(batch, BaseException)
            if failed and not pace.processes.single:  # the following program runs on all processes
                raise batch
            if running is not None:
                after, loss, checked, used = running
                value = np.asarray(check_concrete(self.where, checked))
                if not np.isfinite(value):
                    if losses:
                        yield Chunk(train_state, np.array(losses), finite=True)
                    yield _failed(after, loss, used)
                    return
                losses.append(value)
                train_state, running = after, None
                del after
            ends = failed or batch is None
            if losses and (ends or self._is_due(pace, len(losses), time.perf_counter() - start)):
                check_concrete(self.where, train_state)  # a loss may not depend on what is traced
                finite = bool(still_finite(begun, train_state))
                begun = train_state
                pace.measured(time.perf_counter() - start, len(losses))
                yield Chunk(train_state, np.array(losses), finite, batch is None)
                losses, start = [], time.perf_counter()
            if failed:
                try:
                    raise batch
                finally:
                    del batch  # its traceback holds this frame, and so the states
            if batch is not None:
                running = (*compiled.step(train_state, *batch), batch)

    def _is_due(self, pace: Pace, steps: int, seconds: float) -> bool:
        """Tell whether a chunk ends after `steps` steps that took `seconds`."""
        if pace.by_clock:
            return seconds > CHUNK_SECONDS or self.interruptions.asked > 0
        return steps >= pace.steps

    def _prepared(self, epoch: int, first: int) -> Iterator[Any]:
        """Yield the batches, ready for a step; then None, or the error that ended them."""
        try:
            for number, batch in enumerate(self._from(epoch, first), first + 1):
                yield self._checked(batch, epoch, number)
        except GeneratorExit:
            raise
        except BaseException as error:
            yield error
        else:
            yield None

    def _from(self, epoch: int, first: int) -> Iterator[Any]:
        opened, self._opened = self._opened, None
        batches = opened if opened and epoch == self.first_epoch else self._open(epoch)
        used = sum(1 for _ in islice(batches, first))
        if used < first:
            raise ValueError(
                f"{self.where}: data({epoch}) gave {used} batches, expected the {first} that the "
                f"run has used already, and perhaps more"
            )
        return batches

    def _open(self, epoch: int) -> Iterator[Any]:
        """Request the batches of an epoch. Ctrl-C does not wait for a slow batch."""
        with self.interruptions.immediate():
            batches = self.data(epoch)
        if not isinstance(batches, Iterable):
            raise TypeError(
                f"{self.where}: data({epoch}) must be an iterable of batches, got "
                f"{checks.describe(batches)}"
            )
        return self.interruptions.immediate_between(iter(batches))

    def _checked(self, batch: Any, epoch: int, number: int) -> tuple[Array, Any]:
        # Copied now: a generator may fill the same arrays again while the device still reads.
        x, targets = jax.tree.map(
            lambda leaf: np.array(leaf) if isinstance(leaf, np.ndarray) else leaf,
            x_and_targets(self.where, "a batch", batch),
        )
        place = f"in epoch {epoch + 1}, batch {number}"
        reject_deleted(f"{self.where}: {place}", x=x, targets=targets)
        x, targets = as_examples(self.where, x, targets, on_host=True)
        if self.check is not None:
            self.check(x, targets, place)
        if self.mesh is None:
            return as_examples(self.where, x, targets)
        name = f"batch {number} of epoch {epoch + 1}"
        put = partial(self.mesh.put_batch, name)
        return jax.tree.map(put, x), jax.tree.map(put, targets)


def _failed(after: TrainState, loss: Any, batch: tuple[Array, Any]) -> Chunk:
    """Return the chunk of one nonfinite step whose batch is still available."""

    def replay(before: TrainState) -> Iterator[Step]:
        yield Step(before, after, loss, *batch, None)

    return Chunk(after, np.asarray(loss)[None], finite=False, replay=replay)


def source_of(
    where: str,
    data: Any,
    batch_size: int | None,
    blocks: int | None,
    first_epoch: Any,
    mesh: DataMesh | None,
    interruptions: Interruptions,
) -> Arrays | Batches:
    """Return the source of batches for a caller's `data`."""
    if callable(data):
        if blocks is not None:
            raise TypeError(
                f"{where}: blocks is for data in arrays; a function gives its own batches"
            )
        if first_epoch is not None:
            first_epoch = scalars.count(where, "first_epoch", first_epoch, least=0)
        return Batches(where, data, first_epoch or 0, mesh, interruptions)
    if first_epoch is not None:
        raise TypeError(
            f"{where}: first_epoch is for a function of the epoch; with arrays, the step of "
            f"train_state determines the epoch"
        )
    x, targets = as_examples(where, *x_and_targets(where, "data", data), on_host=mesh is not None)
    if batch_size is None:
        raise TypeError(f"{where}: batch_size is missing, which data in arrays needs")
    batch_size = scalars.count(where, "batch_size", batch_size)
    if mesh is not None:
        blocks = mesh.blocks(blocks)
    return Arrays(where, x, targets, batch_size, 1 if blocks is None else blocks, mesh)
