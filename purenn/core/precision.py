"""Where more digits are needed than the arrays have."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax


def wide_dtype(dtype: Any) -> Any:
    """The dtype to accumulate in: float32, or float64 for float64."""
    return dtype if jnp.finfo(dtype).bits >= 32 else jnp.dtype(jnp.float32)


def wide(x: Array) -> Array:
    """`x` in float32 at least: sums and exponentials in less lose what they need."""
    return x.astype(wide_dtype(x.dtype))


def in_dtype(number: Any, dtype: Any) -> Any:
    """Return a hyperparameter that does not promote what it meets: one that is traced has a dtype.

    A Python number has none, and takes that of the array.
    """
    return number.astype(dtype) if isinstance(number, Array) else number


def inverse_deviation(var: Array, epsilon: Any) -> Array:
    r"""$1 / \sqrt{\sigma^2 + \epsilon}$; NaN, not 0, of a variance that has overflowed."""
    epsilon = in_dtype(epsilon, var.dtype)
    return jnp.where(var < jnp.inf, lax.rsqrt(var + epsilon), jnp.nan)


def per_feature(values: Array, x: Array) -> Array:
    """Return one value per feature with as many axes as `x`: `(1, ..., 1, features)`.

    Arithmetic of the two then needs no rank promotion, which `jax_numpy_rank_promotion` may forbid.
    """
    return jnp.expand_dims(values, tuple(range(x.ndim - values.ndim)))


class Moments(NamedTuple):
    """Mean and variance; `x - mean - correction`, in this order, keeps the digits of `x`."""

    mean: Array
    correction: Array
    var: Array


def moments(x: Array, axes: Any, *, keepdims: bool = False) -> Moments:
    """Mean and variance over axes, divided by the number of values.

    A float32 mean is off by a rounding of its own size: at mean/std = 1e6 that costs every digit of
    `x - mean` but two. Centring once more takes it out; the variance can't be negative.
    """
    mean = jnp.mean(x, axes, keepdims=True)
    correction = jnp.mean(x - mean, axes, keepdims=True)
    centred = x - mean - correction
    found = Moments(mean, correction, jnp.mean(centred * centred, axes, keepdims=True))
    return found if keepdims else Moments(*(jnp.squeeze(a, axes) for a in found))
