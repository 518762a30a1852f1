"""Small parameters as one array: what a compiled loop carries."""

import re

import chex
import jax
import jax.numpy as jnp
import pytest

import purenn as pn
from purenn.training.packed import SMALL, Packing


def filled(shapes, rng):
    """A tree of random numbers in the shapes of another."""
    return jax.tree.map(lambda a: jnp.asarray(rng.normal(size=a.shape), jnp.float32), shapes)


@pytest.fixture
def params():
    """Narrow and wide weights, small and large ones, biases, and a layer without parameters."""
    model = pn.serial(pn.dense(70), pn.relu, pn.batch_norm(), pn.dense(5), pn.dense(2, b_init=None))
    return model.init(jax.random.key(0), (60,))[0]


def test_what_is_packed_comes_back(params, rng):
    packing, tree = Packing(params), filled(params, rng)
    packed = packing.packed(tree)
    assert [jnp.shape(a) for a in jax.tree.leaves(packed)] == [(350 + 10,), (70 * 3 + 5,), (60, 70)]
    chex.assert_trees_all_equal(packing.unpacked(packed), tree)


def test_weights_stay_weights(params):
    """So that they alone decay."""
    update = pn.adamw(0.1, weight_decay=0.5)
    packing = Packing(params)
    zero = jax.tree.map(jnp.zeros_like, params)
    expected, _ = update.update(zero, update.init(params), params)
    packed = packing.packed(params)
    got, _ = update.update(packing.packed(zero), update.init(packed), packed)
    chex.assert_trees_all_close(packing.unpacked(got), expected, rtol=1e-6)


def test_moments_are_packed_and_nothing_else(params, rng):
    opt_state = pn.chain(pn.clip_by_global_norm(1.0), pn.adam(1e-3)).init(params)
    opt_state = filled(opt_state, rng)
    packing = Packing(params)
    packed = packing.packed_in(opt_state)
    sizes = [a.size for a in jax.tree.leaves(packed)]
    alone = [a.size for a in jax.tree.leaves(opt_state) if a.ndim == 0]
    assert sorted(sizes) == sorted(alone + 2 * [360, 215, 4200])
    chex.assert_trees_all_equal(packing.unpacked_in(packed), opt_state)


@pytest.mark.parametrize("params", [jnp.ones(()), jnp.ones((2, 3)), (), {"w": jnp.ones(SMALL + 1)}])
def test_trees_of_few_arrays(params):
    """A single array has the structure of every array of a state, and of its counter."""
    optimizer = pn.adam(1e-3)
    packing, opt_state = Packing(params), optimizer.init(params)
    packed = packing.packed(params), packing.packed_in(opt_state)
    _, after = optimizer.update(packed[0], packed[1], packed[0])
    _, expected = optimizer.update(params, opt_state, params)
    chex.assert_trees_all_equal(packing.unpacked_in(after), expected)
    chex.assert_trees_all_equal(packing.unpacked(packed[0]), params)


def test_arrays_of_another_dtype_are_left_alone():
    params = {"a": jnp.ones(3), "b": jnp.ones(3, jnp.bfloat16), "c": jnp.ones(2)}
    packing = Packing(params)
    packed = packing.packed(params)
    assert sorted((a.size, str(a.dtype)) for a in jax.tree.leaves(packed)) == [
        (3, "bfloat16"),
        (5, "float32"),
    ]
    chex.assert_trees_all_equal(packing.unpacked(packed), params)


def test_a_loop_carries_few_arrays():
    """One for all weights and one for all biases, of the parameters and of each of the moments."""
    model, data = pn.mlp((3, 3, 3, 3), 3), jnp.ones((4, 3))
    run = pn.training_run(model, pn.mse, pn.adam(1e-3), epochs=1, batch_size=2)
    text = jax.jit(run).lower(jax.random.key(0), data, data).compile().as_text()
    of_parameters = re.compile(r"f32\[(45|15)\]")
    loops = [line for line in text.splitlines() if " while(" in line]
    assert max(len(of_parameters.findall(line.split(" while(")[0])) for line in loops) == 6
