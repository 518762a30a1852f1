"""Some parts of a `serial`, as a separate layer."""

from collections.abc import Iterator
from typing import Any

import jax
from jax import Array

from purenn.core import checks
from purenn.core.functions import no_parameters
from purenn.core.layer import Layer
from purenn.core.located import inside


def some_parts(layer: Layer, first: int, last: int) -> Layer:
    """Return the parts of a `serial` from `first` up to `last` as a layer.

    The params, state, and cache of this layer are the entries of its parts. Part i keeps its
    number: it receives the key `fold_in(key, i)`, and messages call it part i.
    """
    parts = dict(enumerate(layer.parts[first:last], first))

    def forward(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, Any]:
        new_state, caches = [], []
        for (i, part), own, own_state in zip(parts.items(), params, state, strict=True):
            part_key = None if key is None else jax.random.fold_in(key, i)
            with inside(part.name, f"part {i}: "):
                x, part_state, cache = part.forward(own, own_state, x, train=train, key=part_key)
            new_state.append(part_state)
            caches.append(cache)
        return x, tuple(new_state), tuple(caches)

    def backward(params: Any, caches: Any, dy: Array | None) -> tuple[Any, Array | None]:
        dparams = []
        for i, own, cache in reversed(list(zip(parts, params, caches, strict=True))):
            with inside(parts[i].name, f"part {i}: "):
                dpart, dy = parts[i].backward(own, cache, dy)
            dparams.append(dpart)
        return tuple(reversed(dparams)), dy

    return Layer(
        no_parameters,
        forward,
        backward,
        name=layer.name,
        takes="any",
        parts=(*parts.values(),),
        padded="uses",
    )


def entries_of(layer: Layer, name: str, tree: Any, first: int) -> tuple[Any, Any]:
    """Return the entries of params or state before part `first`, and the remaining entries."""
    checks.entries(layer.name, name, tree, len(layer.parts))
    return tuple(tree[:first]), tuple(tree[first:])


def changed(layer: Layer, state: Any, new_state: Any) -> Iterator[str]:
    """Yield the names of the innermost layers whose forward pass changed their state."""
    pairs = zip(jax.tree.leaves(state), jax.tree.leaves(new_state), strict=False)
    if all(old is new for old, new in pairs):
        return
    inner = layer.parts or layer.inner
    if len(inner) == 1 and not layer.parts:
        state, new_state = (state,), (new_state,)
    if not inner or not isinstance(state, tuple) or len(state) != len(inner):
        yield layer.name
        return
    for part, old, new in zip(inner, state, new_state, strict=True):
        yield from changed(part, old, new)
