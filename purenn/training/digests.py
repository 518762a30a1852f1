"""Digests of arrays, wherever they are: on the host, on a device, on several machines."""

import hashlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from purenn.core.keys import default_prng, is_key
from purenn.core.padded import Padded
from purenn.core.target_parts import names_of, parts_of
from purenn.distributed.processes import to_host
from purenn.training.batches import Arrays, Batches
from purenn.training.changes import DIGEST

Merged = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def digest_of(**trees: Any) -> str:
    """Describe arrays by dtype, shape, and a single digest: `x: float32[60, 6], SHA-256 0123…`."""
    digest, words = hashlib.sha256(), []
    for name, tree in trees.items():
        texts = []
        for leaf in map(_as_jax_has_it, jax.tree.leaves(tree)):
            texts.append(f"{leaf.dtype}{list(leaf.shape)}")
            if is_key(leaf):
                leaf = jax.random.key_data(leaf)
            elif leaf.dtype == jnp.uint32 and leaf.shape[-1:] in ((2,), (4,)):
                digest.update(default_prng().encode())  # it may be a raw key
            digest.update(texts[-1].encode())
            digest.update(_bytes(to_host(leaf)))
        words.append(f"{name}: {texts[0] if len(texts) == 1 else f'{len(texts)} arrays'}")
    return f"{', '.join(words)}{DIGEST}{digest.hexdigest()[:16]}"


def digest_of_data(source: Arrays | Batches, merged: Merged | None) -> str:
    """Describe the data as `digest_of` does, in a process that holds only some of its blocks.

    Each block has a separate digest, so the result does not depend on the number of devices.
    """
    x, targets = source.example
    if source.blocks == 1:
        return digest_of(x=x, targets=targets)
    all_held = jax.tree.leaves(source.held)
    table = np.zeros((len(all_held), source.blocks, 32), np.uint8)
    for part, held in enumerate(all_held):
        length = held.shape[0] // source.blocks
        for shard in held.addressable_shards:
            first, count = (shard.index[0].start or 0) // length, len(shard.data) // length
            for block, rows in enumerate(np.split(np.asarray(shard.data), count), first):
                of_block = hashlib.sha256(_bytes(rows)).digest()
                table[part, block] = np.frombuffer(of_block, np.uint8)
    digest = hashlib.sha256(_bytes(merged(table) if merged else table)).hexdigest()
    of_x = ["x.x", "x.valid"] if isinstance(x, Padded) else ["x"]
    arrays = zip(
        [*of_x, *names_of(targets)],
        all_held,
        [*jax.tree.leaves(x), *parts_of(targets)],
        strict=True,
    )
    words = [f"{name}: {held.dtype}{list(given.shape)}" for name, held, given in arrays]
    return f"{', '.join(words)}{DIGEST}{digest[:16]}"


def _as_jax_has_it(leaf: Any) -> Any:
    """Return a NumPy array in the dtype that it would have on a device."""
    if isinstance(leaf, Array):
        return leaf
    return np.asarray(leaf, jax.dtypes.canonicalize_dtype(leaf.dtype))


def _bytes(array: NDArray[Any]) -> Any:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
