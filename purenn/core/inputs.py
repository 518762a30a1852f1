"""The input `x` of a layer or a model: an array or a `Padded`."""

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from jax import Array

from purenn.core import checks
from purenn.core.padded import Padded, array_of
from purenn.core.types import Fn

if TYPE_CHECKING:
    from purenn.core.layer import Layer


def as_input(where: str, name: str, value: Any, convert: Fn = checks.as_array) -> Any:
    """Return an array, or a `Padded` whose arrays match; reject anything else.

    Args:
        where: the beginning of messages.
        name: the name of the argument.
        value: the value of the argument.
        convert: `(where, name, value) -> array`, which converts to JAX arrays by default.
    """
    if not isinstance(value, Padded):
        return convert(where, name, value)
    x = convert(where, f"{name}.x", value.x)
    valid = checks.real_array(where, f"{name}.valid", value.valid)
    if valid.dtype != bool:
        raise TypeError(
            f"{where}: {name}.valid must be bool, True at each position of a sequence, "
            f"got {checks.describe(valid)}"
        )
    if isinstance(x, Array):
        valid = checks.as_array(where, f"{name}.valid", valid)
    if valid.ndim != 2 or x.shape[:2] != valid.shape:
        raise ValueError(
            f"{where}: {name}.x has shape {x.shape} and {name}.valid {valid.shape}; expected "
            f"(batch, time, ...) and (batch, time)"
        )
    if x.ndim == 2 and checks.is_float(x):
        raise ValueError(
            f"{where}: {name}.x has shape {x.shape}, expected (batch, time, features); for one "
            f"feature per position pass x[..., None]"
        )
    return Padded(x, valid)


def with_zeros(where: str, x: Any) -> Any:
    """Return `x`, with 0 in its padding if it is `Padded` and floating point.

    The derivative with respect to padding is 0, but padding may hold NaN, and 0 times NaN is NaN.
    """
    if not isinstance(x, Padded):
        return x
    x, valid = as_input(where, "x", x)
    if not checks.is_float(x):
        return Padded(x, valid)
    positions = jnp.expand_dims(valid, tuple(range(2, x.ndim)))
    return Padded(jnp.where(positions, x, jnp.zeros((), x.dtype)), valid)


def input_of(layer: "Layer", x: Any) -> Any:
    """Return `x` as JAX arrays, if the layer accepts its kind and its dtype."""
    if isinstance(x, Padded):
        if layer.padded == "rejects":
            raise TypeError(f"{layer.name}: x is Padded, {_why_rejected(layer)}")
    elif layer.batch is None:  # fast, since layers may be called one by one
        return _CONVERT[layer.takes](layer.name, "x", x)
    x = as_input(layer.name, "x", x, _CONVERT[layer.takes])
    if layer.batch is not None and array_of(x).shape[:1] != (layer.batch,):
        raise ValueError(
            f"{layer.name}: x has shape {array_of(x).shape}, expected ({layer.batch}, time, ...), "
            f"since its state is made for a batch of {layer.batch}"
        )
    return x


def _integers(where: str, name: str, value: Any) -> Array:
    value = checks.as_array(where, name, value)
    if not jnp.issubdtype(value.dtype, jnp.integer):
        raise TypeError(
            f"{where}: {name} must be integers, got {checks.describe(value)}; "
            f"convert it with {name}.astype(jnp.int32)"
        )
    return value


_CONVERT = {"float": checks.float_array, "integer": _integers, "any": checks.as_array}


def seen(layer: "Layer", x: Any) -> Any:
    """Return `x` in the form that the layer's plain functions receive."""
    return array_of(x) if layer.padded == "ignores" else x


def output_of(layer: "Layer", x: Any, y: Any) -> Any:
    """Return `y` with the valid positions of `x`, if the plain functions did not receive them."""
    if not isinstance(x, Padded) or layer.padded == "uses":
        return y
    if y.shape[:2] != x.valid.shape:
        raise ValueError(
            f"{layer.name}: turned x of shape {array_of(x).shape} into {y.shape}, but padded is "
            f'"ignores"; expected the axes of batch and time to stay first'
        )
    return Padded(y, x.valid)


def _why_rejected(layer: "Layer") -> str:
    if layer.batch is not None:
        return f"but {layer.name} reads sequences piece by piece, where each position is valid"
    if layer.by_jax:
        return (
            f"but a plain function may mix positions, and padding would count; if it treats each "
            f'position separately, pass serial({layer.name}).replace(padded="ignores")'
        )
    return (
        f"but the output of {layer.name} at a position may depend on others, and padding would "
        f'count; if your own layer treats each position separately, set padded="ignores"'
    )


def vocabulary_of(layer: "Layer") -> int | None:
    """Return the size of the vocabulary if a model's `x` is tokens, else None."""
    if layer.vocabulary is not None:
        return layer.vocabulary
    found = [vocabulary_of(inside) for inside in layer.parts[:1] or layer.inner]
    return min((count for count in found if count is not None), default=None)
