"""Weights of the losses: what they count, what a weight of 0 leaves out, and which are rejected."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import LOSSES, case, error, jit_quickly, plain_softmax_cross_entropy, to_jax

import purenn as pn

ROWS = {row.name: row for row in LOSSES if "-weights" not in row.name}
OF_CLASSES = (pn.softmax_cross_entropy, pn.categorical_cross_entropy)
losses = pytest.mark.parametrize("name", ROWS)


def drawn(name, rng, shape=(4, 5)):
    """A row's op with its options, its plain formula, predictions and targets."""
    row = ROWS[name]
    x, (targets,) = case(row, shape, rng, jnp.float32)
    return *(partial(f, **row.options) for f in (row.op, row.plain)), x, targets


def by_hand(name):
    """Value and derivative by hand, compiled."""
    row = ROWS[name]

    @jit_quickly
    def both(x, *others):
        y, cache = row.op.forward(x, *others, **row.options)
        return y, row.op.backward(cache, jnp.ones_like(y))

    return both


@losses
def test_weights_of_any_real_dtype_count_alike_and_of_ones_nothing_changes(name, rng):
    loss, plain, x, targets = drawn(name, rng)
    numbers = np.array([1, 0, 3, 1])
    expected = plain(x, targets, jnp.asarray(numbers, jnp.float32))
    for dtype in (np.float32, np.int32, np.uint8):
        assert error(loss(x, targets, numbers.astype(dtype)), expected) <= 1e-6, dtype
    of_bools, of_ones = loss(x, targets, numbers > 0), loss(x, targets, np.minimum(numbers, 1))
    assert of_bools == of_ones
    assert error(loss(x, targets, np.ones(4, bool)), loss(x, targets)) <= 1e-6
    half = jnp.asarray(x, jnp.bfloat16)
    targets = targets.astype(half.dtype) if targets.dtype == x.dtype else targets
    if loss.func is not pn.categorical_cross_entropy:  # rounded rows don't sum to one
        weighed = loss(half, targets, np.array([0, 257, 0, 0]))  # 257 is 256 in bfloat16
        assert error(weighed, loss(half, targets, np.array([False, True, False, False]))) == 0


@losses
def test_what_has_weight_0_is_left_out_whatever_it_holds(name, rng):
    loss, _, x, targets = drawn(name, rng)
    bad = {"i": -100, "f": jnp.nan}[targets.dtype.kind]
    spoiled = x.at[1].set(jnp.nan).at[2, 3].set(jnp.inf), targets.at[2].set(bad)
    weights = to_jax([0.5, 0, 0, 2], jnp.float32)
    kept = np.array([0, 3])
    y, dx = by_hand(name)(*spoiled, weights)
    expected, dx_kept = by_hand(name)(x[kept], targets[kept], weights[kept])
    assert error((y, dx[kept]), (expected, dx_kept)) <= 1e-6
    assert not np.any(dx[1:3])
    by_jax = jit_quickly(jax.grad(loss))(*spoiled, weights)
    assert error(by_jax, dx) <= 1e-6
    assert error(loss(*spoiled, weights), y) <= 1e-6  # and no complaint where the numbers are known


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.op not in OF_CLASSES])
def test_an_element_has_its_own_weight_or_that_of_its_example(name, rng):
    loss, plain, x, targets = drawn(name, rng, (4, 3, 2))
    given = [to_jax(rng.uniform(0, 2, size=s), jnp.float32) for s in ((4,), (4, 3), (4, 3, 2))]

    @jit_quickly
    def judged(x, targets, given):
        found, expected = ([f(x, targets, weights) for weights in given] for f in (loss, plain))
        alone = [loss(x[i], targets[i]) for i in range(4)]
        mean_of_means = (alone[0] + 2 * alone[2] + 3 * alone[3]) / 6
        of_examples = loss(x, targets, jnp.array([1.0, 0, 2, 3]))
        return [*found, of_examples], [*expected, mean_of_means]

    for found, expected in zip(*judged(x, targets, given), strict=True):
        assert error(found, expected) <= 1e-6


INVALID = {
    "negative": [1.0, -1, 1, 1],
    "NaN": [1.0, np.nan, 1, 1],
    "inf": [1.0, np.inf, 1, 1],
    "zeros": [0.0, 0, 0, 0],
    "a sum of inf": [3e38, 3e38, 0, 0],
    "a sum whose reciprocal is 0": [1e38, 1e38, 0, 0],
}


@losses
def test_weights_without_a_mean_are_rejected_and_nan_when_compiled(name, rng):
    loss, _, x, targets = drawn(name, rng)
    program, by_jax = by_hand(name), jit_quickly(jax.value_and_grad(loss))
    for kind, weights in INVALID.items():
        weights = np.array(weights, np.float32)
        with pytest.raises(ValueError, match=f"{ROWS[name].op.name}: weights must"):
            loss(x, targets, weights)
        for y, dx in (program(x, targets, weights), by_jax(x, targets, weights)):
            assert np.isnan(y) and np.isnan(dx).any(), kind
        assert np.isnan(program(x, targets, weights)[1]).all(), kind


def test_large_and_small_weights_do_not_overflow(rng):
    loss, _, x, targets = drawn("mse", rng)
    expected = loss(1e6 * x, 1e6 * targets, np.array([1, 2, 0, 3]))
    for scale in (1e36, 1e-36):
        weights = np.array([1, 2, 0, 3], np.float32) * np.float32(scale)
        assert error(loss(1e6 * x, 1e6 * targets, weights), expected) <= 1e-6


def test_a_smoothed_sequence_is_the_mean_over_its_positions(rng):
    z = to_jax(rng.normal(size=(2, 3, 4)), jnp.float32)
    labels = rng.integers(4, size=(2, 3))
    # The least loss of a smoothed row is its entropy, at the smoothed targets themselves.
    rows = 0.9 * np.eye(4, dtype=np.float32)[labels] + 0.1 / 4
    entropy = -(rows * np.log(rows)).sum(-1).mean()

    @jit_quickly
    def judged(z):
        pairs = []
        for smoothing in (0.0, 0.1):
            loss = partial(pn.softmax_cross_entropy, label_smoothing=smoothing)
            expected = plain_softmax_cross_entropy(z, labels, label_smoothing=smoothing)
            pairs += [(loss(z, labels), expected)]
            pairs += [(loss(z.reshape(6, 4), labels.reshape(6)), expected)]
        return [*pairs, (loss(jnp.log(rows), labels), entropy)]

    for found, expected in judged(z):
        assert error(found, expected) <= 1e-6


def test_the_accuracy_of_sequences_counts_positions_by_weight(rng):
    logits, labels = rng.normal(size=(3, 4, 5)).astype(np.float32), rng.integers(5, size=(3, 4))
    right = logits.argmax(-1) == labels
    assert error(pn.accuracy(logits, labels), np.float32(right.mean())) <= 1e-6
    weights = rng.integers(3, size=(3, 4))
    logits[weights == 0], labels[weights == 0] = np.nan, -1
    expected = np.float32((right * weights).sum() / weights.sum())
    for accuracy in (pn.accuracy, jit_quickly(pn.accuracy)):
        for dtype in (np.int32, np.float32, np.float16):
            assert error(accuracy(logits, labels, weights.astype(dtype)), expected) <= 1e-6
