"""What `fit` cannot look at: numbers of a program that is only being traced."""

from typing import Any

import jax
import jax.numpy as jnp

_WAY_OUT = (
    "fit looks at the run's numbers as it goes. Call it outside jit, grad and vmap, or use "
    "training_run, which is a pure function for that"
)


def refuse_traced(**trees: Any) -> None:
    """Refuse arguments with traced arrays, and to run while jit traces anything."""
    for name, tree in trees.items():
        for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
            if isinstance(leaf, jax.core.Tracer):
                raise TypeError(f"fit: {name}{jax.tree_util.keystr(path)} is traced; {_WAY_OUT}")
    if isinstance(jnp.zeros(()), jax.core.Tracer):
        raise TypeError(f"fit: called in a function that is traced; {_WAY_OUT}")


def concrete(tree: Any) -> Any:
    """Return what a step made, unless it is traced: by a number that a part of the run holds."""
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(tree)):
        raise TypeError(
            f"fit: the run is traced, by a traced learning rate perhaps, or another number that "
            f"the optimizer, the loss or the model was made with; {_WAY_OUT}"
        )
    return tree
