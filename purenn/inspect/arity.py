"""A function that takes another number of arguments than it is called with."""

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

from purenn.core.signatures import signature_of


def refuse_arity(
    name: str,
    function: Any,
    arguments: Sequence[str],
    options: Iterable[str] = (),
    called: str = "",
) -> None:
    """Refuse a function that can't be called like this, in the words of its own signature.

    Args:
        name: of the function, for the message.
        function: what is going to be called.
        arguments: what its positional arguments are.
        options: the names of its keyword arguments.
        called: the arguments in words, if their names say too little.

    Raises:
        TypeError: it takes more or fewer arguments, or other options.
    """
    signature = signature_of(function)
    if signature is None:
        return
    try:
        signature.bind(*arguments, **dict.fromkeys(options))
        return
    except TypeError as error:
        why = str(error)
    parameters = list(signature.parameters.values())
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    places = [p for p in parameters if p.kind in positional and p.name not in options]
    least = sum(p.default is p.empty for p in places)
    more = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    most = float("inf") if more else len(places)
    shown = f"check_gradients: {name}({', '.join(map(_shown, parameters))})"
    if least <= len(arguments) <= most:  # then it is an option
        raise TypeError(
            f"{shown} is called with {', '.join(f'{option}=…' for option in options)}: {why}"
        )
    count = f"{least} or more" if more else f"{least}" if least == most else f"{least} to {most}"
    raise TypeError(
        f"{shown} takes {count} argument{'s' * (count != '1')}, but is called with "
        f"{len(arguments)}: {called or ', '.join(arguments)}"
    )


def name_of(function: Any, role: str) -> str:
    """What a user calls a function: its name, or its role if it is a lambda."""
    name = getattr(function, "__name__", role)
    return role if name == "<lambda>" else name


def _shown(parameter: inspect.Parameter) -> str:
    if parameter.kind is parameter.KEYWORD_ONLY:
        return f"{parameter.name}=…"
    return str(parameter).split(":")[0].split("=")[0].strip()  # with its stars
