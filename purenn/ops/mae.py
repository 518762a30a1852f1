"""`mae`: mean absolute error."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from purenn.core.notation import Notation
from purenn.core.op import Op
from purenn.core.precision import wide
from purenn.core.types import ArrayLike
from purenn.ops.means import Mean
from purenn.ops.targets import regression_error


class _Saved(NamedTuple):
    error: Array
    mean: Mean


def _mae(
    predictions: Array, targets: ArrayLike, weights: ArrayLike | None = None
) -> tuple[Array, _Saved]:
    r"""Compute the mean absolute error over all elements: $L = \frac1n \sum \lvert p - t \rvert$.

    $$dp = \tfrac1n\, \mathrm{sign}(p - t)\, dL$$

    The derivative is 0 where the prediction equals the target. An outlier has no more influence
    than any other element, and the best constant prediction is the median of the targets. For a
    loss that is smooth at 0, use `huber`.

    Args:
        predictions: a floating-point array of any shape.
        targets: an array of the same shape (nothing is broadcast). Integers are converted.
        weights: the weight of each element or of each example, as for `mse`.

    Returns:
        The loss, a scalar of the dtype of `predictions`.

    Raises:
        TypeError: if `predictions` is not a floating-point array, or another argument is not an
            array of real numbers.
        ValueError: if shapes differ; a weight is negative or not finite, or all weights are 0 (NaN
            in a compiled program).

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> predictions, targets = jnp.array([[1.0], [2.0]]), jnp.array([[1.0], [4.0]])
        >>> print(pn.mae(predictions, targets))
        1.0
        >>> loss, cache = pn.mae.forward(predictions, targets)
        >>> print(pn.mae.backward(cache, jnp.ones(())).tolist())
        [[0.0], [-0.5]]
    """
    error, mean = regression_error("mae", predictions, targets, weights)
    return mean.forward(jnp.abs(wide(error))).astype(error.dtype), _Saved(error, mean)


def _mae_backward(saved: _Saved, dy: Array) -> Array:
    error, mean = saved
    return (jnp.sign(wide(error)) * mean.backward(dy)).astype(dy.dtype)


mae = Op(
    _mae, _mae_backward, name="mae", weighted=True, notation=Notation("L", "", "sign({x}-Y)/n")
)
