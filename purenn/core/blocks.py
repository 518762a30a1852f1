"""Examples divided into blocks, from each of which a batch takes an equal share.

A device of a mesh holds some of the blocks and gathers its share of a batch only from these. The
order of the examples depends on the number of blocks, not on the number of devices.
"""

from typing import Any

import jax
import numpy as np
from jax import Array


def block_length(examples: int, blocks: int) -> int:
    """Return the length of each block; the last blocks may repeat an example to reach it."""
    return -(-examples // blocks)


def rows_of_blocks(examples: int, blocks: int, first: int = 0, last: int | None = None) -> Any:
    """Return the examples at the positions from `first` up to `last` of all blocks in sequence.

    Args:
        examples: the number of examples.
        blocks: the number of blocks into which they are divided.
        first: the first position.
        last: the position after the last one; the end by default.
    """
    length = block_length(examples, blocks)
    short, longer = divmod(examples, blocks)  # the first `longer` blocks hold one example more
    position = np.arange(first, blocks * length if last is None else last)
    block, place = np.divmod(position, length)
    start = block * short + np.minimum(block, longer)
    return start + np.minimum(place, short - (block >= longer))


def in_blocks(examples: Any, blocks: int) -> Any:
    """Return a tree of examples, arranged in consecutive blocks of equal length."""

    def leaf(examples: Array) -> Array:
        count = examples.shape[0]
        return examples if count % blocks == 0 else examples[rows_of_blocks(count, blocks)]

    return jax.tree.map(leaf, examples)
