"""Arrays whose memory has been released: deleted, or donated to a jitted function."""

from typing import Any

import jax


def is_deleted(leaf: Any) -> bool:
    """Tell whether a leaf is an array whose memory has been released."""
    concrete = isinstance(leaf, jax.Array) and not isinstance(leaf, jax.core.Tracer)
    return concrete and leaf.is_deleted()


def deleted(place: str, verb: str = "use") -> ValueError:
    """Return the error about such an array, which is the same everywhere in purenn."""
    return ValueError(
        f"{place} was deleted or donated to a jitted function; {verb} what that returned"
    )


def reject_deleted(where: str, /, **trees: Any) -> None:
    """Reject trees with a deleted array; the error names its place.

    JAX's own error, "Array has been deleted", does not say which array it was or why. Where speed
    matters, this function is called only after JAX has raised that error.
    """
    for name, tree in trees.items():
        if not any(map(is_deleted, jax.tree.leaves(tree))):
            continue
        for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
            if is_deleted(leaf):
                raise deleted(f"{where}: {name}{jax.tree_util.keystr(path)}")
