"""Where more digits are needed than the arrays have."""

from typing import Any

import jax.numpy as jnp
from jax import Array


def wide_dtype(dtype: Any) -> Any:
    """The dtype to accumulate in: float32, or float64 for float64."""
    return dtype if jnp.finfo(dtype).bits >= 32 else jnp.dtype(jnp.float32)


def wide(x: Array) -> Array:
    """`x` in float32 at least: sums and exponentials in less lose what they need."""
    return x.astype(wide_dtype(x.dtype))
