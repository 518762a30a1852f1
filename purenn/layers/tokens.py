"""Tokens, integers that choose the rows of a table: checks, and both ways through the table."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core import checks
from purenn.core.precision import wide_dtype
from purenn.core.sharding import rows_sharding, sharding_of


def check_tokens(where: str, x: Array, vocabulary: int) -> None:
    """Reject a single token, and the first one outside the vocabulary, where it is known."""
    if x.ndim < 1:
        raise ValueError(f"{where}: x has shape (), expected a batch axis first; pass x[None]")
    known = checks.is_concrete(x) and x.is_fully_addressable
    if known and (wrong := bad_token("x", x, vocabulary)):
        raise ValueError(f"{where}: {wrong}")


def bad_token(name: str, tokens: Any, vocabulary: int) -> str:
    """Describe the first token outside the vocabulary; return an empty string if there is none."""
    found = np.asarray(tokens)
    if found.size == 0 or (found.min() >= 0 and found.max() < vocabulary):
        return ""
    outside = (found < 0) | (found >= vocabulary)
    place = tuple(int(i) for i in np.argwhere(outside)[0])
    return (
        f"{name}[{', '.join(map(str, place))}] is {found[place]}, expected tokens in "
        f"0 … {vocabulary - 1} ({outside.sum()} of {found.size} are outside)"
    )


def rows_at(w: Array, tokens: Array) -> Array:
    """Return for each token its row of a table, NaN for a token outside it."""
    index = _index(tokens, len(w))
    return w.at[index].get(mode="fill", fill_value=jnp.nan, out_sharding=rows_sharding(tokens, w))


def rows_added(tokens: Array, rows: Array, like: Array) -> Array:
    """Return a table like another, the sum of the rows of each token; those outside are dropped.

    The sum accumulates in float32 at least.
    """
    table = jnp.zeros_like(like, wide_dtype(like.dtype))
    sharding = sharding_of(like, beside=rows)
    table = table.at[_index(tokens, len(like))].add(rows, mode="drop", out_sharding=sharding)
    return table.astype(like.dtype)


def _index(tokens: Array, length: int) -> Array:
    """Return tokens as indices; those outside become `length`, since JAX counts -1 from the end."""
    if tokens.dtype.itemsize < 4:  # uint8 can't hold the number 256 to compare with
        tokens = tokens.astype(jnp.int32)
    return jnp.where((tokens >= 0) & (tokens < length), tokens, length).astype(jnp.int32)
