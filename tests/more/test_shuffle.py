"""The shuffle: a true permutation, fresh each epoch, and without structure that statistics see."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import jit_quickly

import purenn as pn
from purenn.training.shuffle import SMALL, epoch_order, shuffled

order_of = jit_quickly(shuffled, static_argnums=1)
KEYS = 100
COUNT = 5_003  # prime: no two sides multiply to it, so some numbers walk


@pytest.fixture(scope="module")
def orders():
    """One order per key, `(KEYS, COUNT)`."""
    keys = jax.random.split(jax.random.key(5), KEYS)
    return np.asarray(jit_quickly(jax.vmap(lambda key: shuffled(key, COUNT)))(keys)).astype(
        np.int64
    )


def too_far(table):
    """Whether counts that should all be alike are not: chi-square, in standard deviations."""
    expected = table.sum() / table.size
    chi = ((table - expected) ** 2 / expected).sum()
    return abs(chi - (table.size - 1)) / math.sqrt(2 * (table.size - 1)) > 4.5


def two_dimensional(one, other, bins=50):
    return np.histogram2d(one.ravel(), other.ravel(), bins=bins, range=[(0, COUNT)] * 2)[0]


@pytest.mark.parametrize(
    "count", [1, 2, SMALL - 1, SMALL, SMALL + 1, 1_033, 4_096, 5_003, 55_000, 60_000, 99_991]
)
def test_it_is_a_permutation_of_any_count(count):
    order = order_of(jax.random.key(3), count)
    assert order.dtype == jnp.int32
    assert np.array_equal(np.sort(order), np.arange(count))


@pytest.mark.parametrize("count", [SMALL, SMALL + 1])
def test_a_raw_key_gives_the_order_of_a_typed_one(count):
    raw = order_of(jax.random.PRNGKey(3), count)
    assert np.array_equal(raw, order_of(jax.random.key(3), count))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_every_order_of_a_few_is_equally_likely(count):
    keys = jax.random.split(jax.random.key(1), 5_000)
    orders = np.asarray(jit_quickly(jax.vmap(lambda key: shuffled(key, count)))(keys))
    found = [tuple(order) for order in orders]
    assert not too_far(np.array([found.count(o) for o in itertools.permutations(range(count))]))


def test_every_number_is_equally_likely_at_every_position(orders):
    positions = np.broadcast_to(np.arange(COUNT), orders.shape)
    assert not too_far(two_dimensional(positions, orders))
    assert not too_far(np.bincount(orders[:, 0] * 20 // COUNT, minlength=20))


def test_neighbours_know_nothing_of_each_other(orders):
    assert not too_far(two_dimensional(orders[:, 1:], orders[:, :-1]))
    # At every distance, the sides of the Feistel network and their multiples among them: with four
    # rounds, numbers that are a side apart show.
    for apart in range(1, 400):
        difference = orders[:, apart:] - orders[:, :-apart]
        counts = np.bincount(np.ravel(difference + COUNT), minlength=2 * COUNT)
        counts = counts[:COUNT] + counts[COUNT:]  # modulo COUNT
        assert not too_far(np.add.reduceat(counts, np.arange(100) * COUNT // 100)), apart


def test_few_numbers_stay_or_keep_their_neighbour(orders):
    # Both are near Poisson, with mean 1 and 2 an order.
    stayed = (orders == np.arange(COUNT)).sum()
    assert abs(stayed - KEYS) < 4.5 * math.sqrt(KEYS)
    difference = np.diff(orders, axis=1) % COUNT
    together = np.isin(difference, (1, COUNT - 1)).sum()
    assert abs(together - 2 * KEYS) < 4.5 * math.sqrt(2 * KEYS)


def test_two_keys_agree_no_more_than_chance_has_it(orders):
    agreed = (orders[1:] == orders[:-1]).sum()
    assert abs(agreed - (KEYS - 1)) < 4.5 * math.sqrt(KEYS)
    assert not too_far(two_dimensional(orders[1:], orders[:-1]))


def test_epochs_differ_and_only_the_key_and_the_epoch_decide():
    key = jax.random.key(0)
    program = jit_quickly(epoch_order, static_argnums=(2, 3))
    order = [np.asarray(program(key, epoch, 2_000, 32)) for epoch in (0, 1, 0)]
    assert order[0].shape == (62, 32)
    assert (order[0] == order[2]).all()
    assert (order[0] == order[1]).mean() < 0.005
    other = np.asarray(program(jax.random.key(1), 0, 2_000, 32))
    assert (order[0] == other).mean() < 0.005


def test_statistics_would_see_four_rounds(monkeypatch):
    monkeypatch.setattr("purenn.training.shuffle.ROUNDS", 4)
    keys = jax.random.split(jax.random.key(5), KEYS)
    program = jit_quickly(jax.vmap(lambda key: shuffled(key, COUNT)))
    orders = np.asarray(program(keys)).astype(np.int64)
    with pytest.raises(AssertionError):
        test_neighbours_know_nothing_of_each_other(orders)


def test_a_vmapped_run_shuffles_each_run_its_own_way():
    model = pn.serial(pn.dense(2))
    run = pn.training_run(model, pn.softmax_cross_entropy, pn.sgd(0.1), epochs=1, batch_size=500)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2_000, 3)), jnp.float32)
    keys = jax.random.split(jax.random.key(2), 3)
    targets, single = jnp.zeros(2_000, jnp.int32), jit_quickly(run)
    together = jit_quickly(jax.vmap(run, (0, None, None)))(keys, x, targets)[1]
    alone = [single(key, x, targets)[1] for key in keys]
    assert np.allclose(together, np.stack(alone), rtol=1e-5)
    assert len({float(loss) for loss in together[:, 0, 1]}) == 3
