"""Examples in blocks, from each of which a batch takes an equal share.

A device of a mesh holds some of the blocks, and gathers its share of a batch from them alone. How
many blocks there are decides the order of the examples; how many devices does not.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core import scalars
from purenn.training.shuffle import shuffled


def steps_per_epoch(where: str, examples: int, batch_size: Any, blocks: Any = 1) -> int:
    """How many full batches there are: at least one."""
    batch_size = scalars.count(where, "batch_size", batch_size)
    blocks = scalars.count(where, "blocks", blocks)
    if examples < batch_size:
        raise ValueError(f"{where}: batch_size is {batch_size}, but x holds {examples} examples")
    if batch_size % blocks:
        raise ValueError(
            f"{where}: batch_size is {batch_size}, expected a multiple of blocks, which is {blocks}"
        )
    return (examples // blocks) // (batch_size // blocks)


def slots(examples: int, blocks: int) -> int:
    """How long each block is; the last ones may hold one example less, and repeat it."""
    return -(-examples // blocks)


def rows_of(examples: int, blocks: int, first: int = 0, last: int | None = None) -> Any:
    """Which examples lie in the slots `first` to `last`, less one, of all blocks in a row."""
    short, longer = divmod(examples, blocks)  # the first `longer` blocks hold one more
    slot = np.arange(first, blocks * slots(examples, blocks) if last is None else last)
    block, place = np.divmod(slot, slots(examples, blocks))
    start = block * short + np.minimum(block, longer)
    return start + np.minimum(place, short - (block >= longer))


def in_blocks(examples: Array, blocks: int) -> Array:
    """Arrays of examples with each block as long as the others; as they are, if they all are."""
    count = examples.shape[0]
    return examples if count % blocks == 0 else examples[rows_of(count, blocks)]


def epoch_order(key: Array, epoch: Any, examples: int, batch_size: int, blocks: int = 1) -> Array:
    """Rows of each batch of an epoch, from `TrainState.key` and the epoch.

    Every epoch is a fresh permutation; what does not fill a batch is left out of that epoch.

    Returns:
        int32 `(steps, batch_size)`; with several blocks, `(blocks, steps, batch_size // blocks)`,
        each block's rows counted from its beginning.
    """
    shuffle_key = jax.random.fold_in(key, jnp.uint32(2**32 - 1))  # a step that is never reached
    shuffle_key = jax.random.fold_in(shuffle_key, epoch)
    steps = steps_per_epoch("fit", examples, batch_size, blocks)
    if blocks == 1:
        return shuffled(shuffle_key, examples)[: steps * batch_size].reshape(steps, batch_size)
    share, longest, longer = batch_size // blocks, slots(examples, blocks), examples % blocks

    def of_block(block: Array) -> Array:
        order, place = shuffled(jax.random.fold_in(shuffle_key, block), longest), jnp.arange(used)
        if longer:  # a block with one example less passes over its last slot
            last = jnp.argmax(order == longest - 1)
            place += ((block >= longer) & (place >= last)).astype(place.dtype)
        return order[place].reshape(steps, share)

    used = steps * share
    return jax.vmap(of_block)(jnp.arange(blocks))


def rows_in_batch(order: Array, examples: int, step: int) -> Any:
    """Return which examples the batch of a step has, in its order, by their place in the data."""
    of_batch = np.asarray(order[..., step, :])
    if of_batch.ndim == 1:
        return of_batch
    blocks = of_batch.shape[0]
    starts = slots(examples, blocks) * np.arange(blocks)[:, None]
    return rows_of(examples, blocks)[(of_batch + starts).reshape(-1)]


def batch_of(examples: Array, order: Array, step: Any) -> Array:
    """The examples of a step: gathered as they are, so that bytes travel where floats would."""
    if order.ndim == 2:
        return examples[order[step]]
    blocks = examples.reshape(order.shape[0], -1, *examples.shape[1:])
    batch = jax.vmap(lambda block, rows: block[rows])(blocks, order[:, step])
    return batch.reshape(-1, *examples.shape[1:])
