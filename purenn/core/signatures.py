"""Checks of how a function can be called, from its signature."""

import inspect
from collections.abc import Iterable
from typing import Any

from purenn.core import checks

# How a layer's and an op's plain functions are called.
INIT = ("key", "in_shape")
FORWARD = ("params", "state", "x")
FORWARD_OPTIONS = ("train", "key")
FORWARD_CALL = (*FORWARD, "key")  # as located errors name the arguments
BACKWARD = ("params", "cache", "dy")
OP_BACKWARD = ("cache", "dy")


def signature_of(function: Any) -> inspect.Signature | None:
    """Return a function's signature, or None if Python cannot determine it."""
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


def first_argument(function: Any) -> str:
    """Return the name of a function's first argument, or `x` if it is not known."""
    signature = signature_of(function)
    return next(iter(signature.parameters), "x") if signature else "x"


def misfit(function: Any, arguments: Iterable[Any], options: Iterable[str] = ()) -> str:
    """Say why a function cannot be called like this; say nothing if it can, as far as is known."""
    signature = signature_of(function)
    if signature is None:
        return ""
    try:
        signature.bind(*arguments, **dict.fromkeys(options))
    except TypeError as error:
        return str(error)
    return ""


def check_function(
    where: str, name: str, function: Any, arguments: Iterable[str], options: Iterable[str] = ()
) -> None:
    """Check that a function can be called with these arguments."""
    why = misfit(function, arguments, options)
    if why:
        wanted = ", ".join((*arguments, *(f"{option}=…" for option in options)))
        raise TypeError(f"{where}: {name} must take ({wanted}): {why}")


def check_layer(name: str, init: Any, forward: Any, backward: Any, apply: Any) -> None:
    """Check that the plain functions of a layer can be called as its methods call them."""
    for function, value in (("init", init), ("forward", forward), ("backward", backward)):
        checks.function("Layer", function, value)
    check_function(name, "init", init, INIT)
    check_function(name, "forward", forward, FORWARD, FORWARD_OPTIONS)
    check_function(name, "backward", backward, BACKWARD)
    if apply is not None:
        checks.function("Layer", "apply", apply)
        check_function(name, "apply", apply, FORWARD, FORWARD_OPTIONS)
