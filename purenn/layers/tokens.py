"""Tokens, integers that select rows of a table: checks, the lookup, and its derivative.

Tokens are an array or `Padded`, whose padding may hold any number.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core import checks
from purenn.core.padded import Padded, array_of
from purenn.core.precision import wide_dtype
from purenn.core.sharding import rows_sharding, sharding_of


def check_tokens(where: str, x: Any, vocabulary: int) -> None:
    """Reject a scalar token, and the first token outside the vocabulary, where values are known."""
    tokens = array_of(x)
    if tokens.ndim < 1:
        raise ValueError(f"{where}: x has shape (), expected a batch axis first; pass x[None]")
    known = checks.is_concrete(tokens) and tokens.is_fully_addressable
    if known and (wrong := bad_token("x", x, vocabulary)):
        raise ValueError(f"{where}: {wrong}")


def bad_token(name: str, x: Any, vocabulary: int) -> str:
    """Describe the first token outside the vocabulary; return an empty string if there is none."""
    tokens = np.asarray(array_of(x))
    if tokens.size == 0 or (tokens.min() >= 0 and tokens.max() < vocabulary):
        return ""
    outside = (tokens < 0) | (tokens >= vocabulary)
    if isinstance(x, Padded):
        name, outside = f"{name}.x", outside & np.asarray(_valid(x))
    if not outside.any():
        return ""
    place = tuple(int(i) for i in np.argwhere(outside)[0])
    return (
        f"{name}[{', '.join(map(str, place))}] is {tokens[place]}, expected tokens in "
        f"0 … {vocabulary - 1} ({outside.sum()} of {tokens.size} are outside)"
    )


def rows_at(w: Array, x: Any) -> Array:
    """Return each token's row of a table, NaN for a token outside it, and 0 for padding."""
    rows = w.at[_index(x, len(w))].get(
        mode="fill", fill_value=jnp.nan, out_sharding=rows_sharding(array_of(x), w)
    )
    return jnp.where(_valid(x)[..., None], rows, 0) if isinstance(x, Padded) else rows


def rows_added(x: Any, rows: Array, like: Array) -> Array:
    """Return a table of the shape of `like`, with the sum of the rows of each token.

    Rows of tokens outside the table and of padding are dropped. The sum accumulates in float32 or
    better.
    """
    table = jnp.zeros_like(like, wide_dtype(like.dtype))
    index, sharding = _index(x, len(like)), sharding_of(like, beside=rows)
    table = table.at[index].add(rows, mode="drop", out_sharding=sharding)
    return table.astype(like.dtype)


def _index(x: Any, length: int) -> Array:
    """Return tokens as indices, `length` for those without a row, since -1 counts from the end."""
    tokens: Array = array_of(x)
    if tokens.dtype.itemsize < 4:  # uint8 cannot hold the number 256 to compare with
        tokens = tokens.astype(jnp.int32)
    known = (tokens >= 0) & (tokens < length)
    if isinstance(x, Padded):
        known &= _valid(x)
    return jnp.where(known, tokens, length).astype(jnp.int32)


def _valid(x: Padded) -> Any:
    """Return whether each token is valid, with the axes of the tokens."""
    return x.valid[(..., *(None for _ in array_of(x).shape[2:]))]
