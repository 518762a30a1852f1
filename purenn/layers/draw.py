"""`draw`: an initial parameter from an initializer of purenn, JAX, or the user."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from purenn import initializers
from purenn.core import checks
from purenn.core.signatures import misfit, signature_of
from purenn.core.types import Initializer, Key, Shape


def draw(where: str, name: str, initializer: Initializer, key: Key, shape: Shape) -> Array:
    """Call an initializer, and reject any result but an array of the requested shape."""
    checks.function(where, name, initializer)
    made = getattr(initializer, "__name__", "it")
    expected = f"{where}: {name} must be an initializer, init(key, shape, dtype) -> array; {made} "
    signature = signature_of(initializer)
    parameters = list(signature.parameters) if signature else []
    if parameters[:1] == ["shape"]:  # jnp.zeros, jnp.ones, jnp.empty, jnp.full
        ours = (
            f"pn.initializers.{made}" if made in initializers.__all__ else "one of pn.initializers"
        )
        raise TypeError(f"{expected}takes a shape first, and no key; pass {ours}")
    if "dtype" in parameters and "shape" not in parameters:  # as JAX's factories
        raise TypeError(f"{expected}is a factory: call it first, {made}(…)")
    error = misfit(initializer, (key, shape, jnp.float32))
    if error:
        raise TypeError(f"{expected}can't be called like this: {error}")
    value: Any = initializer(key, shape, jnp.float32)
    if callable(value):
        raise TypeError(f"{expected}returned a function: call it first, {made}()")
    value = checks.float_array(where, f"{name}'s result", value)
    if value.shape != shape:
        raise ValueError(f"{where}: {name} returned shape {value.shape}, expected {shape}")
    return value
