"""PRNG keys: typed keys, which have their own dtype, and raw keys, which are uint32 arrays."""

from typing import Any

import jax
import jax.numpy as jnp


def is_key(value: Any) -> bool:
    """Tell whether a leaf is a typed PRNG key, or an array of them."""
    return hasattr(value, "dtype") and jnp.issubdtype(value.dtype, jax.dtypes.prng_key)


def default_prng() -> str:
    """Return the name of the implementation to which raw keys belong."""
    return str(jax.config.jax_default_prng_impl)  # type: ignore[attr-defined]
