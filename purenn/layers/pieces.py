"""A batch in pieces that are small enough for a CPU's caches.

On a mesh of devices, a loop over pieces would sum the derivatives of all devices for each piece.
The type of an array shows whether it is on a mesh.
"""

from collections.abc import Callable
from typing import Any

from jax import Array, lax


def count_of(images: int, least: float) -> int:
    """Return the number of equal pieces of a batch, each with at least `least` images."""
    sizes = range(1, images)
    return images // next((n for n in sizes if n >= least and images % n == 0), images)


def over_pieces(body: Callable[..., Any], into: Array, count: int, *arrays: Array) -> Array:
    """Return `into` after `into = body(i, into, *pieces)` for each piece `i` of the arrays."""

    def one(i: Array, into: Array) -> Any:
        by_piece = (a.reshape(count, -1, *a.shape[1:]) for a in arrays)
        return body(i, into, *(lax.dynamic_index_in_dim(a, i, 0, keepdims=False) for a in by_piece))

    return lax.fori_loop(0, count, one, into)
