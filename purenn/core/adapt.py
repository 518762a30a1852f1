"""Conversion of ops and plain functions to layers and ops."""

import functools
from collections.abc import Callable
from typing import Any

import jax
from jax import Array

from purenn.core import checks
from purenn.core.functions import no_parameters
from purenn.core.layer import Layer
from purenn.core.notation import Notation
from purenn.core.op import Op
from purenn.core.signatures import misfit, signature_of
from purenn.core.text import literal
from purenn.core.types import Fn


def as_op(where: str, name: str, part: Any) -> Op[...]:
    """Return an op, given an op, a `functools.partial` of one, or a plain function.

    `jax.vjp` differentiates plain functions. This is the only derivative in purenn that is not
    derived by hand.
    """
    if isinstance(part, Op):
        return part
    if isinstance(part, functools.partial) and isinstance(part.func, Op):
        return _bind(where, name, part)
    if isinstance(part, Layer) or not callable(part):
        raise TypeError(f"{where}: {name} must be an op or a function, got {_what(part)}")
    reject_factory(where, name, part)
    return _plain(part)


def as_layer(where: str, name: str, part: Any) -> Layer:
    """Return a layer, given a layer, an op, or a plain function of an array."""
    if isinstance(part, Layer):
        return part
    if not callable(part):
        raise TypeError(f"{where}: {name} must be a layer, an op or a function, got {_what(part)}")
    op = as_op(where, name, part)
    error = misfit(op, ("x",))
    if error:
        raise TypeError(f"{where}: {name}, {op.name}, can't be called with x alone: {error}")

    def forward(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, Any]:
        y, cache = op.forward(x)
        return y, (), cache

    def apply(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any]:
        return op(x), ()

    def backward(params: Any, cache: Any, dy: Array) -> tuple[Any, Any]:
        return (), op.backward(cache, dy)

    flops = op.flops
    return Layer(
        no_parameters,
        forward,
        backward,
        apply,
        name=op.name,
        takes="any" if op.takes == "tree" else "float",
        notation=_with_options(op),
        by_jax=op.by_jax,
        flops=None if flops is None else lambda params, x, y: flops(x, y),
        padded=op.padded,
    )


def _with_options(op: Op[...]) -> Notation:
    """Return an op's notation with its options filled in and with its full name."""
    y = op.notation.y
    y = y.replace(f"{op.name.partition('(')[0]}({{x}})", f"{literal(op.name)}({{x}})")
    return op.notation._replace(y=y, dx=with_options(op, op.notation.dx))


def with_options(op: Op[...], text: str) -> str:
    """Return a formula of an op with the values of its options filled in."""
    signature = signature_of(op)
    for name, parameter in signature.parameters.items() if signature else ():
        if parameter.kind is parameter.KEYWORD_ONLY:
            text = text.replace(f"{{{name}}}", literal(f"{parameter.default}"))
    return text


def _bind(where: str, name: str, part: functools.partial[Any]) -> Op[...]:
    """Return the op with its options bound."""
    op: Op[...] = part.func  # type: ignore[assignment]
    options = part.keywords
    if part.args:
        raise TypeError(f"{where}: {name}, a partial {op.name}, binds arrays, not options alone")
    known = signature_of(op)
    error = next((f"no option {key}" for key in options if known and not _takes(known, key)), "")
    if error:
        raise TypeError(f"{where}: {name}, a partial {op.name}, does not fit: {error}")
    forward, _, apply = op.functions
    return op.replace(
        forward=functools.partial(forward, **options),
        apply=None if apply is None else functools.partial(apply, **options),
        name=_with_values(op.name, options),
        rule=op.rule,
    )


def _takes(signature: Any, option: str) -> bool:
    """Tell whether a function has this option."""
    parameters = signature.parameters.values()
    return option in signature.parameters or any(p.kind is p.VAR_KEYWORD for p in parameters)


def _plain(function: Callable[..., Any]) -> Op[...]:
    def forward(x: Any, *arguments: Any, **options: Any) -> tuple[Any, Any]:
        if isinstance(x, Array) and not checks.is_float(x):
            return function(x, *arguments, **options), None
        return jax.vjp(lambda x: function(x, *arguments, **options), x)

    def backward(vjp: Any, dy: Array) -> Any:
        return vjp(dy)[0]

    return Op(forward, backward, function, _name(function), "tree", by_jax=True)


def _name(function: Any) -> str:
    if isinstance(function, functools.partial):
        return _with_values(_name(function.func), function.keywords)
    return str(getattr(function, "__name__", type(function).__name__))


def _with_values(name: str, options: Any) -> str:
    values = ", ".join(f"{key}={checks.describe(value)}" for key, value in options.items())
    return f"{name}({values})" if values else name


def _what(part: Any) -> str:
    if isinstance(part, (list, tuple)) and any(map(callable, part)):
        return f"{checks.describe(part)}; serial(*layers) makes one layer of several"
    return part.name if isinstance(part, (Layer, Op)) else checks.describe(part)


def reject_factory(where: str, name: str, part: Fn) -> None:
    """Reject `serial(flatten)` in place of `serial(flatten())`, the most common mistake.

    The other functions of purenn are not layers or ops, either.
    """
    public = "<locals>" not in getattr(part, "__qualname__", "<locals>")
    module = str(getattr(part, "__module__", "")).split(".")
    if not public or module[0] != "purenn":
        return
    function = getattr(part, "__name__", "it")
    if function == "accuracy":
        raise TypeError(
            f"{where}: {name} is accuracy, a metric, whose derivative is 0 almost everywhere; "
            f"train with a loss, such as softmax_cross_entropy: evaluate returns the accuracy too"
        )
    if module[1] not in ("layers", "ops", "optimizers"):
        raise TypeError(f"{where}: {name} is the function {function}, not a layer or an op")
    raise TypeError(f"{where}: {name} is the function {function} itself; call it: {function}(…)")
