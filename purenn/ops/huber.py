"""`huber`: a loss that is quadratic for small errors and linear for large errors."""

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core import scalars
from purenn.core.notation import Notation
from purenn.core.op import Op
from purenn.core.precision import wide
from purenn.core.types import ArrayLike
from purenn.ops.means import Mean
from purenn.ops.targets import regression_error


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Saved:
    error: Array
    mean: Mean
    delta: float = field(metadata={"static": True})


def _huber(
    predictions: Array, targets: ArrayLike, weights: ArrayLike | None = None, *, delta: float = 1.0
) -> tuple[Array, _Saved]:
    r"""Compute Huber's loss of the errors $e = p - t$, averaged over all elements.

    $$L = \tfrac1n \sum \begin{cases} \tfrac12 e^2 & \lvert e \rvert \le \delta \\
      \delta \lvert e \rvert - \tfrac12 \delta^2 & \text{elsewhere} \end{cases}, \qquad
      dp = \tfrac1n \min(\max(e, -\delta), \delta)\, dL$$

    The derivative is that of half the squared error, clipped to $\pm\delta$, so an outlier has no
    more influence than an error of $\delta$ ([Huber, 1964][huber1964]). PyTorch's `HuberLoss` and
    `optax.huber_loss` compute the same loss; "smooth L1" is this loss divided by $\delta$.

    Args:
        predictions: a floating-point array of any shape.
        targets: an array of the same shape (nothing is broadcast). Integers are converted.
        weights: the weight of each element or of each example, as for `mse`.
        delta: $\delta > 0$, the error at which the loss changes from quadratic to linear, a static
            number; 1 by default, as in PyTorch and optax.

    Returns:
        The loss, a scalar of the dtype of `predictions`.

    Raises:
        TypeError: if `predictions` is not a floating-point array, another argument is not an array
            of real numbers, or `delta` is not a number.
        ValueError: if `delta` is not above 0; shapes differ; a weight is negative or not finite, or
            all are 0 (NaN in a compiled program).

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> predictions, targets = jnp.array([0.5, 4.0]), jnp.zeros(2)
        >>> print(pn.huber(predictions, targets))  # (0.125 + 3.5) / 2
        1.8125
        >>> loss, cache = pn.huber.forward(predictions, targets)
        >>> print(pn.huber.backward(cache, jnp.ones(())))
        [0.25 0.5 ]
    """
    delta = scalars.number("huber", "delta", delta, static=True)
    if delta <= 0:
        raise ValueError(f"huber: expected delta > 0, got {delta:g}")
    error, mean = regression_error("huber", predictions, targets, weights)
    e = wide(error)
    # One expression for both cases: the square of a large error, which overflows, is never formed.
    clipped = jnp.clip(e, -delta, delta)
    terms = clipped * (e - clipped / 2)
    return mean.forward(terms).astype(error.dtype), _Saved(error, mean, delta)


def _huber_backward(saved: _Saved, dy: Array) -> Array:
    clipped = jnp.clip(wide(saved.error), -saved.delta, saved.delta)
    return (clipped * saved.mean.backward(dy)).astype(dy.dtype)


huber = Op(
    _huber,
    _huber_backward,
    name="huber",
    weighted=True,
    notation=Notation("L", "", "min(max({x}-Y, -{delta}), {delta})/n"),
)
