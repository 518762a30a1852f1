"""Which parameters are weights: those that decay and that an L2 penalty includes."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

Record = TypeVar("Record", bound=type)


def weights(*names: str) -> Callable[[Record], Record]:
    """Name the fields of a record of parameters that are weights."""

    def name(record: Record) -> Record:
        record.weights = names  # type: ignore[attr-defined]
        return record

    return name


def are_weights(params: Any) -> Any:
    """Return a tree like the parameters that is True where a leaf is a weight.

    A record of parameters names its weights, so a bias that gains an axis by stacking is not
    mistaken for a weight. A user's record does so with `weights = ("w",)` in its class. In any
    other tree, every leaf with two or more axes is a weight.
    """

    def mark(node: Any) -> Any:
        if not _is_record(node):
            return jnp.ndim(node) >= 2
        return type(node)(*map(partial(mark_field, node), node._fields, node))

    def mark_field(record: Any, name: str, value: Any) -> Any:
        return jax.tree.map(lambda _: name in type(record).weights, value)

    return jax.tree.map(mark, params, is_leaf=_is_record)


def _is_record(node: Any) -> bool:
    # On the class, a field that is called weights is not a tuple.
    return hasattr(node, "_fields") and isinstance(getattr(type(node), "weights", None), tuple)
