"""`mse`: mean squared error."""

from typing import NamedTuple

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


def _mse(
    predictions: Array, targets: ArrayLike, weights: ArrayLike | None = None
) -> tuple[Array, _Saved]:
    r"""Compute the mean squared error over all elements: $L = \frac1n \sum (p - t)^2$.

    $$dp = \tfrac2n (p - t)\, dL$$

    $n$ is the number of elements, `predictions.size`. Texts that write $dZ = A - Y$ "for MSE" give
    the derivative of half the sum of squares, with an identity output. Texts that divide only by
    the batch size $m$ have a loss that is $k$ times larger for $k$ outputs. Squares overflow: in
    float32, the value is infinite for errors above about 1e19.

    Args:
        predictions: a floating-point array of any shape.
        targets: an array of the same shape (nothing is broadcast). Integers are converted.
        weights: the weight of each element, in the same shape, or of each example, in the shape of
            the first axes, such as `(batch,)`. Then $L = \sum w (p - t)^2 / \sum w$ and $dp = 2 w
            (p - t)\, dL / \sum w$, where the weight of an example applies to each of its elements.
            An element of weight 0 is ignored, even if it is NaN.

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
        >>> print(pn.mse(predictions, targets))
        2.0
        >>> loss, cache = pn.mse.forward(predictions, targets)
        >>> print(pn.mse.backward(cache, jnp.ones(())).tolist())
        [[0.0], [-2.0]]
    """
    error, mean = regression_error("mse", predictions, targets, weights)
    return mean.forward(wide(error) ** 2).astype(error.dtype), _Saved(error, mean)


def _mse_backward(saved: _Saved, dy: Array) -> Array:
    error, mean = saved
    return (2 * mean.backward(dy) * wide(error)).astype(dy.dtype)


mse = Op(_mse, _mse_backward, name="mse", weighted=True, notation=Notation("L", "", "2({x}-Y)/n"))
