"""Calls that do not fit: Python's own error names a function that no user has seen."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

# What a layer's and an op's own functions are called with.
CALLS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "init": (("key", "in_shape"), ()),
    "layer forward": (("params", "state", "x"), ("train", "key")),
    "layer backward": (("params", "cache", "dy"), ()),
    "op backward": (("cache", "dy"), ()),
}


def signature_of(function: Any) -> inspect.Signature | None:
    """A signature, if the function has one to look at."""
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


def first_argument(function: Any) -> str:
    """What a function calls its first argument, for an error that is about it."""
    signature = signature_of(function)
    return next(iter(signature.parameters), "x") if signature else "x"


def unfit(function: Any, arguments: Any, options: Any) -> str:
    """Why a function can't be called like this, as far as its signature tells.

    With `arguments=None` they come later, and the options alone are tried.
    """
    signature = signature_of(function)
    try:
        if signature is not None and arguments is None:
            signature.bind_partial(**options)
        elif signature is not None:
            signature.bind(*arguments, **options)
    except TypeError as error:
        return str(error)
    return ""


def refuse_function(where: str, call: str, function: Any) -> None:
    """Refuse a user's own function that does not take what a layer's or an op's must."""
    arguments, options = CALLS[call]
    error = unfit(function, arguments, dict.fromkeys(options))
    if error:
        wanted = ", ".join((*arguments, *(f"{option}=…" for option in options)))
        name = getattr(function, "__name__", "it")
        raise TypeError(f"{where}: {name} can't be called as ({wanted}): {error}") from None


def refuse_call(where: str, function: Any, arguments: Any, options: Any) -> None:
    """Refuse arguments that a function does not take, in the words of its signature."""
    error, signature = unfit(function, arguments, options), signature_of(function)
    if error and signature is not None:
        names = [
            f"{name}=…" if parameter.kind is parameter.KEYWORD_ONLY else name
            for name, parameter in signature.parameters.items()
        ]
        forgotten = "missing" in error and "state" in signature.parameters
        hint = "; state is what init returned second, () where there is none" if forgotten else ""
        raise TypeError(f"{where}: {error}; expected ({', '.join(names)}){hint}") from None


def called_as(where: str) -> Callable[[F], F]:
    """Make a call that does not fit a function say, in its own words, what was expected."""

    def around(function: F) -> F:
        @functools.wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            try:
                return function(*arguments, **options)
            except TypeError:
                refuse_call(where, function, arguments, options)
                raise

        return call  # type: ignore[return-value]

    return around
