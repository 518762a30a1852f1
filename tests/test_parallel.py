"""`parallel`, and `residual` with a projection, beyond what their rows of the table show."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import LayerRow, error, jit_quickly, layer_case

import purenn as pn

KEY = jax.random.key(0)


def both_ways(layer, params, state, x, dy):
    """`dx` by hand and by JAX."""
    _, _, cache = layer.forward(params, state, x)
    _, vjp = jax.vjp(lambda x: layer.apply(params, state, x)[0], x)
    return layer.backward(params, cache, dy)[1], vjp(dy)[0]


def test_a_product_with_factors_of_zero_has_the_right_derivative():
    layer = pn.parallel(pn.serial(), pn.relu, pn.tanh, combine="product")
    x = jnp.array([[0.0, -1.0, 2.0, -3.0]])
    dx, by_jax = both_ways(layer, ((),) * 3, ((),) * 3, x, jnp.ones((1, 4)))
    assert np.isfinite(dx).all() and error(dx, by_jax) <= 1e-6


def test_the_identity_beside_a_layer_is_its_residual(rng):
    layer, residual = pn.parallel(pn.serial(), pn.dense(3)), pn.residual(pn.dense(3))
    params, _, x, _ = layer_case(LayerRow("", residual, (3,), None), (4,), rng, jnp.float32)
    y, _ = layer.apply(((), params), ((), ()), x)
    assert np.array_equal(y, residual.apply(params, (), x)[0])


def test_integers_have_no_derivative_and_the_layers_learn():
    def branch(units):
        return pn.serial(pn.flatten(), pn.rescale(), pn.dense(units))

    layer = pn.parallel(branch(2), branch(3), combine="concat")
    assert layer.takes == "any"
    x = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)

    @jit_quickly
    def both():
        params, state = layer.init(KEY, (3, 2))
        y, _, cache = layer.forward(params, state, x)
        return y, jnp.cos(y), layer.backward(params, cache, jnp.cos(y))

    y, dy, (dparams, dx) = both()
    assert dx is None and y.shape == (4, 5)
    flat, dy = x.reshape(4, 6).astype(np.float32) / 255, np.asarray(dy)
    expected = [flat.T @ dy[:, :2], flat.T @ dy[:, 2:]]
    assert error([dparams[0][2].w, dparams[1][2].w], expected) <= 1e-6


def test_a_layer_that_takes_integers_alone_decides():
    table = pn.Layer(
        lambda key, in_shape: (jnp.ones((5, 3)), ()),
        lambda params, state, x, *, train=False, key=None: (params[x], state, x),
        lambda params, x, dy: (jnp.zeros_like(params).at[x].add(dy), None),
        name="table",
        takes="integer",
    )
    layer = pn.parallel(table, table)
    assert layer.takes == "integer" and pn.parallel(pn.serial(), pn.relu).takes == "float"
    params, state = layer.init(KEY, (2,))
    y, _, cache = layer.forward(params, state, jnp.zeros((4, 2), jnp.int32))
    dparams, dx = layer.backward(params, cache, jnp.ones_like(y))
    assert dx is None and [d[0, 0] for d in dparams] == [8, 8]


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_a_sum_of_many_outputs_is_rounded_once(dtype):
    count = 9
    layer = pn.parallel(*[pn.serial()] * count)
    x = jnp.linspace(0.1, 1, 32).astype(dtype)[None]
    y, _, cache = layer.forward(((),) * count, ((),) * count, x)
    _, dx = layer.backward(((),) * count, cache, x)
    expected = (count * x.astype(jnp.float32)).astype(dtype)
    assert y.dtype == dx.dtype == dtype
    assert np.array_equal(y, expected) and np.array_equal(dx, expected)


def test_as_dtype_and_mixed_precision_reach_every_branch(rng):
    block = pn.residual(
        pn.serial(pn.dense(3), pn.batch_norm()),
        projection=pn.parallel(pn.dense(1), pn.dense(2), combine="concat"),
    )
    low = pn.as_dtype(block, jnp.bfloat16)
    params, state = jax.eval_shape(lambda: low.init(KEY, (4,)))
    assert {leaf.dtype for leaf in jax.tree.leaves((params, state))} == {jnp.dtype(jnp.bfloat16)}
    assert low.name == "residual" and low.notation.symbol == "R"

    params, state, x, _ = layer_case(LayerRow("", block, (4,), None), (8,), rng, jnp.float32)

    @jit_quickly
    def judged(params):
        layers = block, pn.mixed_precision(block, jnp.float16)
        return [pn.value_and_grad(layer, pn.mse)(params, state, x, x[:, :3]) for layer in layers]

    full, half = judged(params)
    assert error(half[0], full[0]) <= 0.02
    full, half = jax.tree.map(np.asarray, (full, half))
    norm = sum(float((leaf**2).sum()) for leaf in jax.tree.leaves(full[1])) ** 0.5
    for a, b in zip(*map(jax.tree.leaves, (half[1], full[1])), strict=True):
        assert np.abs(a - b).max() <= 0.02 * norm
