"""The leaves of a backward pass's result, each matched with a leaf of its argument."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from purenn.core import checks


class Absent(NamedTuple):
    """A placeholder for a missing derivative, which says what was returned instead."""

    why: str


class Unjudged(NamedTuple):
    """A placeholder for a value that cannot be judged; `ok` if it is nevertheless right."""

    name: str
    why: str
    ok: bool = False


UNKNOWN = object()  # a name that no argument has
NOT_ASKED = Absent("")  # for an argument, such as an integer, that needs no derivative


def leaves_like(wanted: Any, came: Any, name: str, *, strict: bool) -> list[Any]:
    """Match each leaf of a tree with a leaf of its derivative.

    Args:
        wanted: the tree with respect to which `came` is the derivative.
        came: the returned value.
        name: the name of the derivative in the report.
        strict: whether `came` must have the same structure as `wanted` in JAX. If not, a dict
            `{"dw": …}` matches a record with a field `w`, and a list matches a tuple.

    Returns:
        One value per leaf of `wanted`, then an `Unjudged` for each value without a match.
    """
    kids = _children(wanted)
    if kids is None:
        return [came]
    size = len(jax.tree.leaves(wanted, is_leaf=is_numbers))
    if came is None or isinstance(came, Absent):
        return [came] * size
    values, what = _beside(wanted, kids, came, strict), checks.describe(came)
    if values is None:
        if not size and jax.tree.leaves(came):
            return [Unjudged(name, f"{what} was returned where there is nothing to differentiate")]
        return [Absent(f"{what} came, expected {checks.describe(wanted)}")] * size
    found, extra = [], []
    for (key, kid), value in zip(kids.items(), values, strict=True):
        own = len(jax.tree.leaves(kid, is_leaf=is_numbers))
        parts = leaves_like(kid, value, f"{name}[{key}]", strict=strict)
        found += parts[:own]
        extra += parts[own:]
    if isinstance(came, Mapping):
        strangers = [str(key) for key in came if not any(called(key, kid) for kid in kids)]
        extra += [Unjudged(f"{name}[{key}]", "belongs to no argument") for key in strangers]
    return found + extra


def called(key: Any, name: Any) -> bool:
    """Tell whether a key may be a name of the derivative with respect to `name`."""
    key, name = str(key).lower(), str(name).lower()
    return key in (name, f"d{name}", f"d_{name}", f"grad_{name}", f"{name}_grad")


def is_numbers(value: Any) -> bool:
    """Tell whether a value is an array as people type it: a list of numbers or of such lists."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(is_numbers(item) or isinstance(item, (int, float)) for item in value)
    )


def is_nothing(value: Any) -> bool:
    """Tell whether a value stands for no derivative: None, an `Absent`, or JAX's float0."""
    absent = value is None or isinstance(value, Absent)
    return absent or getattr(value, "dtype", None) == jax.dtypes.float0


def _children(tree: Any) -> dict[Any, Any] | None:
    """Return the first level of a tree by name or position; None if it is a leaf."""
    if is_numbers(tree):
        return None
    level = jax.tree_util.tree_flatten_with_path(tree, is_leaf=lambda t: t is not tree)[0]
    if len(level) == 1 and not level[0][0]:
        return None
    return {_key(path[0]): value for path, value in level}


def _key(key: Any) -> Any:
    return next((getattr(key, k) for k in ("key", "name", "idx") if hasattr(key, k)), key)


def _beside(wanted: Any, kids: dict[Any, Any], came: Any, strict: bool) -> list[Any] | None:
    """Return the part of `came` for each child of `wanted`; None if they do not match."""
    theirs = _children(came)
    if strict:
        same = type(wanted) is type(came) and theirs is not None and list(theirs) == list(kids)
        return list((theirs or {}).values()) if same else None
    if theirs is None:
        rows = isinstance(came, list) or (isinstance(came, (np.ndarray, jax.Array)) and came.ndim)
        theirs = dict(enumerate(came)) if rows else {UNKNOWN: came}
    names = [next((key for key in theirs if called(key, kid)), UNKNOWN) for kid in kids]
    if isinstance(came, Mapping) or (hasattr(came, "_fields") and set(names) != {UNKNOWN}):
        return [theirs.get(name, Absent("got nothing of that name")) for name in names]
    in_order = isinstance(wanted, (tuple, list)) and len(theirs) == len(kids)
    return list(theirs.values()) if in_order and UNKNOWN not in theirs else None
