"""`gru` and `lstm`: PyTorch's numbers, weights without biases, and what the loops keep."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import as_dtype, jit_quickly

import purenn as pn

KEY = jax.random.key(0)
UNITS, FEATURES, TIME = 3, 2, 24  # two blocks of steps
MAKE = {"gru": pn.gru, "lstm": pn.lstm}


@pytest.fixture(params=MAKE)
def make(request):
    return MAKE[request.param]


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def torch_lstm(x, weight_ih, weight_hh, bias_ih, bias_hh):
    """As the documentation of `torch.nn.LSTM` has it, of one sequence."""
    h = c = np.zeros(UNITS)
    outputs = []
    for x_t in x:
        i, f, g, o = np.split(weight_ih @ x_t + bias_ih + weight_hh @ h + bias_hh, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs)


def torch_gru(x, weight_ih, weight_hh, bias_ih, bias_hh):
    """As the documentation of `torch.nn.GRU` has it, of one sequence."""
    h, outputs = np.zeros(UNITS), []
    for x_t in x:
        ir, iz, i_n = np.split(weight_ih @ x_t + bias_ih, 3)
        hr, hz, hn = np.split(weight_hh @ h + bias_hh, 3)
        r, z = sigmoid(ir + hr), sigmoid(iz + hz)
        n = np.tanh(i_n + r * hn)
        h = (1 - z) * n + z * h
        outputs.append(h)
    return np.stack(outputs)


def test_lstm_is_pytorchs(rng, x64):
    shapes = (4 * UNITS, FEATURES), (4 * UNITS, UNITS), (4 * UNITS,), (4 * UNITS,)
    weight_ih, weight_hh, bias_ih, bias_hh = given = [rng.normal(size=s) for s in shapes]
    params = pn.LstmParams(weight_ih.T, weight_hh.T, bias_ih + bias_hh)
    x = rng.normal(size=(2, TIME, FEATURES))
    y, _ = jit_quickly(pn.lstm(UNITS).apply)(params, (), x)
    expected = np.stack([torch_lstm(one, *given) for one in x])
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-14)


def test_gru_is_pytorchs(rng, x64):
    shapes = (3 * UNITS, FEATURES), (3 * UNITS, UNITS), (3 * UNITS,), (3 * UNITS,)
    weight_ih, weight_hh, bias_ih, bias_hh = given = [rng.normal(size=s) for s in shapes]
    of_gates, of_new = np.split(bias_hh, [2 * UNITS])
    b = bias_ih + np.append(of_gates, np.zeros(UNITS))
    params = pn.GruParams(weight_ih.T, weight_hh.T, b, of_new)
    x = rng.normal(size=(2, TIME, FEATURES))
    y, _ = jit_quickly(pn.gru(UNITS).apply)(params, (), x)
    expected = np.stack([torch_gru(one, *given) for one in x])
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-14)


def test_without_biases_it_is_the_layer_with_biases_of_zero(make, rng):
    plain, biased = make(UNITS, b_init=None), make(UNITS)

    @jit_quickly
    def both(x):
        (params, _), (with_b, _) = (a.init(KEY, (TIME, FEATURES)) for a in (plain, biased))
        y, _, cache = plain.forward(params, (), x)
        expected, _, other = biased.forward(with_b, (), x)
        outputs = y, expected, plain.apply(params, (), x)[0]
        return params, outputs, plain.backward(params, cache, y), biased.backward(with_b, other, y)

    params, outputs, (dparams, dx), (right, dx_right) = both(rng.normal(size=(2, TIME, FEATURES)))
    assert len(jax.tree.leaves(params)) == len(jax.tree.leaves(dparams)) == 2
    chex.assert_trees_all_equal(*outputs)
    chex.assert_trees_all_equal((dparams.w, dparams.u, dx), (right.w, right.u, dx_right))


def test_the_cache_is_x_y_the_gates_and_the_cell(make):
    layer, x = make(UNITS), jnp.ones((2, TIME, FEATURES), jnp.bfloat16)
    params, state = as_dtype(layer.init(KEY, x.shape[1:]), jnp.bfloat16)
    *_, cache = jax.eval_shape(layer.forward, params, state, x)
    each = {pn.gru: 3 + 1, pn.lstm: 4 + 1 + 1}[make] * UNITS + FEATURES
    last_c = 2 * UNITS * (make is pn.lstm)
    leaves = jax.tree.leaves(cache)
    assert sum(leaf.size for leaf in leaves) == 2 * TIME * each + last_c
    assert {leaf.dtype for leaf in leaves} == {x.dtype}


def test_derivatives_through_several_blocks_of_steps_are_jaxs(make, rng, x64):
    layer = make(UNITS)
    params, state = as_dtype(layer.init(KEY, (TIME, FEATURES)), jnp.float64)
    x, dy = rng.normal(size=(2, TIME, FEATURES)), rng.normal(size=(2, TIME, UNITS))

    @jit_quickly
    def both(params, x, dy):
        _, _, cache = layer.forward(params, state, x)
        _, vjp = jax.vjp(lambda params, x: layer.apply(params, state, x)[0], params, x)
        return layer.backward(params, cache, dy), vjp(dy)

    got, expected = both(params, x, dy)
    chex.assert_trees_all_close(got, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(0, TIME, FEATURES), (2, 0, FEATURES), (2, 1, FEATURES)])
def test_few_sequences_or_steps(make, shape):
    layer, x = make(UNITS), jnp.ones(shape)
    params, state = layer.init(KEY, (TIME, FEATURES))
    y, _, cache = layer.forward(params, state, x)
    dparams, dx = layer.backward(params, cache, jnp.ones_like(y))
    assert y.shape == (*shape[:2], UNITS) and dx.shape == shape
    assert not dparams.u.any()  # the state before the first step is zero
    assert bool(dparams.w.any()) == bool(x.size)


def test_half_precision_stays_near_over_many_steps(make, rng):
    layer = make(16)
    params, state = as_dtype(layer.init(KEY, (200, 8)), jnp.bfloat16)
    x, dy = (as_dtype(rng.normal(size=(4, 200, n)), jnp.bfloat16) for n in (8, 16))

    @jit_quickly
    def run(params, x, dy):
        y, _, cache = layer.forward(params, state, x)
        return y, layer.backward(params, cache, dy)

    got, exact = run(params, x, dy), run(*as_dtype((params, x, dy), jnp.float32))
    for low, right in zip(jax.tree.leaves(got), jax.tree.leaves(exact), strict=True):
        assert jnp.abs(low.astype(jnp.float32) - right).max() <= 2e-2 * jnp.abs(right).max()


@pytest.mark.parametrize(
    ("layer", "line"),
    [
        (pn.gru(3), "H1 = gru(X·W1 + b1, U1, c1)"),
        (pn.gru(3, b_init=None), "H1 = gru(X·W1, U1)"),
        (pn.lstm(3), "H1 = lstm(X·W1 + b1, U1)"),
        (pn.lstm(3, b_init=None), "H1 = lstm(X·W1, U1)"),
    ],
)
def test_summary_names_what_the_recurrence_is_made_of(layer, line):
    assert line in pn.summary(layer, (TIME, FEATURES))
