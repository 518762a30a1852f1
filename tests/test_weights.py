"""What decays: weights are told by the names of a record's fields, stacked or not."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import jit_quickly

import purenn as pn

KEY = jax.random.key(0)
IMAGE = (6, 6, 2)
MODEL = pn.serial(
    pn.conv2d(3), pn.batch_norm(), pn.relu, pn.flatten(), pn.dense(4), pn.layer_norm(), pn.dense(2)
)
WEIGHTS = {"w"}
OTHERS = {"gamma", "beta", "b", "c", "bq", "bk", "bv", "bo"}  # scales, shifts and biases


def initial(key):
    params, _ = MODEL.init(key, IMAGE)
    return jax.tree.map(lambda p: p + 1.0, params)  # a bias of 0 would not show its decay


def field(path):
    return path[-1].name


def decays_of(changes):
    """Field by field, whether anything changed."""
    return {(str(path[0]), field(path)): bool(np.any(c)) for path, c in leaves(changes)}


def leaves(tree):
    return jax.tree_util.tree_flatten_with_path(tree)[0]


ONE = jax.eval_shape(initial, KEY)
EXPECTED = {(str(path[0]), field(path)): field(path) in WEIGHTS for path, _ in leaves(ONE)}


@pytest.mark.parametrize("networks", [None, (3,), (2, 3)], ids=["one", "stacked", "twice"])
def test_weights_decay_and_nothing_else_does_however_they_are_stacked(networks):
    init = initial
    for _ in networks or ():
        init = jax.vmap(init)

    @jit_quickly
    def decayed(params):
        nothing = jax.tree.map(jnp.zeros_like, params)
        optimizer, penalty = pn.adamw(0.1, weight_decay=0.5), pn.l2_penalty(0.5)
        updates, _ = optimizer.update(nothing, optimizer.init(params), params)
        value, cache = penalty.forward(params)
        return updates, value, penalty.backward(cache, jnp.ones(()))

    keys = jax.random.split(KEY, networks) if networks else KEY
    params = jax.tree.map(np.asarray, jit_quickly(init)(keys))
    updates, value, grads = jax.tree.map(np.asarray, decayed(params))
    assert decays_of(updates) == decays_of(grads) == EXPECTED
    weights = [p for path, p in leaves(params) if field(path) in WEIGHTS]
    np.testing.assert_allclose(value, 0.25 * sum((w**2).sum() for w in weights), rtol=1e-5)
    for (path, p), (_, u), (_, g) in zip(*map(leaves, (params, updates, grads)), strict=True):
        if field(path) in WEIGHTS:
            np.testing.assert_allclose(u, -0.05 * p, rtol=1e-6)
            np.testing.assert_allclose(g, 0.5 * p, rtol=1e-6)


def test_every_record_of_parameters_names_its_weights():
    records = [getattr(pn, name) for name in pn.__all__ if name.endswith("Params")]
    assert len(records) >= 4
    for record in records:
        assert set(record.weights) == set(record._fields) - OTHERS


def test_in_any_other_tree_a_leaf_with_two_axes_or_more_is_a_weight():
    params = {"w": jnp.ones((2, 2)), "mine": [jnp.ones(2), jnp.ones((1, 1, 1)), jnp.ones(())]}
    nothing = jax.tree.map(jnp.zeros_like, params)
    optimizer = pn.adamw(0.1, weight_decay=0.5)
    updates, _ = jit_quickly(optimizer.update)(nothing, optimizer.init(params), params)
    assert [bool(u.any()) for u in jax.tree.leaves(updates)] == [False, True, False, True]
    # A record in a dict, and a dict in a record.
    mixed = {"layer": pn.DenseParams({"a": jnp.ones((2, 2))}, jnp.ones((2, 2))), "x": jnp.ones(2)}
    grads = jit_quickly(jax.grad(pn.l2_penalty(1.0)))(mixed)
    assert [bool(g.any()) for g in jax.tree.leaves(grads)] == [True, False, False]


class Weights(NamedTuple):
    """A user's own record: a field may be called weights, which says nothing of the others."""

    weights: Any
    bias: Any


class Named(NamedTuple):
    """One that says which of its fields are weights."""

    gain: Any
    kernel: Any
    weights = ("kernel",)


@pytest.mark.parametrize(("record", "counts"), [(Weights, [True, False]), (Named, [False, True])])
def test_a_record_of_ones_own_may_name_its_weights(record, counts):
    params = record(jnp.ones((2, 2)), jnp.ones((2, 2) if record is Named else 2))
    grads = jit_quickly(jax.grad(pn.l2_penalty(1.0)))(params)
    assert [bool(g.any()) for g in grads] == counts
