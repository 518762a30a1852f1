"""`Padded` sequences for recurrent layers: valid positions first, padding after them."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core.padded import Padded
from purenn.core.types import Fn


def with_padding(forward: Fn, backward: Fn) -> tuple[Fn, Fn]:
    """Return the passes of a recurrent layer, extended to `Padded`.

    An output does not depend on later positions. So the valid positions of each sequence are moved
    to its beginning, and the outputs are moved back to their original positions. The state is
    thereby carried from one valid position to the next.

    Args:
        forward: `(params, state, x, *, train, key) -> (y, state, saved)`, of arrays.
        backward: `(params, saved, dy) -> (dparams, dx)`.
    """

    @functools.wraps(forward)
    def of_both(
        params: Any, state: Any, x: Any, *, train: bool = False, key: Any = None
    ) -> tuple[Any, Any, Any]:
        if not isinstance(x, Padded):
            y, state, saved = forward(params, state, x, train=train, key=key)
            return y, state, (saved, None)
        order = jnp.argsort(~x.valid, axis=1, stable=True)
        y, state, saved = forward(params, state, _moved(x.x, order), train=train, key=key)
        return Padded(_moved(y, jnp.argsort(order, axis=1)), x.valid), state, (saved, order)

    @functools.wraps(backward)
    def backward_of_both(params: Any, cache: Any, dy: Array) -> tuple[Any, Array]:
        saved, order = cache
        if order is None:
            dparams, dx = backward(params, saved, dy)
            return dparams, dx
        dparams, dx = backward(params, saved, _moved(dy, order))
        return dparams, _moved(dx, jnp.argsort(order, axis=1))

    return of_both, backward_of_both


def _moved(a: Any, order: Array) -> Array:
    """Return each sequence with its positions in the given order."""
    moved: Array = jax.vmap(lambda sequence, own: sequence[own])(a, order)
    return moved
