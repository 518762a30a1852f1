"""`softmax` and its logarithm, over the last axis."""

import jax.numpy as jnp
from jax import Array, lax

from purenn.core.notation import Notation
from purenn.core.op import Op
from purenn.core.precision import wide


def _softmax(x: Array) -> tuple[Array, Array]:
    r"""Apply softmax over the last axis: $y_i = e^{x_i} / \sum_j e^{x_j}$.

    Every $y_i$ depends on every $x_j$, so the derivative is a Jacobian matrix: $\partial y_i /
    \partial x_j = y_i (\delta_{ij} - y_j)$. Its product with $dy$ is

    $$dx = y \odot \left(dy - \sum_j dy_j\, y_j\right)$$

    Each row of `y` sums to one. The row's maximum is subtracted first, since the literal form is
    NaN at 800 even in float64. The probability of a class at -inf is 0. A row with +inf, or with
    only -inf, is NaN. The cache is `y`.

    Args:
        x: logits, `(..., classes)`.

    Returns:
        An array of the same shape and dtype as `x`.

    Raises:
        TypeError: if `x` is not a floating-point array.
        ValueError: if `x` has no axis, or no classes.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> [f"{p:.3f}" for p in pn.softmax(jnp.array([1.0, 2.0, 3.0]))]
        ['0.090', '0.245', '0.665']
    """
    _check_classes("softmax", x)
    z = wide(x)
    exp = jnp.exp(z - lax.stop_gradient(jnp.max(z, axis=-1, keepdims=True)))
    y = (exp / jnp.sum(exp, axis=-1, keepdims=True)).astype(x.dtype)
    return y, y


def _softmax_backward(y: Array, dy: Array) -> Array:
    along = jnp.sum(wide(dy) * wide(y), axis=-1, keepdims=True)  # (..., 1)
    return (wide(y) * (wide(dy) - along)).astype(dy.dtype)


softmax = Op(
    _softmax,
    _softmax_backward,
    name="softmax",
    notation=Notation("A", "softmax({x})", "{y}⊙({dy} - Σ classes {dy}⊙{y})"),
    flops=lambda x, y: 3 * int(y.size),  # the exponential, the sum, the division
    padded="ignores",
)


def _log_softmax(x: Array) -> tuple[Array, Array]:
    r"""Compute the logarithm of softmax: $y_i = x_i - \ln \sum_j e^{x_j}$.

    With $\partial y_i / \partial x_j = \delta_{ij} - e^{y_j}$,

    $$dx = dy - e^{y} \sum_j dy_j$$

    Where a probability rounds to 0, `log(softmax(x))` is -inf and loses its derivative. In float32,
    that happens for logits about 104 below the largest. This op keeps both the value and the
    derivative. The row's maximum is subtracted first. For a class at -inf, `y` is -inf. A row with
    +inf, or with only -inf, is NaN. The cache is `y`.

    Args:
        x: logits, `(..., classes)`.

    Returns:
        An array of the same shape and dtype as `x`.

    Raises:
        TypeError: if `x` is not a floating-point array.
        ValueError: if `x` has no axis, or no classes.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> print(pn.log_softmax(jnp.array([0.0, 1000.0])))
        [-1000.     0.]
    """
    _check_classes("log_softmax", x)
    z = wide(x)
    z = z - lax.stop_gradient(jnp.max(z, axis=-1, keepdims=True))
    y = (z - jnp.log(jnp.sum(jnp.exp(z), axis=-1, keepdims=True))).astype(x.dtype)
    return y, y


def _log_softmax_backward(y: Array, dy: Array) -> Array:
    total = jnp.sum(wide(dy), axis=-1, keepdims=True)  # (..., 1)
    return (wide(dy) - jnp.exp(wide(y)) * total).astype(dy.dtype)


log_softmax = Op(
    _log_softmax,
    _log_softmax_backward,
    name="log_softmax",
    notation=Notation("A", "log_softmax({x})", "{dy} - exp({y})⊙Σ classes {dy}"),
    flops=lambda x, y: 3 * int(y.size),  # the exponential, the sum, the difference
    padded="ignores",
)


def _check_classes(where: str, x: Array) -> None:
    if x.ndim < 1 or x.shape[-1] == 0:
        raise ValueError(f"{where}: x has shape {x.shape}, expected classes on the last axis")
