"""Values that are not JAX or NumPy arrays: their names in errors, and how to convert them."""

from contextlib import suppress
from typing import Any

import jax
import numpy as np

from purenn.core.padded import Padded

SEVERAL = (
    "a model takes one array; for several inputs or outputs, write your own function that calls "
    "layers, with by_hand and jax.grad"
)


def described(value: Any) -> str:
    """Name the library, the type, and any shape of a value: a pandas.Series (64,)."""
    kind, library = type(value).__name__, type(value).__module__.partition(".")[0]
    if hasattr(value, "shape") and library not in ("builtins", "__main__"):
        kind = f"{library}.{kind}"
    with suppress(AttributeError, TypeError):
        kind += f" of shape {tuple(value.shape)}"
    return f"{'an' if kind[0] in 'AEIOUaeiou' else 'a'} {kind}"


def remedy(name: str, value: Any) -> str:
    """Say, at the end of an error message, how to convert a value to an array, if possible."""
    what = it(name)
    if isinstance(value, Padded):
        return f"; pass {what}.x, and {what}.valid as the weights of a loss"
    if isinstance(value, jax.Array):
        return ""
    if isinstance(value, np.ma.MaskedArray):
        return f"; fill its gaps with {what}.filled(…)"
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.names:
            return "; pass its fields as columns of one array"
        if value.dtype.kind in "OUST":
            classes = f", or classes with np.unique({what}, return_inverse=True)[1]"
            return f"; convert numbers with {what}.astype(float)" + classes * ("targets" in name)
        return ""
    if isinstance(value, dict):
        return f"; {SEVERAL}"
    if isinstance(value, (list, tuple)):
        arrays = bool(value) and all(hasattr(part, "shape") for part in value)
        if isinstance(value, tuple):
            several = "pass them one after the other" if "targets" in name else SEVERAL
            return f"; {several}" if arrays else ""
        if arrays and "targets" in name:
            return (
                f"; convert it with jnp.stack({what}), or with tuple({what}) if a loss takes each"
            )
        return f"; convert it with jnp.{'stack' if arrays else 'array'}({what})"
    for method in ("toarray", "to_numpy"):  # of sparse matrices; of pandas, polars, and xarray
        if callable(getattr(value, method, None)):
            return f"; convert it with {what}.{method}()"
    if hasattr(value, "__array__"):
        detached = ".detach().cpu()" if hasattr(value, "detach") else ""  # PyTorch's
        return f"; convert it with np.asarray({what}{detached})"
    if hasattr(value, "__dlpack__"):
        return f"; convert it with jnp.from_dlpack({what})"
    return ""


def it(name: str) -> str:
    """Return the name of an argument as code, or dots if it is not a plain name."""
    return name if " " not in name else "…"
