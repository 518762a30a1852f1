"""`unit`: where each backward pass starts."""

import jax.numpy as jnp
from jax import Array

from purenn.core import checks


def unit(name: str, value: Array) -> Array:
    """Return the derivative of a loss with respect to itself, 1, where each backward starts."""
    if value.shape != () or not checks.is_float(value):
        raise ValueError(
            f"{name}: must return a floating scalar, the mean over the batch; "
            f"got {checks.describe(value)}"
        )
    return jnp.ones_like(value)
