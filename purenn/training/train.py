"""`train`: the training loop, as a generator that you control with plain Python."""

from collections.abc import Generator
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from jax.sharding import Mesh
from numpy.typing import NDArray

from purenn.backprop.tail import Tail, check_tail
from purenn.core import checks, scalars
from purenn.core.adapt import as_layer, as_op
from purenn.core.deleted import reject_deleted
from purenn.core.padded import array_of
from purenn.core.types import Data, Key, LossLike, ModelLike, OptimizerLike, PenaltyLike
from purenn.distributed.mesh import DataMesh, StateSharding, create_on, data_mesh, state_sharding
from purenn.distributed.processes import Processes
from purenn.optimizers.base import check_takes_a_step
from purenn.training.batches import Arrays, Batches, Pace, source_of
from purenn.training.compiled import Spec, compiled, creator, strongly_typed
from purenn.training.divergence import divergence
from purenn.training.examples import check_concrete, check_not_traced, check_numbers
from purenn.training.interruptions import Interruptions
from purenn.training.labels import check_batch, check_labels, output_shape
from purenn.training.tokens import check_tokens
from purenn.training.train_step import TrainState, check_train_state


class Progress(NamedTuple):
    """The progress of a run so far, as `train` yields it.

    Attributes:
        train_state: the state after the steps so far. It is never donated, so you can keep,
            evaluate, or save it.
        epoch: the current epoch, counted from 1. A run from a `train_state` continues its count.
        step: the number of completed steps of this epoch.
        losses: the losses of the steps since the previous `Progress`, a NumPy array of shape
            `(steps,)`.
        epoch_done: whether the epoch is finished.
    """

    train_state: TrainState
    epoch: int
    step: int
    losses: NDArray[Any]
    epoch_done: bool


NO_LOSSES = np.zeros(0, np.float32)


def train(
    model: ModelLike,
    loss: LossLike,
    optimizer: OptimizerLike,
    data: Data,
    *,
    epochs: int,
    key: Key | None,
    batch_size: int | None = None,
    penalty: PenaltyLike | None = None,
    train_state: TrainState | None = None,
    first_epoch: int | None = None,
    chunk: int | None = None,
    locate: bool = False,
    mesh: Mesh | None = None,
    blocks: int | None = None,
    tail: Tail | None = None,
) -> Generator[Progress, None, None]:
    """Train a model inside your own loop, which sees the state and losses every few steps.

    The function is a generator. It yields a `Progress` after every few steps and at the end of each
    epoch, and you write the loop around it in plain Python: `break` to stop early, keep the best
    `train_state`, or evaluate anything. The steps and their order are those of `fit` and
    `training_run` with the same key. If the data are arrays, they stay on the device, where each
    chunk of steps runs as one program.

    If an exception ends the loop, the exception's attribute `progress` holds the last `Progress`
    before the failure.

    Args: What to train
        model: a layer.
        loss: an op or function `(predictions, targets) -> scalar`; see `value_and_grad`.
        optimizer: an optimizer of purenn or optax.
        data: `(x, targets)`, two arrays with one entry per example, or a function `epoch ->
            iterable of batches (x, targets)`, which is called with each epoch, counted from 0. `x`
            may be `Padded`. The targets may be a tuple of arrays, each with one entry per example:
            `(x, (labels, weights))`.
        epochs: the number of passes over the data.
        key: a PRNG key that determines the initial parameters, the shuffling, and the dropout
            masks. None is allowed only with a `train_state`, whose own key is then used.
        batch_size: the number of examples per step, required if the data are arrays. If it does not
            divide the number of examples, the incomplete last batch is dropped; every epoch is
            shuffled anew and leaves out different examples. The batches of a function may have any
            size.
        penalty: an op or function of the parameters, added to the loss.

    Args: What to watch
        chunk: the number of steps between `Progress` objects (fewer at the end of an epoch). The
            default, None, chooses chunks that take about 0.3 s.
        locate: whether to look for NaN and infinity in arrays of data before the run. If the run
            becomes nonfinite, an extra step with `explain` identifies the layer where it started.

    Args: Where to continue
        train_state: a state to continue from, instead of a new one. Its key replaces `key`. If the
            data are arrays, its step determines the epoch from which the run continues.
        first_epoch: the first epoch to call a function with, 0 by default. The step of a
            `train_state` does not determine it, since the number of steps in a function's epochs is
            not known in advance.

    Args: For several devices and large models
        mesh: devices to train on together, as `jax.make_mesh` returns them. Each batch is sharded
            over the axis "data", or over the only axis. Parameters are replicated, or sharded as
            specified with `initializers.sharded`. With several processes, each calls `train` with
            the same arguments and takes every step.
        blocks: how many blocks to divide the arrays of data into, a multiple of the
            number of devices. Each batch takes an equal share of every block, and each block is
            shuffled separately. Steps therefore never move data between devices, and the order
            depends on the number of blocks, not the number of devices. The default is 1 or, with a
            mesh, 8 rounded up to a multiple of the number of devices.
        tail: the last parts of the model to run in chunks of the batch; see `Tail`.

    Yields:
        A `Progress`; the last one of each epoch has `epoch_done`.

    Raises:
        TypeError: if, at the call, an argument has the wrong type or is traced, as in `jax.vmap`;
            use `training_run` there.
        ValueError: if, at the call, the data do not fit the model or the loss, as with a label that
            is not a class, or an array was deleted or donated.
        FloatingPointError: if the loss is not finite, or the parameters, state, or optimizer state
            after an update are not. The message names the epoch, counted from 1, and the step.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> x = jnp.linspace(-1, 1, 8)[:, None]
        >>> data, key = (x, 3 * x + 1), jax.random.key(0)
        >>> for now in pn.train(
        ...     pn.dense(1), pn.mse, pn.sgd(0.5), data, epochs=100, batch_size=4, key=key
        ... ):
        ...     if now.epoch_done and now.losses[-1] < 1e-4:
        ...         break  # early stopping
        >>> print(f"{now.train_state.params.w.item():.1f}", now.epoch < 50)
        3.0 True
    """
    spec = Spec(model, loss, optimizer, penalty, tail)
    check_arguments("train", spec, data, train_state=train_state, key=key)
    epochs = scalars.count("train", "epochs", epochs)
    chunk = None if chunk is None else scalars.count("train", "chunk", chunk)
    checks.flag("train", "locate", locate)
    devices = data_mesh("train", mesh)
    run, start = prepare(
        "train",
        spec,
        data,
        epochs=epochs,
        key=key,
        batch_size=batch_size,
        train_state=train_state,
        first_epoch=first_epoch,
        chunk=chunk,
        locate=locate,
        mesh=devices,
        blocks=blocks,
        processes=Processes("train", devices),
        interruptions=Interruptions(),
    )
    return loop(run, start)


class Run(NamedTuple):
    """The settings of a run, without its state.

    Attributes:
        where: the public function, for messages.
        spec: the settings that determine the compiled programs.
        source: the source of the batches.
        first_epoch: the first epoch of this run, counted from 1.
        last_epoch: the last epoch.
        sharding: how the state is sharded over a mesh, if there is one.
        pace: the number of steps per chunk.
        locate: whether to find the layer in which a run becomes nonfinite.
    """

    where: str
    spec: Spec
    source: Arrays | Batches
    first_epoch: int
    last_epoch: int
    sharding: StateSharding | None
    pace: Pace
    locate: bool


def loop(run: Run, now: Progress) -> Generator[Progress, None, None]:
    """Train from `now` to the end of the last epoch.

    Besides the state being computed, at most two states are in memory: the last one yielded and,
    with a function of the epoch, the last one whose loss is known.
    """
    programs = compiled(run.spec, run.sharding, static_length=run.source.static_length)
    try:
        for epoch in range(now.epoch, run.last_epoch + 1):
            step = 0 if epoch > now.epoch or now.epoch_done else now.step
            chunks = run.source.chunks(programs, run.pace, now.train_state, epoch - 1, step)
            for after, losses, finite, ends_epoch, replay in chunks:
                if not (finite and np.isfinite(losses).all()):
                    before = now._replace(epoch=epoch, step=step)
                    raise divergence(run.where, run.spec, before, losses, after, replay, run.locate)
                step += losses.size
                now = Progress(after, epoch, step, losses, ends_epoch)
                del after, replay  # which would keep their states alive
                yield now
            if step == 0:
                raise ValueError(f"{run.where}: data gave no batch in epoch {epoch}")
            if not now.epoch_done:  # all its steps had been done before
                now = now._replace(losses=NO_LOSSES, epoch_done=True)
                yield now
    except BaseException as error:
        with_progress(error, now)
        raise


def with_progress(error: BaseException, now: Progress) -> BaseException:
    """Attach the last good progress to an exception."""
    with suppress(AttributeError):  # of an exception that is frozen or has slots
        error.progress = now  # type: ignore[attr-defined]
    return error


def check_arguments(where: str, spec: Spec, data: Any, **trees: Any) -> None:
    """Check the settings of the programs, and that no other array is traced or deleted."""
    layer = as_layer(where, "model", spec.model)
    as_op(where, "loss", spec.loss)
    if spec.tail is not None:
        check_tail(where, layer, spec.tail)
    if spec.penalty is not None:
        as_op(where, "penalty", spec.penalty)
    check_takes_a_step(where, spec.optimizer)
    trees |= {} if callable(data) else {"data": data}
    check_not_traced(where, **trees)
    reject_deleted(where, **trees)
    spec.check(where)


def prepare(
    where: str,
    spec: Spec,
    data: Any,
    *,
    epochs: int,
    key: Any,
    batch_size: int | None,
    train_state: TrainState | None,
    first_epoch: int | None,
    chunk: int | None,
    locate: bool,
    mesh: DataMesh | None,
    blocks: int | None,
    processes: Processes,
    interruptions: Interruptions,
) -> tuple[Run, Progress]:
    """Check the data, create the initial state, and put both on the devices."""
    source = source_of(where, data, batch_size, blocks, first_epoch, mesh, interruptions)
    x, targets = source.example
    if train_state is not None:
        check_train_state(where, train_state)
        start = strongly_typed(train_state)
    else:
        checks.prng_key(where, key)
        create, in_shape = creator(spec), array_of(x).shape[1:]
        start = create_on(mesh, create, key, in_shape) if mesh else create(key, in_shape)
        check_concrete(where, start)  # an initializer may close over a traced number
    sharding = None
    if mesh is not None:
        sharding = state_sharding(mesh, start)
        start = sharding.put(start)
    layer, op = as_layer(where, "model", spec.model), as_op(where, "loss", spec.loss)
    of_model = layer, op, start.params, start.state
    check_tokens(where, layer, x)
    if op.of_classes:
        check_labels(where, *of_model, x, targets)
    if isinstance(source, Batches):
        y = output_shape(layer, start.params, start.state, x) if op.of_classes else None
        source.check = partial(check_batch, where, layer, op, y)
    if processes.single and isinstance(source, Arrays):  # batches are checked on arrival
        check_numbers(where, *of_model, x, targets, finite=locate)
    done = int(start.step) // source.steps if source.steps else first_epoch or 0
    pace = Pace(chunk, processes)
    run = Run(where, spec, source, done + 1, done + epochs, sharding, pace, locate)
    return run, Progress(start, done + 1, 0, NO_LOSSES, epoch_done=False)
