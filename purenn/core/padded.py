"""`Padded`: sequences of different lengths in one array, with a mask of the valid positions."""

from typing import Any, NamedTuple

from purenn.core.types import ArrayLike


class Padded(NamedTuple):
    """Sequences padded to the same length, with a mask of the valid positions.

    Pass it as `x` to a layer, a model, `value_and_grad`, `train_step`, `fit`, `evaluate`, or
    `predict`. Layers that treat each position independently, such as `dense`, accept it directly.
    Layers that handle padding, such as `attention`, use only the valid positions. All other layers
    reject it. The loss receives `valid` as its weights, multiplied by any weights you pass. Padding
    therefore never affects a loss, an accuracy, or a derivative, no matter which values and targets
    it contains.

    `Padded` is a pytree, so it works with `jit`, `vmap`, and `scan`, and it is indexed and sharded
    like an array.

    Attributes:
        x: tokens, `(batch, time)`, or features, `(batch, time, ..., features)`.
        valid: whether each position belongs to its sequence, a bool array `(batch, time)`.

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
    """Return the array of `x`, which may be a `Padded`."""
    return x.x if isinstance(x, Padded) else x


def padded_like(x: Any, array: Any) -> Any:
    """Return `array` as a `Padded` with the mask of `x`, if `x` is `Padded`."""
    return Padded(array, x.valid) if isinstance(x, Padded) else array
