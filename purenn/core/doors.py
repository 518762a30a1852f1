"""The door of every layer and op: what is converted, and what is refused, before the maths.

NumPy arrays become JAX's, integers are refused or, where they may come in, have no derivative; a
cotangent must be like `y`; `dy=None` gives zeros. Done here once, so that the functions of a layer
hold nothing but its equations.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from purenn.core import checks
from purenn.core.calls import CALLS, first_argument, refuse_call, refuse_function, signature_of
from purenn.core.deleted import refuse_deleted
from purenn.core.sharding import lying_like

Fn = Callable[..., Any]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Cache:
    """What a forward hands its backward: the arrays it saved, and static facts about x and y."""

    saved: Any
    y_shape: tuple[int, ...] = field(metadata={"static": True})
    y_dtype: np.dtype[Any] = field(metadata={"static": True})
    integer_x: bool = field(metadata={"static": True})
    of: str = field(metadata={"static": True})  # the name of the part whose forward made it


def behind_door(check: Any, part: Any, plain: Fn) -> Fn:
    """The function with the checks around it; one that has them already stays as it is."""
    if hasattr(plain, "checked"):
        return plain

    @functools.wraps(plain)
    def checked(*arguments: Any, **options: Any) -> Any:
        try:
            return check(part, plain, *arguments, **options)
        except TypeError:
            if check in _CALLS:
                refuse_function(part.name, _CALLS[check], plain)
            wanted = plain if check is _op_forward else functools.partial(check, part, plain)
            refuse_call(part.name, wanted, arguments, options)
            raise
        except RuntimeError:  # such as "Array has been deleted"
            refuse_deleted(part.name, **_named(check, part, plain, arguments), **options)
            raise

    checked.checked = True  # type: ignore[attr-defined]
    return checked


def _named(check: Any, part: Any, plain: Fn, arguments: Any) -> dict[str, Any]:
    if check in _CALLS:
        names = CALLS[_CALLS[check]][0]
    else:
        signature = signature_of(part.apply if part.by_jax else plain)
        names = tuple(signature.parameters) if signature else ("x",)
    return dict(zip(names, arguments, strict=False))


def to_jax(tree: Any) -> Any:
    """Return a tree whose NumPy arrays are JAX's."""

    def leaf(a: Any) -> Any:
        if isinstance(a, np.ndarray) and checks.fits(a):
            return jnp.asarray(checks.native(a))
        return a  # what JAX can't hold stays, for the part to refuse by name

    return jax.tree.map(leaf, tree)


def _entry(part: Any, x: Any, forward: Fn | None = None) -> Any:
    """The first argument, converted and of a dtype that the part takes."""
    if part.takes == "tree":
        return to_jax(x)
    if part.takes == "float":
        if isinstance(x, jax.Array) and checks.is_float(x):
            return x
        name = first_argument(forward) if forward else "x"  # slow to find: not on every call
        return checks.float_array(part.name, name, x)
    x = checks.as_array(part.name, "x", x)
    if part.takes == "integer" and checks.is_float(x):
        raise TypeError(f"{part.name}: x must be integers, got {checks.describe(x)}")
    return x


def _cache(part: Any, x: Any, y: Any, saved: Any) -> Cache:
    if not isinstance(y, jax.Array):
        raise TypeError(f"{part.name}: forward must return a jax.Array as y, got {_kind(y)}")
    integer_x = isinstance(x, jax.Array) and not checks.is_float(x)
    return Cache(saved, y.shape, y.dtype, integer_x, part.name)


def _kind(value: Any) -> str:
    return type(value).__name__ if isinstance(value, np.ndarray) else checks.describe(value)


def _cotangent(part: Any, cache: Any, dy: Any) -> jax.Array:
    """The derivative by `y`: of y's shape and dtype, or refused."""
    if not isinstance(cache, Cache):
        raise TypeError(
            f"{part.name}: cache must be what forward returned last, got {checks.describe(cache)}"
        )
    if cache.of != part.name:
        raise ValueError(
            f"{part.name}: cache comes from {cache.of}, expected what forward returned last"
        )
    if isinstance(dy, (int, float)):
        dy = jnp.asarray(dy, cache.y_dtype)
    dy = checks.as_array(part.name, "dy", dy)
    if dy.shape != cache.y_shape or dy.dtype != cache.y_dtype:
        raise (ValueError if dy.shape != cache.y_shape else TypeError)(
            f"{part.name}: dy must be like y, {cache.y_dtype}{cache.y_shape}, "
            f"got {checks.describe(dy)}"
        )
    return dy


def _init(layer: Any, init: Fn, key: Any, in_shape: Any) -> tuple[Any, Any]:
    result = init(key, checks.shape_tuple(layer.name, in_shape))
    if not (isinstance(result, tuple) and len(result) == 2):
        raise TypeError(f"{layer.name}: init must return (params, state), got {_kind(result)}")
    return result


def _layer_forward(
    layer: Any,
    forward: Fn,
    params: Any,
    state: Any,
    x: Any,
    *,
    train: bool = False,
    key: Any = None,
) -> tuple[jax.Array, Any, Cache]:
    checks.flag(layer.name, "train", train)
    x, (params, state) = _entry(layer, x), to_jax((params, state))
    result = forward(params, state, x, train=train, key=key)
    if not (isinstance(result, tuple) and len(result) == 3):
        raise TypeError(f"{layer.name}: forward must return (y, state, cache), got {_kind(result)}")
    y, new_state, saved = result
    return y, lying_like(new_state, state), _cache(layer, x, y, saved)


def _layer_apply(
    layer: Any, apply: Fn, params: Any, state: Any, x: Any, *, train: bool = False, key: Any = None
) -> tuple[jax.Array, Any]:
    x, (params, state) = _entry(layer, x), to_jax((params, state))
    return apply(params, state, x, train=train, key=key)


def _layer_backward(
    layer: Any, backward: Fn, params: Any, cache: Any, dy: Any
) -> tuple[Any, jax.Array | None]:
    params = to_jax(params)
    if dy is None:
        return jax.tree.map(jnp.zeros_like, params), None
    dy = _cotangent(layer, cache, dy)
    result = backward(params, cache.saved, dy)
    if not (isinstance(result, tuple) and len(result) == 2):
        raise TypeError(f"{layer.name}: backward must return (dparams, dx), got {_kind(result)}")
    dparams, dx = result
    return lying_like(dparams, params), None if cache.integer_x else dx


def _op_forward(op: Any, forward: Fn, x: Any, *arguments: Any, **options: Any) -> tuple[Any, Cache]:
    if isinstance(x, (int, float)) and not isinstance(x, bool):
        x = jnp.asarray(x, float)
    x = _entry(op, x, forward)
    result = forward(x, *to_jax(arguments), **options)
    if not (isinstance(result, tuple) and len(result) == 2):
        raise TypeError(f"{op.name}: forward must return (y, cache), got {_kind(result)}")
    y, saved = result
    return y, _cache(op, x, y, saved)


def _op_backward(op: Any, backward: Fn, cache: Any, dy: Any) -> Any:
    if dy is None:
        return None
    dy = _cotangent(op, cache, dy)
    return None if cache.integer_x else backward(cache.saved, dy)


LAYER_DOORS = {
    "init": _init,
    "forward": _layer_forward,
    "backward": _layer_backward,
    "apply": _layer_apply,
}
OP_DOORS = {"forward": _op_forward, "backward": _op_backward}
_CALLS = {
    _init: "init",
    _layer_forward: "layer forward",
    _layer_apply: "layer forward",
    _layer_backward: "layer backward",
    _op_backward: "op backward",
}
