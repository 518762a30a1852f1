"""The arguments and results of the methods of layers and ops: arrays, caches, and cotangents.

NumPy arrays become JAX arrays. Integers are rejected or, where they are allowed, have no
derivative. A cotangent must be like `y`. This module handles all of these cases, so that a layer's
own functions contain only its equations.
"""

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core import checks, numpy_arrays
from purenn.core.padded import array_of


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Cache:
    """The values that `forward` saves for `backward`: arrays, and static facts about x and y."""

    saved: Any
    y_shape: tuple[int, ...] = field(metadata={"static": True})
    y_dtype: np.dtype[Any] = field(metadata={"static": True})
    integer_x: bool = field(metadata={"static": True})
    made_by: str = field(metadata={"static": True})  # the name of a layer or an op


def make_cache(name: str, x: Any, y: Any, saved: Any) -> Cache:
    """Wrap the saved values of a forward pass, after checking that `y` is an array or `Padded`."""
    x, y = array_of(x), array_of(y)
    if not isinstance(y, Array):
        raise TypeError(f"{name}: forward must return a jax.Array as y, got {kind(y)}")
    integer_x = isinstance(x, Array) and not checks.is_float(x)
    return Cache(saved, y.shape, y.dtype, integer_x, name)


def cotangent(name: str, cache: Any, dy: Any) -> Array:
    """Return the derivative with respect to `y`, in y's shape and dtype, or reject it."""
    if not isinstance(cache, Cache):
        raise TypeError(
            f"{name}: cache must be what forward returned last, got {checks.describe(cache)}"
        )
    if cache.made_by != name:
        raise ValueError(
            f"{name}: cache comes from {cache.made_by}, expected what forward returned last"
        )
    if isinstance(dy, (int, float)):
        dy = jnp.asarray(dy, cache.y_dtype)
    dy = checks.as_array(name, "dy", dy)
    if dy.shape != cache.y_shape or dy.dtype != cache.y_dtype:
        raise (ValueError if dy.shape != cache.y_shape else TypeError)(
            f"{name}: dy must be like y, {cache.y_dtype}{cache.y_shape}, got {checks.describe(dy)}"
        )
    return dy


def returned(name: str, function: str, result: Any, *expected: str) -> Any:
    """Check that a plain function returned a tuple of the expected length."""
    if not (isinstance(result, tuple) and len(result) == len(expected)):
        raise TypeError(
            f"{name}: {function} must return ({', '.join(expected)}), got {kind(result)}"
        )
    return result


def to_jax(tree: Any) -> Any:
    """Convert the NumPy arrays of a tree to JAX arrays, except for those that JAX cannot hold."""
    return jax.tree.map(_leaf_to_jax, tree)


def _leaf_to_jax(leaf: Any) -> Any:
    if isinstance(leaf, np.ndarray) and numpy_arrays.fits(leaf):
        return numpy_arrays.to_jax(leaf)
    return leaf


def kind(value: Any) -> str:
    """Describe a function's result; for a NumPy array, say that it is one."""
    return type(value).__name__ if isinstance(value, np.ndarray) else checks.describe(value)
