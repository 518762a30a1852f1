"""The values that well-known mistakes give, so that a mistake can be named."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from purenn.inspect.cases import Case
from purenn.inspect.finite_differences import NUDGE, Slopes, finite_differences

LARGEST = 1024  # elements of a leaf whose Jacobian is worth looking at


def well_known_mistakes(
    case: Case, pull: Any, y: Any, dy: Any, slopes: list[Slopes]
) -> Callable[[int], dict[str, Any]]:
    """Prepare the values that well-known mistakes give.

    Args:
        case: the case in question.
        pull: JAX's derivative, `(inputs, dy)` to its leaves; None if there is none.
        y: the result of forward.
        dy: the cotangent.
        slopes: the finite differences of each leaf.

    Returns:
        `mistakes(i)`: the values for leaf `i`, by their descriptions in the report.
    """

    @cache
    def of_the_sum() -> list[Any]:
        ones = jnp.ones_like(dy)
        if pull is not None:
            return pull(case.inputs, ones)
        tried = [slope.tried for slope in slopes]
        return [slope.full() for slope in finite_differences(case, y, ones, tried)]

    def mistakes(i: int) -> dict[str, Any]:
        if dy.size == 1:  # then it is a factor like any other
            return {}
        total = np.asarray(of_the_sum()[i])
        found = {
            "dy is forgotten: yours is the derivative of y.sum()": total,
            "dy is forgotten: yours is the derivative of y.mean()": total / dy.size,
        }
        shape = slopes[i].shape
        if shape != dy.shape:
            return found
        tried = np.arange(dy.size) if pull is not None else slopes[i].tried
        found["yours is dy itself, without the derivative of y"] = np.asarray(dy)
        if tried.size <= LARGEST:
            own = np.zeros(dy.size)
            own[tried] = _diagonal(case, pull, dy.shape, i, tried)
            own = own.reshape(shape)
            formula, each = "as if each y depended on its own x alone", "the diagonal of dy/dx"
            if np.abs(own - np.asarray(y * (1 - y))).reshape(-1)[tried].max(initial=0) < 1e-6:
                formula = "as if softmax were elementwise; each y depends on every x of its row"
                each = "y·(1 - y)"
            found[f"yours is {each} times dy, {formula}"] = own * np.asarray(dy)
            found[f"dy is forgotten, and yours is {each}, {formula}"] = own
        return found

    return mistakes


def _diagonal(case: Case, pull: Any, shape: Any, i: int, places: Any) -> Any:
    """Return the derivative of each element of y with respect to the same element of a leaf."""
    leaves = jax.tree.leaves(case.inputs)
    tree: Any = jax.tree.structure(case.inputs)
    if pull is not None:
        units = (np.reshape(np.arange(leaves[i].size) == k, shape) * 1.0 for k in places)
        pulled = (np.asarray(pull(case.inputs, jnp.asarray(unit))[i]) for unit in units)
        return [d.reshape(-1)[k] for d, k in zip(pulled, places, strict=True)]

    def moved(leaf: Any) -> Any:
        return case.plain(*tree.unflatten([*leaves[:i], leaf, *leaves[i + 1 :]]))

    leaf = np.asarray(leaves[i])
    steps = NUDGE * np.maximum(1, np.abs(leaf.reshape(-1)))
    unit = np.arange(leaf.size).reshape(leaf.shape)

    def at(k: int, step: float) -> Any:
        with np.errstate(all="ignore"):
            return moved(leaf + step * (unit == k)).reshape(-1)[k]

    try:
        return [(at(k, steps[k]) - at(k, -steps[k])) / (2 * steps[k]) for k in places]
    except (ValueError, ArithmeticError, AssertionError):  # forward rejects the changed leaf
        return np.nan
