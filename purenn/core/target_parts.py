"""Targets: one array, or a tuple of arrays that a loss takes one after the other."""

from collections.abc import Callable
from typing import Any

from purenn.core import checks
from purenn.core.op import Op
from purenn.core.signatures import misfit


def parts_of(targets: Any) -> tuple[Any, ...]:
    """Return the arrays that a loss takes after the predictions."""
    return targets if isinstance(targets, tuple) else (targets,)


def names_of(targets: Any, name: str = "targets") -> tuple[str, ...]:
    """Return the name of each array for messages: `targets`, or `targets[0]` of a tuple."""
    if not isinstance(targets, tuple):
        return (name,)
    return tuple(f"{name}[{i}]" for i in range(len(targets)))


def map_parts(function: Callable[[str, Any], Any], targets: Any, name: str = "targets") -> Any:
    """Return targets of the same form, with `function(name, array)` of each array."""
    mapped = map(function, names_of(targets, name), parts_of(targets))
    return tuple(mapped) if isinstance(targets, tuple) else next(mapped)


def weights_of(loss: Op[...], targets: Any) -> Any:
    """Return the weights among targets, or None."""
    parts = parts_of(targets)
    return parts[1] if loss.weighted and len(parts) > 1 else None


def loss_arguments(loss: Op[...], targets: Any) -> tuple[Any, ...]:
    """Return the arrays that a loss takes after the predictions, if it takes as many."""
    why = misfit(loss, ("predictions", *names_of(targets)))
    if why:
        raise TypeError(
            f"{loss.name}: targets is {_described(targets)}, so the loss is called with "
            f"({', '.join(('predictions', *names_of(targets)))}): {why}"
        )
    return parts_of(targets)


def _described(targets: Any) -> str:
    if isinstance(targets, tuple):
        return checks.describe(targets) if targets else "an empty tuple"
    return "one array"
