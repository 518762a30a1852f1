"""Arithmetic in higher precision than that of the arrays."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax


def wide_dtype(dtype: Any) -> Any:
    """Return the dtype to accumulate in: float32, or float64 for float64."""
    return dtype if jnp.finfo(dtype).bits >= 32 else jnp.dtype(jnp.float32)


def wide(x: Array) -> Array:
    """Return `x` in float32 or better, since sums and exponentials need that precision."""
    return x.astype(wide_dtype(x.dtype))


def in_dtype(number: Any, dtype: Any) -> Any:
    """Return a hyperparameter that does not promote the arrays with which it is combined.

    A traced one has a dtype and is cast; a Python number takes the dtype of the array.
    """
    return number.astype(dtype) if isinstance(number, Array) else number


def inverse_deviation(var: Array, epsilon: Any) -> Array:
    r"""Return $1 / \sqrt{\sigma^2 + \epsilon}$; NaN, not 0, if the variance has overflowed."""
    epsilon = in_dtype(epsilon, var.dtype)
    return jnp.where(var < jnp.inf, lax.rsqrt(var + epsilon), jnp.nan)


def per_feature(values: Array, x: Array) -> Array:
    """Return one value per feature, with as many axes as `x`: `(1, ..., 1, features)`.

    Arithmetic with `x` then needs no rank promotion, which `jax_numpy_rank_promotion` may forbid.
    """
    return jnp.expand_dims(values, tuple(range(x.ndim - values.ndim)))


class Moments(NamedTuple):
    """A mean and a variance; `x - mean - correction`, in this order, keeps the digits of `x`."""

    mean: Array
    correction: Array
    var: Array


def moments(x: Array, axes: Any, *, keepdims: bool = False) -> Moments:
    """Return the mean and the variance over axes; the variance is divided by the number of values.

    The variance cannot be negative.
    """
    found = recentered(x, lambda a: jnp.mean(a, axes, keepdims=True))
    return found if keepdims else Moments(*(jnp.squeeze(a, axes) for a in found))


def recentered(x: Array, mean: Callable[[Array], Array]) -> Moments:
    """Return the mean and the variance, where `mean` returns means that broadcast to `x`.

    A float32 mean has a rounding error proportional to its size. At mean/std = 1e6, `x - mean`
    keeps only two digits. Centering a second time removes this error.
    """
    first = mean(x)
    correction = mean(x - first)
    centered = x - first - correction
    return Moments(first, correction, mean(centered * centered))
