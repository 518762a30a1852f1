"""`unit`: the derivative from which each backward pass starts."""

import jax.numpy as jnp
from jax import Array

from purenn.core import checks


def unit(name: str, value: Array) -> Array:
    """Return 1, the derivative of a loss with respect to itself, as a backward pass starts."""
    if value.shape != () or not checks.is_float(value):
        raise ValueError(
            f"{name}: must return a floating scalar, the mean over the batch; "
            f"got {checks.describe(value)}"
        )
    return jnp.ones_like(value)
