"""The moments that optimizers keep: their initial values, their correction, and their root."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core import checks
from purenn.core.precision import in_dtype, wide
from purenn.core.types import Scalar


def zero_moments(where: str, params: Any) -> Any:
    """Return zeros like the parameters, in at least float32; lower precision loses small terms."""
    params = checks.float_tree(where, "params", params)
    return jax.tree.map(lambda p: jnp.zeros_like(wide(p)), params)


def bias_correction(beta: Scalar, step: Array, dtype: Any) -> Array:
    r"""Return $1 - \beta^t$ to float32 precision; the difference as written is off by 1e-5."""
    if checks.is_concrete(beta):
        log = math.log(beta) if beta else -math.inf
        return -jnp.expm1(step.astype(dtype) * log)
    beta = jnp.asarray(beta, dtype)
    log_beta = jnp.where(beta == 0, -jnp.inf, jnp.log(jnp.where(beta == 0, 1, beta)))
    return -jnp.expm1(step.astype(dtype) * log_beta)


def root(v: Array) -> Array:
    r"""Return $\sqrt v$ with the derivative 0 at 0, where the derivative of the root is infinite.

    The numerator over this root is also 0 there. So the derivative through the update stays
    correct, where an infinite derivative would be multiplied by 0.
    """
    return jnp.where(v == 0, 0, jnp.sqrt(jnp.where(v == 0, 1, v)))


def over_root(g: Array, v: Array, epsilon: Scalar) -> Array:
    r"""Return $g / \sqrt{v + \epsilon}$, and 0 where the root is 0: every gradient has been 0."""
    divisor = root(v + in_dtype(epsilon, v.dtype))
    return jnp.where(divisor == 0, 0, g / jnp.where(divisor == 0, 1, divisor))
