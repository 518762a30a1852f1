"""`fit`: a training run for a person, with a progress bar, validation and clear stops."""

import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core import checks
from purenn.core.adapt import as_layer, as_op
from purenn.training.evaluate import evaluate
from purenn.training.examples import as_examples, check_labels, steps_per_epoch
from purenn.training.loop import train_loop
from purenn.training.progress import Bar, EpochRecord
from purenn.training.train_step import (
    TrainState,
    check_optimizer,
    check_train_state,
    epoch_order,
    train_step,
)

LOOK_EVERY = 0.4  # seconds between two looks at the loss, by the bar and for NaN


class Recipe(NamedTuple):
    """What decides the compiled program, as the caller gave it: the same objects compile once."""

    model: Any
    loss: Any
    optimizer: Any
    penalty: Any


def fit(
    model: Any,
    loss: Any,
    optimizer: Any,
    data: Any,
    *,
    epochs: int,
    key: Array,
    batch_size: int | None = None,
    penalty: Any = None,
    validation: tuple[Any, Any] | None = None,
    train_state: TrainState | None = None,
    progress: bool = True,
) -> tuple[TrainState, list[EpochRecord]]:
    """Train, and show how it goes.

    With arrays, steps run on the device many at a time, over data that stays there; the steps, and
    their order, are those of `training_run` with the same key.

    Args:
        model: a layer.
        loss: an op or function `(predictions, targets) -> scalar`.
        optimizer: purenn's or optax's.
        data: `(x, targets)`, or a function `epoch -> iterable of batches (x, targets)`.
        epochs: how many passes over the data.
        key: decides the initial parameters, the shuffles and the dropout.
        batch_size: examples a step, needed with arrays; an incomplete last batch is dropped. A
            function's batches are as large as they come.
        penalty: an op or function of the parameters, added to the loss.
        validation: `(x, targets)` to evaluate after every epoch.
        train_state: where to go on from, instead of a new one; it is copied, not consumed, and its
            own key is used. Arrays go on with the epoch that its step says; a function's epochs
            begin at 0 again.
        progress: whether to show a bar (with tqdm, if it is installed) on stderr.

    Returns:
        `(train_state, history)`, with one `EpochRecord` an epoch.

    Raises:
        FloatingPointError: the loss is not finite; the message says at which epoch and step.
        ValueError: data that do not fit, such as a label that is no class.
    """
    layer = as_layer("fit", "model", model)
    of_classes = as_op("fit", "loss", loss).of_classes
    if penalty is not None:
        as_op("fit", "penalty", penalty)
    checks.flag("fit", "progress", progress)
    check_optimizer("fit", optimizer)
    epochs = checks.count("fit", "epochs", epochs)
    recipe = Recipe(model, loss, optimizer, penalty)
    for name, value in recipe._asdict().items():
        if not isinstance(value, Hashable):
            raise TypeError(f"fit: {name} must be hashable, got {checks.describe(value)}")
    batches, example, total = _source(data, batch_size, recipe)
    if validation is not None:
        validation = as_examples("fit", *_pair("validation", validation))
        if validation[0].shape[1:] != example[0].shape[1:]:
            raise ValueError(
                f"fit: validation's x holds examples of shape {validation[0].shape[1:]}, "
                f"data's {example[0].shape[1:]}; expected the same"
            )
    if train_state is None:
        checks.prng_key("fit", key)
        train_state = programs(recipe).create(key, example[0].shape[1:])
    else:
        check_train_state("fit", train_state)
        train_state = jax.tree.map(lambda leaf: jnp.array(leaf, copy=True), train_state)
    params, state = train_state.params, train_state.state
    if of_classes:
        check_labels("fit", layer, params, state, *example)
        if validation is not None:
            check_labels("fit", layer, params, state, *validation, "validation's targets")

    first = int(train_state.step) // total if total else 0
    history: list[EpochRecord] = []
    with Bar(epochs * total if total else None, enabled=progress) as bar:
        for epoch in range(first, first + epochs):
            bar.begin(epoch - first + 1, epochs)
            start, sums, steps = time.perf_counter(), 0.0, 0
            for after, losses in batches(train_state, epoch):
                train_state = after
                values = np.asarray(losses, np.float64)
                _stop_if_not_finite(values, epoch - first + 1, steps)
                sums, steps = sums + float(values.sum()), steps + values.size
                bar.advance(values.size, sums / steps)
            if steps == 0:
                raise ValueError(f"fit: data gave no batch in epoch {epoch - first + 1}")
            seconds = time.perf_counter() - start
            scores: tuple[float | None, float | None] = (None, None)
            if validation is not None:
                params, state = train_state.params, train_state.state
                scores = evaluate(model, loss, params, state, *validation)
            history.append(EpochRecord(epoch - first + 1, sums / steps, seconds, *scores))
            bar.end(history[-1])
    return train_state, history


Progress = Iterator[tuple[TrainState, Any]]  # a state, and the losses since the one before


def _source(
    data: Any, batch_size: int | None, recipe: Recipe
) -> tuple[Callable[[TrainState, int], Progress], tuple[Array, Array], int]:
    """How an epoch runs, examples to look at before, and the steps of an epoch if known."""
    if callable(data):
        # Looked into for its shapes, and then used: data is called once an epoch.
        opened = iter(_batches(data, 0))
        batch = next(opened, None)
        if batch is None:
            raise ValueError("fit: data(0) gave no batch")
        example = as_examples("fit", *_pair("data(0)'s first batch", batch))
        begun = {0: chain([batch], opened)}

        def batches(epoch: int) -> Iterable[Any]:
            return begun.pop(epoch, None) or _batches(data, epoch)

        return partial(_from_iterable, batches, recipe), example, 0
    x, targets = as_examples("fit", *_pair("data", data))
    if batch_size is None:
        raise TypeError("fit: batch_size is missing, which data in arrays needs")
    size = checks.count("fit", "batch_size", batch_size)
    steps = steps_per_epoch("fit", x.shape[0], size)
    return partial(_from_arrays, x, targets, size, recipe, _Pace()), (x, targets), steps


def _batches(data: Callable[[int], Any], epoch: int) -> Iterable[Any]:
    batches = data(epoch)
    if not isinstance(batches, Iterable):
        raise TypeError(
            f"fit: data({epoch}) must be an iterable of batches, got {checks.describe(batches)}"
        )
    return batches


def _pair(name: str, value: Any) -> tuple[Any, Any]:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(
            f"fit: {name} must be (x, targets)"
            + (" or a function epoch -> iterable of batches" if name == "data" else "")
            + f", got {checks.describe(value)}"
        )
    return value[0], value[1]


@dataclass
class _Pace:
    """How many steps a chunk has: as many as the bar allows. One program serves any number."""

    steps: int = 16

    def took(self, seconds: float, steps: int) -> None:
        """Learn from a chunk."""
        self.steps = max(1, min(4 * steps, int(steps * LOOK_EVERY / max(seconds, 1e-6))))


def _from_arrays(
    x: Array,
    targets: Array,
    batch_size: int,
    recipe: Recipe,
    pace: _Pace,
    train_state: TrainState,
    epoch: int,
) -> Progress:
    order = _order(train_state.key, jnp.int32(epoch), examples=x.shape[0], batch_size=batch_size)
    run, steps, first = programs(recipe).chunk, order.shape[0], 0
    while first < steps:
        start, last = time.perf_counter(), min(first + pace.steps, steps)
        train_state, losses = run(train_state, x, targets, order, jnp.int32(first), jnp.int32(last))
        yield train_state, np.asarray(losses)[first:last]
        pace.took(time.perf_counter() - start, last - first)
        first = last


def _from_iterable(
    data: Callable[[int], Iterable[Any]], recipe: Recipe, train_state: TrainState, epoch: int
) -> Progress:
    run, waiting = programs(recipe).step, list[Array]()
    start = time.perf_counter()
    for batch in data(epoch):
        # Copied at once: a generator may fill the same arrays again while the device still reads.
        x, targets = (
            np.array(part) if isinstance(part, np.ndarray) else part
            for part in _pair("a batch", batch)
        )
        x, targets = as_examples("fit", x, targets)
        # Returns at once: while the device works on this batch, the loop asks for the next one.
        train_state, loss = run(train_state, x, targets)
        waiting.append(loss)
        if len(waiting) > 1:
            waiting[-2].block_until_ready()  # one step ahead, not a queue full of batches
        if time.perf_counter() - start > LOOK_EVERY and len(waiting) > 1:
            yield train_state, np.stack(waiting[:-1])
            waiting, start = waiting[-1:], time.perf_counter()
    if waiting:
        yield train_state, np.stack(waiting)


class Programs(NamedTuple):
    """What is compiled for a recipe."""

    create: Any  # (key, in_shape) -> train_state
    chunk: Any  # (train_state, x, targets, order, first, last) -> (train_state, losses)
    step: Any  # (train_state, x, targets) -> (train_state, loss)


@lru_cache(maxsize=8)  # jit's own cache would keep every model that was ever trained
def programs(recipe: Recipe) -> Programs:
    """The compiled parts of a run. The state that goes in is consumed."""
    model, loss, optimizer, penalty = recipe
    step = train_step(model, loss, optimizer, penalty=penalty)

    def create(key: Array, in_shape: tuple[int, ...]) -> TrainState:
        return TrainState.create(model, optimizer, key, in_shape)

    return Programs(
        jax.jit(create, static_argnums=1),
        jax.jit(train_loop(model, loss, optimizer, penalty), donate_argnums=0),
        jax.jit(step, donate_argnums=0),
    )


_order = jax.jit(epoch_order, static_argnames=("examples", "batch_size"))


def _stop_if_not_finite(values: Any, epoch: int, steps: int) -> None:
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise FloatingPointError(
            f"fit: the loss is {values[bad[0]]} at epoch {epoch}, step {steps + bad[0] + 1}; "
            f"training stopped. A smaller learning rate, scaled inputs (rescale) or a logits loss "
            f"are the usual cures; a label out of range makes it nan too"
        )
