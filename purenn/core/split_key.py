"""The keys of several layers, derived from one key."""

from typing import Any

import jax

from purenn.core import checks


def split_key(where: str, key: Any, count: int) -> list[Any]:
    """Return a key for each of several layers, `fold_in(key, i)`; all are None if `key` is."""
    if key is None:
        return [None] * count
    key = checks.prng_key(where, key)
    return [jax.random.fold_in(key, i) for i in range(count)]
