"""`mse`: mean squared error."""

import jax.numpy as jnp
from jax import Array

from purenn.core.notation import Notation
from purenn.core.op import Op
from purenn.core.precision import wide
from purenn.core.types import ArrayLike
from purenn.ops.targets import regression_targets


def _mse(predictions: Array, targets: ArrayLike) -> tuple[Array, Array]:
    r"""Compute the mean squared error over all elements: $L = \frac1n \sum (p - t)^2$.

    $$dp = \tfrac2n (p - t)\, dL$$

    $n$ is the number of elements, `p.size`. Texts that write $dZ = A - Y$ "for MSE" give the
    derivative of half of it, through an identity output. Texts that divide only by the batch $m$
    have a loss $k$ times larger for $k$ outputs. Squares overflow: in float32 the value is inf from
    an error of about 1e19 on.

    Args:
        predictions: floating point, in any shape.
        targets: in the same shape (nothing is broadcast); whole numbers count as numbers.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> value, cache = pn.mse.forward(jnp.array([[1.0], [2.0]]), jnp.array([[1.0], [4.0]]))
        >>> print(value, pn.mse.backward(cache, jnp.ones(())).tolist())
        2.0 [[0.0], [-2.0]]
    """
    error = predictions - regression_targets("mse", "predictions", predictions, targets)
    return jnp.mean(wide(error) ** 2).astype(error.dtype), error


def _mse_backward(error: Array, dy: Array) -> Array:
    return (2 / error.size) * error * dy


mse = Op(_mse, _mse_backward, name="mse", notation=Notation("L", "", "2({x}-Y)/n"))
