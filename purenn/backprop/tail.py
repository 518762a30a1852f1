"""`Tail`: the last parts of a model, and the loss, in chunks of the batch.

The forward pass, loss, and backward pass of a chunk run together, in `_tail_of`. As soon as the
loss of a chunk is known, its derivatives are computed and its activations are discarded.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from purenn.backprop.parts import changed, entries_of, some_parts
from purenn.backprop.rows import over_chunks
from purenn.backprop.unit import unit
from purenn.core import checks, scalars
from purenn.core.cache import to_jax
from purenn.core.inputs import as_input, with_zeros
from purenn.core.layer import Layer
from purenn.core.op import Op
from purenn.core.padded import Padded, array_of
from purenn.core.precision import wide, wide_dtype
from purenn.core.sharding import reshard_like, varying_together
from purenn.core.target_parts import (
    loss_arguments,
    names_of,
    parts_of,
    weights_of,
    without_padding,
)
from purenn.core.types import Fn, Params, State

NO_PART = 2**32 - 1  # the number of no part, whose key would be that of the tail


@dataclass(frozen=True)
class Tail:
    r"""Choose the last parts of a model to run in chunks of the batch, together with the loss.

    The loss is a mean over the $m$ examples of the batch. It therefore equals the mean of the
    chunks' losses $L_c$, each weighted by its share of the examples. The same holds for every
    derivative:

    $$L = \sum_c \frac{m_c}{m} L_c, \qquad
      \frac{\partial L}{\partial \theta} = \sum_c \frac{m_c}{m}
      \frac{\partial L_c}{\partial \theta}$$

    The results equal those of a step without chunks, up to rounding. If the tail is the last part
    of a model, such as a large `dense`, its outputs are never in memory for the entire batch. If
    the tail is the entire model, this is gradient accumulation: only the activations of one chunk
    are in memory at a time.

    Each part of the tail must treat every example independently. In training, `batch_norm` does
    not, so it is rejected. If your own function mixes examples, it mixes only those of one chunk. A
    custom loss is assumed to be a mean over the batch.

    With weights, a chunk's share is its share of the weights; with `Padded` sequences, its share of
    the valid positions. Chunk c runs with the key `fold_in(fold_in(key, 2**32 - 1), c)` instead of
    `key`, so dropout in the tail draws different masks than without chunks. The penalty is added
    once.

    With n chunks, chunk c holds examples c, c + n, c + 2n, and so on. On a mesh, each device then
    has its share of every chunk. If `rows` does not divide the batch, the remaining examples form a
    smaller chunk.

    Attributes:
        rows: the number of examples in a chunk, over all devices if the batch is sharded.
        parts: the number of parts in the tail, counted from the end of the outermost `serial`; None
            for the entire model.

    Raises:
        ValueError: if `rows` or `parts` is below 1.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> model, tail = pn.mlp((8,), 1000), pn.Tail(rows=16, parts=1)
        >>> params, state = model.init(jax.random.key(0), in_shape=(4,))
        >>> x, labels = jnp.ones((64, 4)), jnp.arange(64)
        >>> f = pn.value_and_grad(model, pn.softmax_cross_entropy, tail=tail)
        >>> (value, state), grads = f(params, state, x, labels)
        >>> at_once = pn.value_and_grad(model, pn.softmax_cross_entropy)
        >>> (expected, _), _ = at_once(params, state, x, labels)
        >>> print(grads[2].w.shape, jnp.allclose(value, expected))
        (8, 1000) True
    """

    rows: int
    parts: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", scalars.count("Tail", "rows", self.rows))
        if self.parts is not None:
            object.__setattr__(self, "parts", scalars.count("Tail", "parts", self.parts))


def check_tail(where: str, layer: Layer, tail: Any) -> None:
    """Reject anything that is not a `Tail` of this model."""
    if not isinstance(tail, Tail):
        raise TypeError(
            f"{where}: tail must be a Tail, such as Tail(rows=512), got {checks.describe(tail)}"
        )
    if tail.parts is None:
        return
    if not layer.parts:
        raise ValueError(
            f"{where}: tail has parts={tail.parts}, but model, {layer.name}, is not a serial of "
            f"several parts; without parts, the entire model runs in chunks"
        )
    if tail.parts > len(layer.parts):
        raise ValueError(
            f"{where}: tail has parts={tail.parts}, but model, {layer.name}, has "
            f"{len(layer.parts)} parts"
        )


def in_chunks(layer: Layer, op: Op[...], tail: Tail) -> Fn:
    """Create a backpropagation that runs the tail of a model in chunks.

    Args:
        layer: the model.
        op: the loss.
        tail: which parts of the model are its tail.

    Returns:
        `(params, state, x, targets, *, key, train) -> (value, state, grads)`.
    """
    first = 0 if tail.parts is None else len(layer.parts) - tail.parts
    if first == 0:
        of_all = _tail_of(layer, op, tail.rows)

        def accumulate(
            params: Params, state: State, x: Any, targets: Any, *, key: Any, train: bool
        ) -> tuple[Array, State, Params]:
            value, grads, _ = of_all(params, state, x, targets, key, train)
            return value, state, grads

        return accumulate
    body, end = some_parts(layer, 0, first), some_parts(layer, first, len(layer.parts))
    of_end = _tail_of(end, op, tail.rows)

    def backpropagate(
        params: Params, state: State, x: Any, targets: Any, *, key: Any, train: bool
    ) -> tuple[Array, State, Params]:
        body_params, end_params = entries_of(layer, "params", params, first)
        body_state, end_state = entries_of(layer, "state", state, first)
        x = with_zeros(layer.name, x)
        y, body_state, cache = body.forward(body_params, body_state, x, train=train, key=key)
        value, end_grads, dy = of_end(end_params, end_state, y, targets, key, train)
        body_grads, _ = body.backward(body_params, cache, dy)
        return value, body_state + end_state, body_grads + end_grads

    return backpropagate


def _tail_of(layer: Layer, op: Op[...], rows: int) -> Fn:
    """Create the forward pass, loss, and backward pass of a layer in chunks of `rows` examples.

    Returns:
        `(params, state, x, targets, key, train) -> (value, dparams, dx)`.
    """

    def run(
        params: Params, state: State, x: Any, targets: Any, key: Any, train: bool
    ) -> tuple[Array, Params, Array | None]:
        params, state, targets = to_jax((params, state, targets))
        x = with_zeros(layer.name, as_input(layer.name, "x", x))
        batch = _examples(layer.name, op.name, array_of(x), targets)
        if isinstance(x, Padded):  # the share of a chunk is that of its valid positions
            y = jax.eval_shape(lambda p, s, x: layer.apply(p, s, x)[0], params, state, x)
            if isinstance(y, Padded):
                _, targets = without_padding(op, y._replace(valid=x.valid), targets)
        weights = weights_of(op, targets)
        _reject_new_state(layer, params, state, x, key, train)
        if key is not None:
            key = jax.random.fold_in(checks.prng_key(layer.name, key), jnp.uint32(NO_PART))

        def add_chunk(
            total: Params, number: Array, given: tuple[Any, Any]
        ) -> tuple[Params, Array, Array | None]:
            x, targets = given
            count = array_of(x).shape[0]
            chunk_key = None if key is None else jax.random.fold_in(key, number)
            with _on_chunk(count, batch):
                y, _, cache = layer.forward(params, state, x, train=train, key=chunk_key)
                value, loss_cache = op.forward(array_of(y), *loss_arguments(op, targets))
            # So that the backward waits for the value: otherwise XLA:CPU keeps the terms of the
            # loss, an array like y, all the while. In chunks of 512 rows, 50,257 classes then take
            # 325 MB instead of 222.
            one = jnp.where(jnp.isnan(value), jnp.nan, unit(op.name, value))
            share = count / batch if weights is None else _share(targets, weights, value)
            value, dy = share * value, op.backward(loss_cache, share * one)
            if weights is not None:  # if all are 0 in this chunk, it has no mean
                value, dy = (jnp.where(share == 0, 0, a) for a in (value, dy))
            dparams, dx = layer.backward(params, cache, dy)
            backward = f"{layer.name}.backward"
            checks.same_structure(backward, "dparams", dparams, "params", params)
            checks.same_dtypes(backward, "dparams", dparams, "params", params)
            total = jax.tree.map(lambda t, d: t + d.astype(t.dtype), total, dparams)
            return total, value, dx

        total = jax.tree.map(lambda p: jnp.zeros_like(p, wide_dtype(p.dtype)), params)
        total = varying_together(total, params, state, x, targets, key)
        total, values, dx = over_chunks(add_chunk, total, (x, targets), rows)
        value = jnp.sum(wide(values)).astype(values.dtype)
        grads = jax.tree.map(lambda t, p: t.astype(p.dtype), total, params)
        return value, grads, reshard_like(dx, array_of(x))

    return run


def _share(targets: Any, weights: Array, value: Array) -> Any:
    """Return a chunk's share of all weights, in the dtype of its value; NaN if all are 0."""
    dtype = wide_dtype(value.dtype)
    total = jnp.sum(weights.astype(dtype))
    own = jnp.sum(parts_of(targets)[1].astype(dtype))
    return (own / jnp.where(total > 0, total, jnp.nan)).astype(value.dtype)


def _examples(where: str, loss: str, x: Array, targets: Any) -> int:
    """Return the number of examples; reject an empty batch, or a different number of targets."""
    if x.ndim == 0 or x.shape[0] == 0:
        raise ValueError(f"{where}: x has shape {x.shape}, expected at least one example")
    for name, part in zip(names_of(targets), parts_of(targets), strict=True):
        for array in jax.tree.leaves(part):
            if not isinstance(array, Array):
                checks.as_array(loss, name, part)
            if array.ndim == 0 or array.shape[0] != x.shape[0]:
                raise ValueError(
                    f"{loss}: targets must be arrays of {x.shape[0]} examples, as many as x has, "
                    f"to be divided into chunks; got {checks.describe(array)}"
                )
    return x.shape[0]


@contextmanager
def _on_chunk(examples: int, batch: int) -> Iterator[None]:
    """Add a note to an error that its shapes are those of a chunk, not of the batch."""
    try:
        yield
    except Exception as error:
        if examples < batch:
            error.add_note(f"The tail ran on a chunk of {examples} of the {batch} examples.")
        raise


def _reject_new_state(
    layer: Layer, params: Params, state: State, x: Array, key: Any, train: bool
) -> None:
    """Reject a layer whose state would be that of a chunk, before it fails on a small chunk."""

    def forward(params: Params, state: State, x: Array, key: Any) -> None:
        _, new_state, _ = layer.forward(params, state, x, train=train, key=key)
        if name := next(changed(layer, state, new_state), ""):
            raise ValueError(
                f"{name}: changes its state, so it can't be in the tail: its statistics would be "
                f"those of a chunk, not of the batch. Give the tail fewer parts, or use a layer "
                f"without running statistics, such as layer_norm"
            )

    if jax.tree.leaves(state):
        jax.eval_shape(forward, params, state, x, key)
