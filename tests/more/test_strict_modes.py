"""The modes of JAX that forbid things: `jax_numpy_rank_promotion="raise"` and `jax_debug_nans`.

Strict dtype promotion, the third, is on in every test (conftest.py).
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import checkify
from table import DISTINCT, MADE_OF_OTHERS, ROWS, case, functions, jit_quickly, names, shapes

import purenn as pn

KEY = jax.random.key(0)


def nan_inside(function, *arguments):
    """The first NaN that any operation of a compiled program makes, or None; and its results."""
    checked = checkify.checkify(function, errors=checkify.nan_checks)
    error, results = jit_quickly(checked)(*arguments)
    return error.get(), results


def everything(row):
    """A row's value, its derivatives, and those that JAX takes of `apply`."""
    f = functions(row)

    def function(v, rest):
        y, cache = f.forward(v, rest)
        by_jax = jax.vjp(lambda v: f.apply(v, rest), v)[1](jnp.ones_like(y))
        return y, f.backward(v, cache, jnp.ones_like(y)), by_jax

    return function


@pytest.mark.parametrize("row", ROWS, ids=names(ROWS))
def test_every_rule_promotes_no_rank(row, rng):
    with jax.numpy_rank_promotion("raise"):
        for shape in shapes(row):
            jax.eval_shape(everything(row), *case(row, shape, rng, jnp.float32))


RULES = [row for row in DISTINCT if row.name not in MADE_OF_OTHERS]


@pytest.mark.parametrize("row", RULES, ids=names(RULES))
def test_every_rule_makes_no_nan_on_the_way(row, rng):
    assert nan_inside(everything(row), *case(row, shapes(row)[0], rng, jnp.float32))[0] is None


INF = jnp.inf
LABELS = jnp.array([0, 1], jnp.int32)
# Infinite logits whose loss is finite: a class that is masked, a sure answer that is right.
INFINITE = {
    "a masked class": (pn.softmax_cross_entropy, jnp.array([[1, -INF, 2], [-INF, 1, 2]]), LABELS),
    "a masked class, rows": (
        pn.softmax_cross_entropy,
        jnp.array([[1, -INF, 2], [-INF, 1, 2]]),
        jnp.array([[0.5, 0, 0.5], [0, 1, 0]]),
    ),
    "sure and right": (pn.sigmoid_binary_cross_entropy, jnp.array([INF, -INF]), LABELS[::-1]),
    "probabilities 0 and 1": (pn.binary_cross_entropy, jnp.array([0.0, 1.0]), LABELS),
    "a probability of 0": (
        pn.categorical_cross_entropy,
        jnp.array([[1.0, 0, 0], [0, 0, 1]]),
        LABELS,
    ),
    "softmax": (pn.softmax, jnp.array([[1, -INF, 2]])),
    **{
        op.name: (op, jnp.array([-INF, -1e4, 0, 1e4, INF]))
        for op in (pn.relu, pn.leaky_relu, pn.sigmoid, pn.tanh, pn.gelu, pn.silu, pn.softplus)
    },
}


@pytest.mark.parametrize("name", INFINITE)
def test_no_nan_on_the_way_to_a_finite_result_from_infinity(name):
    op, *arguments = INFINITE[name]

    def found(x, *others):
        y, cache = op.forward(x, *others)
        dx = op.backward(cache, jnp.ones_like(y))
        if op in (pn.gelu, pn.silu):  # where JAX's own derivative is ∞ · 0
            return y, dx, dx
        return y, dx, jax.vjp(lambda x: op(x, *others), x)[1](jnp.ones_like(y))[0]

    nan, (_, dx, by_jax) = nan_inside(found, *arguments)
    assert nan is None
    assert np.isfinite(dx).all() and np.isfinite(by_jax).all()


def test_a_nan_on_the_way_is_found():
    def selected_away(x):
        return jnp.where(x == 0, 0, x * jnp.inf)

    assert "nan" in nan_inside(selected_away, jnp.zeros(3))[0]


OPTIMIZERS = {
    "sgd": pn.sgd(pn.inverse_time_decay(0.1, 1.0, 2)),
    "momentum": pn.momentum(pn.exponential_decay(0.1, 0.5, 2), nesterov=True),
    "adam": pn.adam(pn.linear_warmup(pn.cosine_decay(0.1, 4), 2)),
    "adamw": pn.adamw(0.1),
    "rmsprop": pn.rmsprop(pn.polynomial_decay(0.1, 3, power=0.5), epsilon=0.0, momentum=0.9),
    "adagrad": pn.adagrad(pn.piecewise_constant((1, 2), (0.1, 0.2, 0.1)), 0.0, 0.0, momentum=0.9),
    "chain, adamax": pn.chain(pn.clip_by_global_norm(0.1), pn.adamax(0.1)),
}


@pytest.fixture
def strict():
    with jax.numpy_rank_promotion("raise"), jax.debug_nans(True):
        yield


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_updates_run_in_both_modes(name, strict, rng):
    params = {"w": np.ones((3, 2), np.float32), "b": np.ones(2, np.float32), "s": np.float32(1)}
    grads = jax.tree.map(lambda p: rng.normal(size=(3, *p.shape)).astype(np.float32), params)
    grads["w"][:, 0] = 0  # as the border of an image: its gradients are exactly 0
    optimizer = OPTIMIZERS[name]

    def step(carry, grads):
        params, opt_state = carry
        updates, opt_state = optimizer.update(grads, opt_state, params)
        return (pn.apply_updates(params, updates), opt_state), updates

    start = params, optimizer.init(params)
    results = jit_quickly(lambda start, grads: jax.lax.scan(step, start, grads))(start, grads)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(results))


def test_training_runs_in_both_modes(strict, rng):
    model = pn.serial(pn.rescale(0.5), pn.dense(4), pn.batch_norm(), pn.relu, pn.dense(3))
    x = rng.normal(size=(8, 5)).astype(np.float32)
    x[:, 0] = 0  # as the border of an image: its gradients are exactly 0
    targets = rng.integers(3, size=8)
    run = pn.training_run(
        model,
        pn.softmax_cross_entropy,
        OPTIMIZERS["adam"],
        epochs=2,
        batch_size=4,
        penalty=pn.l2_penalty(0.1),
    )
    train_state, losses = jit_quickly(run)(KEY, x, targets)
    assert np.isfinite(losses).all()
    learned = train_state.params, train_state.state
    loss, accuracy = pn.evaluate(model, pn.softmax_cross_entropy, *learned, x, targets)
    assert np.isfinite(loss) and 0 <= accuracy <= 1
    assert len(str(pn.explain(model, pn.softmax_cross_entropy, *learned, x, targets))) > 100
    assert pn.check_gradients(pn.dense(2), in_shape=(3,)).ok
