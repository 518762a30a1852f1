"""`Padded`: sequences of different lengths in one array, and which of its positions are valid."""

from typing import Any, NamedTuple

from purenn.core.types import ArrayLike


class Padded(NamedTuple):
    """Sequences of different lengths, padded to the same length, and which positions are valid.

    Pass it as `x` to a layer, a model, `value_and_grad`, `train_step`, `fit`, `evaluate` or
    `predict`. Layers that work on each position by itself, such as `dense`, take it as it is.
    Layers that know about padding, such as `attention`, look only at valid positions. Any other
    layer rejects it. The loss gets `valid` as its weights, multiplied by any weights that you pass.
    So padding never affects a loss, an accuracy or a derivative, whatever values and targets it
    holds.

    It is a pytree: it goes through `jit`, `vmap` and `scan`, and is indexed and sharded like an
    array.

    Attributes:
        x: tokens, `(batch, time)`, or features, `(batch, time, ..., features)`.
        valid: whether each position belongs to its sequence, bool `(batch, time)`.

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
