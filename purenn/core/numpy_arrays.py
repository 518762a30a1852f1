"""The conversion of NumPy arrays to JAX: dtypes, byte order, and copies."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


def is_numpy(value: Any) -> bool:
    """Tell whether a value is a NumPy array of numbers, not text, objects, records, or masks."""
    if not isinstance(value, (np.ndarray, np.generic)) or isinstance(value, np.ma.MaskedArray):
        return False
    dtype = value.dtype  # those of ml_dtypes, such as bfloat16, have kind V
    return dtype.kind in "biufc" or bool(dtype.kind == "V" and jnp.issubdtype(dtype, jnp.number))


def fits(value: np.ndarray[Any, Any] | np.generic) -> bool:
    """Tell whether JAX can hold these numbers: without x64, 2**32 + 1 would become 1."""
    if not is_numpy(value) or value.dtype.kind not in "iu":
        return is_numpy(value)
    ends = np.iinfo(jax.dtypes.canonicalize_dtype(value.dtype.newbyteorder("=")))
    # Only arrays of wider types are searched.
    narrow = value.dtype.itemsize <= ends.dtype.itemsize or value.size == 0
    return narrow or bool(ends.min <= value.min() and value.max() <= ends.max)


def native(value: Any) -> Any:
    """Return the numbers in the machine's byte order, the only one that JAX accepts.

    Files often use the other order: IDX, FITS, and HDF5 are big-endian. `longdouble` becomes
    float64.
    """
    if value.dtype.kind == "f" and value.dtype.itemsize > 8:
        return value.astype(np.float64)
    return value if value.dtype.isnative else value.astype(value.dtype.newbyteorder("="))


def to_jax(value: Any) -> Array:
    """Return a copy of the numbers as a JAX array.

    `jnp.asarray(value)` would compile a program for each shape. With a dtype it would share the
    memory, to which the caller may write.
    """
    value = native(value)
    value = np.array(value, jax.dtypes.canonicalize_dtype(value.dtype))
    return jnp.asarray(value, value.dtype)
