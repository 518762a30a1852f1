"""`Padded`: sequences of different lengths in one array, and which of its positions are valid."""

from typing import Any, NamedTuple

from purenn.core.types import ArrayLike


class Padded(NamedTuple):
    """Sequences of different lengths, padded to one length, with the positions that are theirs.

    It goes where a layer, a model, `value_and_grad`, `train_step`, `fit`, `evaluate` or `predict`
    takes `x`. Layers that work on each position by itself, such as `dense`, do so; layers that know
    what padding is, such as `attention`, look at valid positions alone; any other layer rejects it.
    The loss gets `valid` as its weights, times those that were given. So padding has no part in a
    loss, an accuracy or a derivative, whatever it holds and whatever its targets are.

    It is a pytree: it goes through `jit`, `vmap` and `scan`, and is gathered and sharded like an
    array.

    Attributes:
        x: tokens, `(batch, time)`, or features, `(batch, time, ..., features)`.
        valid: where a position belongs to a sequence, bool `(batch, time)`.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> x = jnp.array([[[3.0], [4.0]], [[5.0], [0.0]]])
        >>> valid = jnp.array([[True, True], [True, False]])
        >>> params = pn.DenseParams(w=jnp.array([[2.0]]), b=jnp.ones(1))
        >>> y, state = pn.dense(1).apply(params, (), pn.Padded(x, valid))
        >>> print(y.x[..., 0], y.valid is valid)
        [[ 7.  9.]
         [11.  1.]] True
    """

    x: ArrayLike
    valid: ArrayLike


def array_of(x: Any) -> Any:
    """Return the array of what may be `Padded`."""
    return x.x if isinstance(x, Padded) else x


def padded_like(x: Any, array: Any) -> Any:
    """Return an array with the valid positions of `x`, if `x` is `Padded`."""
    return Padded(array, x.valid) if isinstance(x, Padded) else array
