"""The order of the examples over blocks: by it, and not by the devices, a run is decided."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import jit_quickly

from purenn.training.blocks import batch_of, epoch_order, in_blocks, rows_of, slots

KEY = jax.random.key(4)


class Case(NamedTuple):
    examples: int
    batch_size: int
    blocks: int


CASES = (
    Case(1003, 80, 8),  # three blocks of 126, five of 125
    Case(1000, 80, 8),  # all alike
    Case(83, 12, 4),
    Case(9, 8, 8),  # blocks of one example, and one of two
    Case(23, 16, 8),  # all but one hold three
    Case(100, 7, 1),
)
cases = pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))


def blocks_of(case):
    """Where each block begins among the examples, and how many it holds."""
    lengths = [len(part) for part in np.array_split(np.arange(case.examples), case.blocks)]
    return np.cumsum([0, *lengths])[:-1], np.array(lengths)


@functools.cache
def orders(case, epochs=60):
    """The rows of each epoch, in each block counted from its beginning."""
    order = jit_quickly(jax.vmap(lambda epoch: epoch_order(KEY, epoch, *case)))
    return np.asarray(order(jnp.arange(epochs)))


def batches(examples, case, epoch):
    """What each step of an epoch takes: `(steps, blocks, share, ...)`."""
    order = jnp.asarray(orders(case)[epoch])
    held = in_blocks(examples, case.blocks)
    steps = jnp.arange(order.shape[-2])
    taken = jit_quickly(jax.vmap(lambda step: batch_of(held, order, step)))(steps)
    return np.asarray(taken).reshape(len(steps), case.blocks, -1, *examples.shape[1:])


@cases
def test_examples_lie_one_after_the_other_in_blocks_that_differ_by_one_at_most(case):
    first, lengths = blocks_of(case)
    longest = slots(*case[::2])
    assert longest == lengths.max() and lengths.max() - lengths.min() <= 1
    rows = rows_of(*case[::2])
    for block, start, length in zip(np.split(rows, case.blocks), first, lengths, strict=True):
        assert list(block[:length]) == list(range(start, start + length))
        assert list(block[length:]) == [start + length - 1] * (longest - length)
    assert np.array_equal(in_blocks(jnp.arange(case.examples), case.blocks), rows)
    # A process asks for its own part alone.
    for begin in range(0, len(rows), longest):
        end = begin + longest
        assert np.array_equal(rows_of(*case[::2], begin, end), rows[begin:end])
    assert np.array_equal(rows_of(*case[::2], 1, len(rows) - 1), rows[1:-1])


@cases
def test_in_an_epoch_no_example_comes_twice_and_each_block_gives_its_share(case):
    first, lengths = blocks_of(case)
    share = case.batch_size // case.blocks
    steps = lengths.min() // share
    for epoch in range(2):
        numbers = batches(jnp.arange(case.examples), case, epoch)
        assert numbers.shape == (steps, case.blocks, share)
        assert len(np.unique(numbers)) == numbers.size
        for block in range(case.blocks):
            of_block = numbers[:, block] - first[block]
            assert of_block.min() >= 0 and of_block.max() < lengths[block]


@cases
def test_no_pad_is_ever_used_and_every_example_is_within_some_epochs(case):
    _, lengths = blocks_of(case)
    order = orders(case).reshape(60, case.blocks, -1)
    assert (order < lengths[:, None]).all()
    numbers = rows_of(*case[::2])[order + np.arange(case.blocks)[:, None] * slots(*case[::2])]
    for epoch in numbers:
        assert len(np.unique(epoch)) == epoch.size
    assert np.array_equal(np.unique(numbers), np.arange(case.examples))


def test_every_example_of_a_short_block_is_as_likely_at_every_place():
    case, epochs = Case(23, 16, 8), 1500  # seven blocks of three, a last one of two: both are used
    order = orders(case, epochs)[:, :, 0]  # (epochs, blocks, 2)
    for block, length in enumerate((3,) * 7 + (2,)):
        counts = np.array(
            [[np.sum(order[:, block, p] == i) for i in range(length)] for p in (0, 1)]
        )
        expected = epochs / length
        assert (np.abs(counts - expected) < 5 * np.sqrt(expected)).all(), (block, counts)


def test_epochs_blocks_and_keys_have_orders_of_their_own():
    case = Case(1000, 80, 8)
    other_key = epoch_order(jax.random.key(5), jnp.int32(0), *case)
    blocks = [*orders(case)[0], *orders(case)[1], *np.asarray(other_key)]
    for i, one in enumerate(blocks):
        for other in blocks[:i]:
            assert np.mean(one == other) < 0.1  # by chance, 1 in 125


def test_one_block_has_the_order_of_a_run_without_blocks():
    case = Case(100, 7, 1)
    assert np.array_equal(orders(case)[2], epoch_order(KEY, 2, 100, 7))


@pytest.mark.parametrize(
    ("dtype", "shape"), [(np.uint8, (2, 2, 1)), (np.float32, (3,)), (np.int32, ())]
)
def test_a_batch_has_the_examples_as_they_are(dtype, shape, rng):
    case = Case(83, 12, 4)
    examples = jnp.asarray(rng.integers(100, size=(83, *shape)).astype(dtype))
    taken = batches(examples, case, 0)
    assert taken.dtype == dtype
    assert np.array_equal(taken, examples[batches(jnp.arange(83), case, 0)])
