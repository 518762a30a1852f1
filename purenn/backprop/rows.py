"""A loop over chunks of the rows of a batch."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from purenn.core.sharding import divisible_rows
from purenn.core.types import Fn


def over_chunks(function: Fn, carry: Any, arrays: Any, rows: int) -> tuple[Any, Array, Any]:
    """Run a function on successive chunks of the rows, in a compiled loop.

    With n chunks, chunk c consists of the rows c, c + n, c + 2n, and so on. If the rows are sharded
    over a mesh of devices, each device therefore has its share of every chunk. If `rows` does not
    divide the number of rows, the remaining rows form a last chunk.

    Args:
        function: `(carry, number, arrays) -> (carry, value, y)`. Chunks are numbered from 0, and
            the rows of `y`, which may be None, correspond to those of the arrays.
        carry: the carry of the first chunk.
        arrays: a tree of arrays with the same number of rows, at least one.
        rows: the number of rows per chunk.

    Returns:
        `(carry, values, y)`: the last carry, one value per chunk, and all rows in order.
    """
    batch = jax.tree.leaves(arrays)[0].shape[0]
    count, left = divmod(batch, rows)
    arrays = jax.tree.map(lambda a: divisible_rows(a, rows, left), arrays)
    if not left:
        return _loop(function, carry, arrays, count, 0)
    rest = jax.tree.map(lambda a: a[count * rows :], arrays)
    if not count:
        return _loop(function, carry, rest, 1, 0)
    even = jax.tree.map(lambda a: a[: count * rows], arrays)
    carry, values, y = _loop(function, carry, even, count, 0)
    carry, last_value, last_y = _loop(function, carry, rest, 1, count)
    values, y = jax.tree.map(
        lambda a, b: jnp.concatenate([a, b]), (values, y), (last_value, last_y)
    )
    return carry, values, y


def _loop(function: Fn, carry: Any, arrays: Any, count: int, first: int) -> tuple[Any, Array, Any]:
    """Run equal chunks in a loop, even a single one, so that a bad label always gives NaN."""

    def step(carry: Any, i: Array) -> tuple[Any, tuple[Array, Any]]:
        carry, value, y = function(carry, first + i, jax.tree.map(lambda a: chunk(a, i), arrays))
        return carry, (value, y)

    def chunk(a: Array, i: Array) -> Array:
        every = a.reshape(-1, count, *a.shape[1:])
        return lax.dynamic_index_in_dim(every, i, axis=1, keepdims=False)

    def in_order(y: Array) -> Array:
        return jnp.swapaxes(y, 0, 1).reshape(-1, *y.shape[2:])

    carry, (values, y) = lax.scan(step, carry, jnp.arange(count, dtype=jnp.uint32))
    return carry, values, jax.tree.map(in_order, y)
