"""A batch in pieces, whose arrays stay in a CPU's caches while they are worked on."""

import math
from collections.abc import Callable
from typing import Any

from jax import Array, lax

from purenn.core.sharding import varying_together


def count_of(images: int, least: float) -> int:
    """Return into how many pieces a batch is divided, of at least so many images.

    The images of a piece are a multiple of 8 if those of the batch are. Up to 8 devices of a mesh
    then have an equal share of each.
    """
    share = math.gcd(images, 8)
    sizes = range(share, images, share)
    return images // next((n for n in sizes if n >= least and images % n == 0), images)


def over_pieces(body: Callable[..., Any], into: Array, count: int, *arrays: Array) -> Array:
    """Return `into` after `into = body(i, into, *pieces)` for each piece of the arrays.

    Piece `i` is every `count`-th image from number `i` on.
    """

    def one(i: Array, into: Array) -> Any:
        by_piece = (a.reshape(-1, count, *a.shape[1:]) for a in arrays)
        return body(i, into, *(lax.dynamic_index_in_dim(a, i, 1, keepdims=False) for a in by_piece))

    return lax.fori_loop(0, count, one, varying_together(into, *arrays))
