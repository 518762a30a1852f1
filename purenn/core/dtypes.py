"""Dtypes chosen by the user, and the conversion of trees to them."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core import checks

NAMES = ("float16", "bfloat16", "float32", "float64")


def dtype_name(where: str, dtype: Any) -> str:
    """Return the name of a floating dtype, one of `NAMES`."""
    try:
        name = "None" if dtype is None else str(jnp.dtype(dtype))  # NumPy takes None for float64
    except TypeError:
        name = checks.describe(dtype)
    if name not in NAMES:
        raise TypeError(
            f"{where}: dtype must be {', '.join(NAMES[:-1])} or {NAMES[-1]}, such as "
            f"jnp.bfloat16, got {name}"
        )
    return name


def float_dtype(where: str, dtype: Any) -> Any:
    """Return a floating dtype that JAX can hold with its current settings."""
    name = dtype_name(where, dtype)
    if name == "float64" and not jax.config.jax_enable_x64:  # type: ignore[attr-defined]
        raise ValueError(
            f"{where}: dtype is float64, which JAX makes float32; set jax_enable_x64 first, such "
            f'as with jax.config.update("jax_enable_x64", True)'
        )
    return jnp.dtype(name)


def cast(tree: Any, dtype: Any) -> Any:
    """Cast the floating arrays of a tree to `dtype`; float64 only if JAX has enabled it."""
    dtype = jax.dtypes.canonicalize_dtype(dtype)

    def leaf(a: Any) -> Any:
        return a.astype(dtype) if isinstance(a, Array) and checks.is_float(a) else a

    return jax.tree.map(leaf, tree)


def dtype_of(tree: Any, default: Any = jnp.float32) -> Any:
    """Return the dtype of the first floating array in a tree, or `default` if there is none."""
    floats = (a.dtype for a in jax.tree.leaves(tree) if jnp.issubdtype(a.dtype, jnp.floating))
    return next(floats, jnp.dtype(default))
