"""Checks of hyperparameters: numbers, which may be traced, and counts, which are static."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core import checks


def number(
    where: str,
    name: str,
    value: Any,
    least: float = -math.inf,
    below: float = math.inf,
    *,
    static: bool = False,
) -> Any:
    """Return a number with `least <= value < below`: a Python float, or a traced scalar.

    A concrete scalar array becomes a float. The value of a traced scalar, as under `vmap` over a
    hyperparameter, is not known yet. If it is out of range, it becomes NaN, which stops a run.
    """
    if is_scalar(value):
        if not checks.is_concrete(value):
            return _traced_number(where, name, value, least, below, static=static)
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
        several = "; vmap over it to try several" if getattr(value, "shape", ()) else ""
        raise TypeError(f"{where}: {name} must be a number, got {checks.describe(value)}{several}")
    if not (math.isfinite(value) and least <= value < below):
        bounds = f"{least:g} <= {name}" + (f" < {below:g}" if below < math.inf else "")
        raise ValueError(
            f"{where}: expected {bounds if least > -math.inf else f'{name} finite'}, got {value}"
        )
    return float(value)


def _traced_number(
    where: str, name: str, value: Array, least: float, below: float, *, static: bool
) -> Array:
    if static:
        raise TypeError(
            f"{where}: {name} must be a Python number, since options are static, got a traced "
            f"{checks.describe(value)}"
        )
    value = value if checks.is_float(value) else value.astype(jnp.float32)
    if least == -math.inf and below == math.inf:
        return value
    return jnp.where((value >= least) & (value < below), value, jnp.nan)


def is_scalar(value: Any) -> bool:
    """Tell whether a value is a real number in an array without axes, concrete or traced."""
    if not isinstance(value, (Array, np.ndarray)) or value.shape != ():
        return False
    kinds = (jnp.floating, jnp.integer)
    return any(jnp.issubdtype(value.dtype, kind) for kind in kinds)


def shown(value: Any, form: str = "g") -> str:
    """Write a number for the name of a layer or an op; a traced number is not known yet."""
    return format(value, form) if checks.is_concrete(value) else "traced"


def count(where: str, name: str, value: Any, least: int = 1) -> int:
    """Return a whole number, at least `least`; a concrete scalar array is allowed."""
    if is_scalar(value) and checks.is_concrete(value) and jnp.issubdtype(value.dtype, jnp.integer):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        traced = "" if checks.is_concrete(value) else "; it is static: it decides what is compiled"
        raise TypeError(
            f"{where}: {name} must be a whole number, got {checks.describe(value)}{traced}"
        )
    if value < least:
        raise ValueError(f"{where}: {name} must be at least {least}, got {value}")
    return int(value)


def pair(where: str, name: str, value: Any) -> tuple[int, int]:
    """Return a height and a width, whole numbers of at least 1; one number stands for both."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        n = count(where, name, value)
        return n, n
    if not isinstance(value, tuple) or len(value) != 2:
        raise TypeError(
            f"{where}: {name} must be a pair of whole numbers, (height, width), or one number for "
            f"both; got {checks.describe(value)}"
        )
    return count(where, f"{name}[0]", value[0]), count(where, f"{name}[1]", value[1])
