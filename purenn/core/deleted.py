"""Arrays whose memory is gone: deleted, or donated to a jitted function."""

from typing import Any

import jax


def is_deleted(leaf: Any) -> bool:
    """Whether a leaf is an array that no longer holds anything."""
    concrete = isinstance(leaf, jax.Array) and not isinstance(leaf, jax.core.Tracer)
    return concrete and leaf.is_deleted()


def deleted(place: str, verb: str = "use") -> ValueError:
    """The error about one, in the words that all of purenn has for it."""
    return ValueError(
        f"{place} was deleted or donated to a jitted function; {verb} what that returned"
    )


def refuse_deleted(where: str, /, **trees: Any) -> None:
    """Refuse trees of which an array was deleted, by its name in them.

    JAX's own error, "Array has been deleted", says neither which one nor why. It comes as soon as
    the array is used, so where each call counts, this is called once that has happened.
    """
    for name, tree in trees.items():
        if not any(map(is_deleted, jax.tree.leaves(tree))):
            continue
        for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
            if is_deleted(leaf):
                raise deleted(f"{where}: {name}{jax.tree_util.keystr(path)}")
