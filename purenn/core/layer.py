"""`Layer` and `Op`: values that hold pure functions, with their checks at the door.

    Layer:  init(key, in_shape) -> (params, state)
            forward(params, state, x, *, train=False, key=None) -> (y, state, cache)
            backward(params, cache, dy) -> (dparams, dx)
            apply(params, state, x, *, train=False, key=None) -> (y, state)

    Op:     op(x, ...) -> y
            forward(x, ...) -> (y, cache)
            backward(cache, dy) -> dx

The functions in a layer's own file are only the maths. What every layer must refuse or convert is
done here, once: NumPy arrays, integers, a cotangent of the wrong shape, `dy=None`, an integer `x`.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from purenn.core import checks
from purenn.core.calls import refuse_call, refuse_function

Fn = Callable[..., Any]


class Notation(NamedTuple):
    """How a part is written in `summary` and `explain`; `{x}`, `{dy}`, `{w}` … are filled in."""

    symbol: str = "A"  # of its output; Z begins a new layer number
    y: str = ""  # the right-hand side of the output's line
    dx: str = ""
    dparams: tuple[str, ...] = ()  # one for each leaf of the parameters
    link: Any = None  # of a logits loss: the op that makes them probabilities
    evaluated: Any = None  # the notation with train=False, where it is another


PLAIN = Notation()


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Cache:
    """What a forward hands its backward: the arrays it saved, and static facts about x and y."""

    saved: Any
    y_shape: tuple[int, ...] = field(metadata={"static": True})
    y_dtype: np.dtype[Any] = field(metadata={"static": True})
    integer_x: bool = field(metadata={"static": True})
    of: str = field(metadata={"static": True})  # the name of the part whose forward made it


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer: `init`, `forward` and `backward`, and `apply`, which is `forward` less the cache.

    Compared and hashed by identity, so that it can be a static argument; it is no pytree.

    Attributes:
        init: `(key, in_shape) -> (params, state)`; `in_shape` is one example's, without batch.
        forward: `(params, state, x, *, train=False, key=None) -> (y, state, cache)`.
        backward: `(params, cache, dy) -> (dparams, dx)`, derived by hand.
        apply: `forward` without the cache, unless given: ordinary JAX code.
        name: for error messages, `summary` and `explain`.
        takes: which dtypes `x` may have: "float", "integer" or "any".
        parts: the layers that this one applies one after the other, if that is all it does.
        notation: how `summary` and `explain` write it.
        by_jax: whether its derivative is left to `jax.vjp` (a plain function).
    """

    init: Fn
    forward: Fn
    backward: Fn
    apply: Fn = None  # type: ignore[assignment]
    name: str = "layer"
    takes: Literal["float", "integer", "any"] = "float"
    parts: tuple["Layer", ...] = ()
    notation: Notation = PLAIN
    by_jax: bool = False

    def __post_init__(self) -> None:
        """Put the checks around the functions."""
        for name in ("init", "forward", "backward"):
            plain = checks.function("Layer", name, getattr(self, name))
            if not hasattr(plain, "checked"):
                object.__setattr__(self, name, _with_checks(_LAYER_CHECKS[name], self, plain))
        if self.apply is None:
            object.__setattr__(self, "apply", _without_cache(self.forward))
        checks.function("Layer", "apply", self.apply)
        checks.one_of("Layer", "takes", self.takes, ("float", "integer", "any"))

    def __repr__(self) -> str:
        """The call that made it."""
        return self.name


@dataclass(frozen=True, eq=False)
class Op:
    """A function with a hand-derived derivative by its first argument.

    Arrays go by position; options are keyword-only and static. Compared and hashed by identity.

    Attributes:
        forward: `(x, ...) -> (y, cache)`.
        backward: `(cache, dy) -> dx`, derived by hand.
        apply: what calling the op does: `forward` without the cache, unless given.
        name: for error messages, `summary` and `explain`.
        takes: "float" for an array, "tree" for a pytree (a penalty of the parameters).
        notation: how `summary` and `explain` write it.
        by_jax: whether its derivative is left to `jax.vjp` (a plain function).
    """

    forward: Fn
    backward: Fn
    apply: Fn = None  # type: ignore[assignment]
    name: str = "op"
    takes: Literal["float", "tree"] = "float"
    notation: Notation = PLAIN
    by_jax: bool = False

    def __post_init__(self) -> None:
        """Put the checks around the functions."""
        for name in ("forward", "backward"):
            plain = checks.function("Op", name, getattr(self, name))
            if not hasattr(plain, "checked"):
                object.__setattr__(self, name, _with_checks(_OP_CHECKS[name], self, plain))
        object.__setattr__(self, "__doc__", self.forward.__doc__)
        if self.apply is None:
            object.__setattr__(self, "apply", _without_cache(self.forward))
        checks.function("Op", "apply", self.apply)
        checks.one_of("Op", "takes", self.takes, ("float", "tree"))

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """The value at the first argument: plain JAX code, differentiable in every mode."""
        if not arguments:
            raise TypeError(
                f"{self.name}: x is missing. Arrays go by position, {self.name}(x); where a "
                f"function is expected, pass {self.name} itself, not {self.name}()"
            )
        return self.apply(*arguments, **options)

    def __repr__(self) -> str:
        """The op's name."""
        return self.name


def no_parameters(key: Any, in_shape: tuple[int, ...]) -> tuple[tuple[()], tuple[()]]:
    """The `init` of a layer that has neither parameters nor state."""
    return (), ()


def _with_checks(check: Any, part: Layer | Op, plain: Fn) -> Fn:
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

    checked.checked = True  # type: ignore[attr-defined]
    return checked


def _without_cache(forward: Fn) -> Fn:
    def apply(*arguments: Any, **options: Any) -> Any:
        result = forward(*arguments, **options)[:-1]
        return result if len(result) > 1 else result[0]

    return apply


def _to_jax(tree: Any) -> Any:
    return jax.tree.map(lambda a: jnp.asarray(a) if isinstance(a, np.ndarray) else a, tree)


def _entry(part: Layer | Op, x: Any, name: str = "x") -> Any:
    """The first argument, converted and of a dtype that the part takes."""
    if part.takes == "tree":
        return _to_jax(x)
    if part.takes == "float":
        return checks.float_array(part.name, name, x)
    x = checks.as_array(part.name, "x", x)
    if part.takes == "integer" and checks.is_float(x):
        raise TypeError(f"{part.name}: x must be integers, got {checks.describe(x)}")
    return x


def _cache(part: Layer | Op, x: Any, y: Any, saved: Any) -> Cache:
    if not isinstance(y, jax.Array):
        raise TypeError(f"{part.name}: forward must return a jax.Array as y, got {_kind(y)}")
    integer_x = isinstance(x, jax.Array) and not checks.is_float(x)
    return Cache(saved, y.shape, y.dtype, integer_x, part.name)


def _kind(value: Any) -> str:
    return type(value).__name__ if isinstance(value, np.ndarray) else checks.describe(value)


def _cotangent(part: Layer | Op, cache: Any, dy: Any) -> jax.Array:
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


def _init(layer: Layer, init: Fn, key: Any, in_shape: Any) -> tuple[Any, Any]:
    result = init(key, checks.shape_tuple(layer.name, in_shape))
    if not (isinstance(result, tuple) and len(result) == 2):
        raise TypeError(f"{layer.name}: init must return (params, state), got {_kind(result)}")
    return result


def _layer_forward(
    layer: Layer,
    forward: Fn,
    params: Any,
    state: Any,
    x: Any,
    *,
    train: bool = False,
    key: Any = None,
) -> tuple[jax.Array, Any, Cache]:
    checks.flag(layer.name, "train", train)
    x = _entry(layer, x)
    result = forward(_to_jax(params), state, x, train=train, key=key)
    if not (isinstance(result, tuple) and len(result) == 3):
        raise TypeError(f"{layer.name}: forward must return (y, state, cache), got {_kind(result)}")
    y, state, saved = result
    return y, state, _cache(layer, x, y, saved)


def _layer_backward(
    layer: Layer, backward: Fn, params: Any, cache: Any, dy: Any
) -> tuple[Any, jax.Array | None]:
    params = _to_jax(params)
    if dy is None:
        return jax.tree.map(jnp.zeros_like, params), None
    dy = _cotangent(layer, cache, dy)
    result = backward(params, cache.saved, dy)
    if not (isinstance(result, tuple) and len(result) == 2):
        raise TypeError(f"{layer.name}: backward must return (dparams, dx), got {_kind(result)}")
    dparams, dx = result
    return dparams, None if cache.integer_x else dx


def _op_forward(op: Op, forward: Fn, x: Any, *arguments: Any, **options: Any) -> tuple[Any, Cache]:
    if isinstance(x, (int, float)) and not isinstance(x, bool):
        x = jnp.asarray(x, float)
    code = getattr(forward, "__code__", None)
    x = _entry(op, x, code.co_varnames[0] if code and code.co_varnames else "x")
    result = forward(x, *map(_to_jax, arguments), **options)
    if not (isinstance(result, tuple) and len(result) == 2):
        raise TypeError(f"{op.name}: forward must return (y, cache), got {_kind(result)}")
    y, saved = result
    return y, _cache(op, x, y, saved)


def _op_backward(op: Op, backward: Fn, cache: Any, dy: Any) -> Any:
    if dy is None:
        return None
    dy = _cotangent(op, cache, dy)
    return None if cache.integer_x else backward(cache.saved, dy)


_LAYER_CHECKS = {"init": _init, "forward": _layer_forward, "backward": _layer_backward}
_OP_CHECKS = {"forward": _op_forward, "backward": _op_backward}
_CALLS = {
    _init: "init",
    _layer_forward: "layer forward",
    _layer_backward: "layer backward",
    _op_backward: "op backward",
}
