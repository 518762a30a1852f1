"""PRNG keys: typed ones, which have a dtype of their own, and raw ones, which are uint32 arrays."""

from typing import Any

import jax
import jax.numpy as jnp


def is_key(value: Any) -> bool:
    """Tell whether a leaf is a typed PRNG key, or an array of them."""
    return hasattr(value, "dtype") and jnp.issubdtype(value.dtype, jax.dtypes.prng_key)


def default_prng() -> str:
    """Return the name of the implementation that raw keys belong to."""
    return str(jax.config.jax_default_prng_impl)  # type: ignore[attr-defined]
