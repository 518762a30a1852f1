"""A hash: random-looking numbers from a position and a key, each computed independently."""

import jax.numpy as jnp
from jax import Array


def mixed(n: Array) -> Array:
    """Permute the 32-bit numbers in a way that looks random: Wellons' lowbias32 (2018)."""
    n = (n ^ (n >> 16)) * jnp.uint32(0x7FEB352D)
    n = (n ^ (n >> 15)) * jnp.uint32(0x846CA68B)
    return n ^ (n >> 16)
