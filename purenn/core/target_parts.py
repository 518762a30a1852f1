"""Targets: one array, or a tuple of arrays that a loss takes as separate arguments."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from purenn.core import checks
from purenn.core.op import Op
from purenn.core.padded import Padded
from purenn.core.signatures import misfit


def parts_of(targets: Any) -> tuple[Any, ...]:
    """Return the arrays that are passed to a loss after the predictions."""
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


def weights_of(loss: Op[...], targets: Any, y: Any = None) -> Any:
    """Return the weight of each example, position, or element, or None.

    Args:
        loss: the loss.
        targets: one array, or a tuple, whose second array holds the weights if the loss takes any.
        y: the output of the model. If it is `Padded`, its valid positions are weights, too.
    """
    parts = parts_of(targets)
    weights = parts[1] if loss.weighted and len(parts) > 1 else None
    if not isinstance(y, Padded):
        return weights
    if not loss.weighted:
        raise TypeError(
            f"{loss.name}: the model's output is Padded, and {loss.name} takes no weights, so that "
            f"padding would count; if your own loss takes weights as its third argument, make it "
            f"an Op(..., weighted=True)"
        )
    return _counting(loss, y, weights)


def _counting(loss: Op[...], y: Padded, weights: Any) -> Any:
    """Return the weights, 0 where a position is not valid; arrays on the host stay there."""
    shape, valid = (*y.valid.shape, *y.x.shape[2:]), y.valid
    if weights is None:
        dtype = y.x.dtype if jnp.issubdtype(y.x.dtype, jnp.floating) else jnp.float32
        weights = valid.astype(dtype)
        if not loss.of_classes:
            return weights
        lib = np if isinstance(weights, np.ndarray) else jnp  # one weight for each row of classes
        weights = lib.expand_dims(weights, tuple(range(2, len(shape) - 1)))
        return lib.broadcast_to(weights, shape[:-1])
    if weights.shape != shape[: weights.ndim] or weights.ndim == 0:
        return weights  # which the loss rejects
    axes = max(weights.ndim, 2)
    lib = np if isinstance(weights, np.ndarray) and isinstance(valid, np.ndarray) else jnp
    valid, weights = (lib.expand_dims(a, tuple(range(a.ndim, axes))) for a in (valid, weights))
    return lib.where(valid, weights, lib.zeros((), weights.dtype))


def without_padding(loss: Op[...], y: Any, targets: Any) -> tuple[Any, Any]:
    """Return a model's output and the targets in the form that a loss takes.

    If the output is `Padded`, it becomes an array, and its valid positions become weights.
    """
    if not isinstance(y, Padded):
        return y, targets
    parts = parts_of(targets)
    return y.x, (*parts[:1], weights_of(loss, targets, y), *parts[2:])


def loss_arguments(loss: Op[...], targets: Any) -> tuple[Any, ...]:
    """Return the arrays to pass to a loss after the predictions, if their number is right."""
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
