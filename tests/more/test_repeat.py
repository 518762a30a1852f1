"""`repeat`: the numbers of separate layers, from a program that does not grow with their number."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import LayerRow, dtypes, error, jit_quickly, layer_case

import purenn as pn

KEY = jax.random.key(0)


def block(units=4, rate=0.3):
    return pn.residual(
        pn.serial(pn.batch_norm(), pn.dense(6), pn.gelu, pn.dropout(rate), pn.dense(units))
    )


# What is repeated: caches that hold x, y, both, neither; state; keys; loops within loops.
LAYERS = {
    "a block": block(),
    "x and y": pn.serial(pn.dense(4), pn.tanh, pn.tanh),
    "y alone": pn.sigmoid,
    "nothing": pn.serial(),
    "a function": jnp.sin,
    "recomputed": pn.recompute(pn.serial(pn.batch_norm(), pn.dropout(0.3), pn.dense(4))),
    "repeated": pn.repeat(pn.residual(pn.serial(pn.dense(4), pn.dropout(0.3))), 2),
    "branches": pn.parallel(pn.serial(), pn.tanh, pn.dense(4), combine="product"),
    "by hand": pn.by_hand(pn.serial(pn.dense(4), pn.relu)),
}
TIMES = 3


def separate(layer):
    return pn.serial(*[layer] * TIMES)


def unstacked(tree):
    return tuple(jax.tree.map(lambda a, i=i: a[i], tree) for i in range(TIMES))


def stacked(trees):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


@pytest.mark.parametrize("name", LAYERS)
def test_values_state_and_gradients_are_those_of_separate_layers(name, rng, x64):
    repeated, serial = pn.repeat(LAYERS[name], TIMES), separate(LAYERS[name])
    params, state, x, key = layer_case(LayerRow("", repeated, (4,), None), (5,), rng)
    u = jnp.asarray(rng.normal(size=(5, 4)))

    def of(layer, params, state):
        options = {"train": True, "key": key}
        y, new_state, cache = layer.forward(params, state, x, **options)

        def value(params, x):
            y, new_state = layer.apply(params, state, x, **options)
            return jnp.vdot(y, u), (y, new_state)

        by_jax, applied = jax.grad(value, argnums=(0, 1), has_aux=True)(params, x)
        return y, new_state, layer.backward(params, cache, u), by_jax, applied

    @jit_quickly
    def both(params, state):
        y, after, (dparams, dx), (dparams_by_jax, dx_by_jax), (y_applied, applied) = of(
            serial, unstacked(params), unstacked(state)
        )
        found = y, stacked(after), (stacked(dparams), dx), (stacked(dparams_by_jax), dx_by_jax)
        return of(repeated, params, state), (*found, (y_applied, stacked(applied)))

    got, expected = both(params, state)
    assert error(got, expected) <= 1e-12
    assert dtypes(got) == dtypes(expected)


def test_a_compiled_init_draws_the_numbers_of_separate_layers():
    @jax.jit
    def both():
        expected = tuple(map(stacked, separate(block()).init(KEY, (4,))))
        return pn.repeat(block(), TIMES).init(KEY, (4,)), expected

    made, expected = both()
    jax.tree.map(np.testing.assert_array_equal, made, expected)


@pytest.mark.parametrize("function", ["init", "step"])
def test_the_program_does_not_grow_with_the_number_of_layers(function):
    def lines(times):
        model = pn.serial(pn.repeat(block(), times), pn.dense(2))
        if function == "init":
            return len(jax.jit(lambda: model.init(KEY, (4,))).lower().as_text().splitlines())
        given = jax.eval_shape(lambda: model.init(KEY, (4,)))
        given = *given, jnp.ones((8, 4)), jnp.zeros(8, jnp.int32)
        f = partial(pn.value_and_grad(model, pn.softmax_cross_entropy), key=KEY)
        return len(jax.jit(f).lower(*given).as_text().splitlines())

    assert lines(48) == lines(2)


def test_a_cache_holds_each_array_once_and_no_output_that_is_the_next_layers_input():
    def kept(layer):
        def forward(x):
            return layer.forward(*layer.init(KEY, (4,)), x)[2]

        leaves = jax.tree.leaves(jax.eval_shape(forward, jnp.ones((16, 4))))
        return sum(leaf.size for leaf in leaves)

    number = 16 * 4
    assert kept(pn.repeat(pn.serial(pn.dense(4), pn.relu), 5)) == 6 * number  # five x and one y
    assert kept(pn.repeat(pn.serial(pn.dense(4), pn.tanh, pn.dense(4)), 5)) == 10 * number
    assert kept(pn.repeat(pn.serial(pn.gelu, pn.dense(4)), 5)) == 10 * number
    assert kept(pn.repeat(pn.recompute(block()), 5)) == 5 * (number + 8)  # and running statistics
    assert kept(pn.repeat(pn.sigmoid, 5)) == 5 * number


def test_a_state_that_no_layer_changes_is_passed_on_as_it_is():
    layer = pn.repeat(block(), TIMES)
    params, state = jax.eval_shape(lambda: layer.init(KEY, (4,)))
    for train in (False, True):

        def same(params, state, train=train):
            _, after = layer.apply(params, state, jnp.ones((5, 4)), train=train, key=KEY)
            assert (after[0].mean is state[0].mean) == (not train)
            return after

        after = jax.eval_shape(same, params, state)
        assert after[0].mean.shape == (TIMES, 4)


def test_mixed_precision_and_as_dtype_reach_the_layers_inside(rng):
    layer = pn.repeat(block(), TIMES)
    low = pn.mixed_precision(layer, jnp.float16)
    assert low.name == "repeat" and "in float16" in str(low.inner[0].notation.note)
    params, state, x, key = layer_case(LayerRow("", layer, (4,), None), (8,), rng, jnp.float32)

    @jit_quickly
    def judged(params):
        f = [pn.value_and_grad(each, pn.mse) for each in (layer, low)]
        return [each(params, state, x, jnp.ones((8, 4)), key=key) for each in f]

    full, half = judged(params)
    assert dtypes(full) == dtypes(half) and error(half[0], full[0]) <= 0.02
    inner = pn.repeat(pn.serial(pn.rescale(0.5), pn.dense(4)), 2)
    params, state = jax.eval_shape(lambda: pn.as_dtype(inner, jnp.bfloat16).init(KEY, (4,)))
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype(jnp.bfloat16)}
    assert params[1].w.shape == (2, 4, 4)


def test_stacked_weights_decay_and_stacked_biases_do_not():
    params, _ = jax.eval_shape(lambda: pn.repeat(block(), 2).init(KEY, (4,)))
    params = jax.tree.map(lambda p: np.ones(p.shape, p.dtype), params)
    penalty = pn.l2_penalty(1.0)
    grads = jit_quickly(lambda p: penalty.backward(penalty.forward(p)[1], jnp.ones(())))(params)
    norm, first, _, _, last = grads
    assert [bool(leaf.any()) for leaf in (*norm, *first, *last)] == [
        False, False, True, False, True, False,
    ]  # fmt: skip


def test_training_makes_the_loss_smaller(data):
    x, y = data
    model = pn.serial(pn.dense(8), pn.repeat(block(8, 0.1), 4), pn.dense(3))
    train_state, history = pn.fit(
        model, pn.softmax_cross_entropy, pn.adamw(1e-2), (x, y),
        epochs=4, batch_size=32, key=KEY, progress=False,
    )  # fmt: skip
    assert history[-1].loss < history[0].loss
    assert train_state.state[1][0].mean.shape == (4, 8)


def test_explain_shows_every_layer_and_summary_one_with_the_numbers_of_all(rng):
    model = pn.serial(pn.dense(4), pn.repeat(block(), TIMES), pn.dense(2))
    params, state, x, key = layer_case(LayerRow("", model, (3,), None), (5,), rng, jnp.float32)
    targets = jnp.ones((5, 2))

    @jit_quickly
    def both(params):
        e = pn.explain(model, pn.mse, params, state, x, targets, key=key)
        return e, pn.value_and_grad(model, pn.mse)(params, state, x, targets, key=key)

    e, ((value, _), grads) = both(params)
    assert error((e.value, e.grads), (value, grads)) <= 1e-6
    assert len(e[1].inner) == 1 and len(e[1].inner[0]) == TIMES
    of_blocks = stacked([layer.dparams for layer in e[1].inner[0]])
    assert error(of_blocks, e[1].dparams) <= 1e-6
    assert e["R1"] is e[1].y and error(e[1].inner[0][-1].y, e[1].y) <= 1e-6

    text = pn.summary(model, (3,))
    rows = [line.split() for line in text.splitlines()[2:-2]]
    assert [row[0] for row in rows[:3]] == ["dense(4)", "repeat", "residual"]
    assert len(rows) == 9 and f", {TIMES} times" in text
    separate_blocks = pn.summary(pn.serial(pn.dense(4), separate(block()), pn.dense(2)), (3,))
    assert text.splitlines()[-1].split() == separate_blocks.splitlines()[-1].split()
