"""Hyperparameters as traced scalars: swept by vmap, differentiated, and NaN out of their bounds."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from table import error, jit_quickly

import purenn as pn

KEY = jax.random.key(0)
X = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
X[:, 0] = 0  # as the border of MNIST's images: the gradient of its weights is exactly 0
TARGETS = np.arange(12, dtype=np.int32) % 3


def updates(optimizer):
    """Three updates of a small tree; the first row of gradients is 0."""
    params = {"w": jnp.ones((2, 3)), "b": jnp.ones(3)}
    grads = {"w": jnp.array([[0.0, 0, 0], [1, -2, 3]]), "b": jnp.array([1.0, 0.5, 0])}

    def step(opt_state, _):
        found, opt_state = optimizer.update(grads, opt_state, params)
        return opt_state, found

    return jax.lax.scan(step, optimizer.init(params), None, 3)[1]


def of_layer(layer):
    """Value, derivatives and new state of a layer in training."""
    params, state = layer.init(KEY, (4,))
    y, state, cache = layer.forward(params, state, X, train=True, key=KEY)
    return y, state, layer.backward(params, cache, jnp.cos(y))


def of_penalty(penalty):
    value, cache = penalty.forward(pn.DenseParams(X, X[0]))
    return value, penalty.backward(cache, jnp.ones(()))


def rates(schedule):
    return [schedule(jnp.int32(step)) for step in range(5)]


# name: (what a value gives, two values, one that is out of bounds).
SWEPT = {
    "sgd": (lambda v: updates(pn.sgd(v)), (0.01, 0.1), -1.0),
    "momentum": (lambda v: updates(pn.momentum(v, v, nesterov=True)), (0.5, 0.9), 1.0),
    "adam": (lambda v: updates(pn.adam(v)), (0.01, 0.1), -1.0),
    "adam's betas": (lambda v: updates(pn.adam(0.1, v, v)), (0.5, 0.9), 1.0),
    "adam's beta of 0": (lambda v: updates(pn.adam(0.1, beta2=v)), (0.0, 0.5), -0.1),
    "adam's epsilon": (lambda v: updates(pn.adam(0.1, epsilon=v)), (0.01, 0.1), -1.0),
    "adamw": (lambda v: updates(pn.adamw(0.1, weight_decay=v)), (0.1, 1.0), -1.0),
    "rmsprop": (lambda v: updates(pn.rmsprop(v, v, momentum=v)), (0.0, 0.9), 1.0),
    "rmsprop's epsilon": (lambda v: updates(pn.rmsprop(0.1, epsilon=v)), (0.0, 0.1), -1.0),
    "adagrad": (lambda v: updates(pn.adagrad(v, momentum=v)), (0.0, 0.9), 1.0),
    "adagrad's epsilon": (lambda v: updates(pn.adagrad(0.1, v, v)), (0.0, 0.1), -1.0),
    "adamax": (lambda v: updates(pn.adamax(v, v, v, v)), (0.1, 0.9), 1.0),
    "clip_by_global_norm": (
        lambda v: updates(pn.chain(pn.clip_by_global_norm(v), pn.sgd(v))),
        (0.0, 100.0),
        -1.0,
    ),
    "l2_penalty": (lambda v: of_penalty(pn.l2_penalty(v)), (0.1, 1.0), -1.0),
    "dropout": (lambda v: of_layer(pn.dropout(v)), (0.25, 0.5), 1.0),
    "batch_norm": (lambda v: of_layer(pn.batch_norm(momentum=v, epsilon=v)), (0.1, 0.5), -1.0),
    "layer_norm": (lambda v: of_layer(pn.layer_norm(epsilon=v)), (0.1, 1.0), -1.0),
    "rescale": (lambda v: of_layer(pn.rescale(v)), (0.5, 2.0), None),
    "warm-up": (lambda v: rates(pn.linear_warmup(v, 2)), (0.1, 0.5), -1.0),
    "warm-up to a cosine": (
        lambda v: rates(pn.linear_warmup(pn.cosine_decay(v, 4, v / 9), 2)),
        (0.1, 0.5),
        -1.0,
    ),
    "steps": (
        lambda v: (
            rates(pn.linear_warmup(pn.cosine_decay(0.5, jnp.int32(1) * v), v))
            + rates(pn.exponential_decay(0.5, 0.5, v))
            + rates(pn.inverse_time_decay(0.5, 0.5, v))
            + rates(pn.polynomial_decay(0.5, v))
            + rates(pn.piecewise_constant((1, v), (0.5, 0.1, 0.2)))
        ),
        (2, 4),
        0,
    ),
    "a boundary that is not after the one before": (
        lambda v: rates(pn.piecewise_constant((2, v), (0.5, 0.1, 0.2))),
        (3, 4),
        2,
    ),
    "a boundary alone": (lambda v: rates(pn.piecewise_constant((v,), (0.5, 0.1))), (2, 4), 0),
    "an array of values": (
        lambda v: rates(pn.piecewise_constant((2,), jnp.stack([0.5 + 0 * v, v]))),
        (0.1, 0.5),
        -1.0,
    ),
    "polynomial_decay": (lambda v: rates(pn.polynomial_decay(v, 4, v / 9, v)), (0.1, 0.5), -1.0),
    "inverse_time_decay": (lambda v: rates(pn.inverse_time_decay(v, v, 2)), (0.1, 0.5), -1.0),
    "exponential_decay": (lambda v: rates(pn.exponential_decay(v, v, 2)), (0.1, 0.5), -1.0),
}


@pytest.mark.parametrize("name", SWEPT)
def test_a_sweep_is_each_value_by_itself_has_derivatives_and_nan_out_of_bounds(name):
    function, values, outside = SWEPT[name]
    given = jnp.array([*values, values[0] if outside is None else outside])

    @jit_quickly
    def swept(given):
        if given.dtype == jnp.int32:
            return jax.vmap(function)(given), ()
        return jax.vmap(function)(given), jax.jacfwd(function)(given[0])

    together, slopes = swept(given)
    one_by_one = jit_quickly(lambda: [function(value) for value in values])()
    for i, one in enumerate(one_by_one):
        assert error(jax.tree.map(lambda leaf, i=i: leaf[i], together), one) <= 1e-5
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))
    if outside is not None:
        assert any(np.isnan(leaf[2]).any() for leaf in jax.tree.leaves(together))


ALONE = {
    "rmsprop's learning rate": lambda v: pn.rmsprop(v),
    "rmsprop's decay": lambda v: pn.rmsprop(0.1, v),
    "rmsprop's epsilon": lambda v: pn.rmsprop(0.1, epsilon=v),
    "rmsprop's momentum": lambda v: pn.rmsprop(0.1, momentum=v),
    "adagrad's learning rate": lambda v: pn.adagrad(v),
    "adagrad's start": lambda v: pn.adagrad(0.1, v),
    "adagrad's epsilon": lambda v: pn.adagrad(0.1, epsilon=v),
    "adagrad's momentum": lambda v: pn.adagrad(0.1, momentum=v),
    "adamax's learning rate": lambda v: pn.adamax(v),
    "adamax's beta1": lambda v: pn.adamax(0.1, v),
    "adamax's beta2": lambda v: pn.adamax(0.1, beta2=v),
    "adamax's epsilon": lambda v: pn.adamax(0.1, epsilon=v),
    "clip_by_global_norm": lambda v: pn.clip_by_global_norm(v),
}


def test_each_hyperparameter_alone_gives_nan_out_of_its_bounds():
    def one_update(optimizer):
        g = jnp.array([1.0, -2.0])
        return optimizer.update(g, optimizer.init(g))[0]

    found = jit_quickly(lambda v: {name: one_update(ALONE[name](v)) for name in ALONE})(-1.0)
    assert {name for name, update in found.items() if np.isnan(update).all()} == set(ALONE)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_steps_of_a_polynomial_decay_have_derivatives_at_the_end_too(power):
    def at(step, initial, steps, power):
        return pn.polynomial_decay(initial, steps, 0.1, power)(step)

    @jit_quickly
    def slopes(power):
        slope = jax.grad(at, (1, 2, 3))
        return [slope(step, 1.0, 4.0, power) for step in (0, 3, 4, 5)]

    assert np.isfinite(slopes(power)).all()


def run(v):
    """A whole run with everything that can be swept in it."""
    model = pn.serial(pn.dense(5), pn.batch_norm(momentum=v), pn.dropout(v), pn.tanh, pn.dense(3))
    optimizer = pn.adamw(pn.linear_warmup(pn.cosine_decay(v, 6), 2), v, weight_decay=v)
    penalty = pn.l2_penalty(v)
    loss = pn.softmax_cross_entropy
    make = pn.training_run(model, loss, optimizer, epochs=2, batch_size=4, penalty=penalty)
    return make(KEY, X, TARGETS)[1]


def test_a_whole_run_can_be_swept():
    together = jit_quickly(jax.vmap(run))(jnp.array([0.1, 0.5]))
    assert error(together[1], jit_quickly(lambda: run(0.5))()) <= 1e-5


def test_a_concrete_scalar_array_is_a_number_of_any_kind():
    for number in (jnp.float32(0.5), np.float64(0.5), np.array(0.5), jnp.bfloat16(0.5)):
        assert pn.dropout(number).name == "dropout(0.5)"
        assert pn.l2_penalty(number).name == "l2_penalty(0.5)"
        assert pn.cosine_decay(number, jnp.int32(10))(0) == 0.5
        assert pn.leaky_relu(jnp.array([-1.0]), negative_slope=number) == -0.5
    assert pn.dense(jnp.int32(3)).name == "dense(3)"
    with pytest.raises(ValueError, match="dropout: expected 0 <= rate < 1, got 1"):
        pn.dropout(jnp.float32(1))
    with pytest.raises(TypeError, match="negative_slope must be a Python number, since options"):
        jax.vmap(lambda slope: pn.leaky_relu(X, negative_slope=slope))(jnp.ones(2))
    with pytest.raises(TypeError, match="units must be a whole number, .* it is static"):
        jax.jit(pn.dense)(3)


@pytest.mark.parametrize("rate", [0.0, 0.25])
def test_a_traced_rate_of_dropout_drops_what_a_number_does(rate):
    x = jnp.ones((64, 64))

    def dropped(rate):
        return pn.dropout(rate).apply((), (), x, train=True, key=KEY)[0]

    np.testing.assert_array_equal(jax.jit(dropped)(jnp.float32(rate)), dropped(rate))


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_a_traced_scalar_promotes_nothing(dtype):
    def low(v):
        x = jnp.ones((4, 3), dtype)
        layers = pn.rescale(v), pn.dropout(v), pn.batch_norm(momentum=v), pn.layer_norm(epsilon=v)
        outputs = []
        for layer in layers:
            params, state = jax.tree.map(lambda a: a.astype(dtype), layer.init(KEY, (3,)))
            y, _, cache = layer.forward(params, state, x, train=True, key=KEY)
            outputs += [y, *jax.tree.leaves(layer.backward(params, cache, y))]
        params = {"w": x}
        for optimizer in (pn.adamw(v, weight_decay=v), pn.momentum(v, v), pn.sgd(v)):
            outputs += [optimizer.update(params, optimizer.init(params), params)[0]["w"]]
        value, cache = pn.l2_penalty(v).forward(params)
        return [*outputs, pn.l2_penalty(v).backward(cache, jnp.ones_like(value))["w"]]

    assert {leaf.dtype for leaf in jax.eval_shape(low, jnp.float32(0.5))} == {jnp.dtype(dtype)}


def test_optax_injects_hyperparameters_into_a_purenn_optimizer(rng):
    params = {"w": jnp.asarray(rng.normal(size=(3, 2)), jnp.float32)}
    with jax.numpy_dtype_promotion("standard"):
        optimizer = optax.inject_hyperparams(pn.adamw)(learning_rate=pn.cosine_decay(0.1, 10))
        opt_state = optimizer.init(params)
        opt_state.hyperparams["weight_decay"] = jnp.float32(0.5)
        updates, opt_state = jax.jit(optimizer.update)(params, opt_state, params)
        plain = pn.adamw(0.1, weight_decay=0.5)
        expected, _ = plain.update(params, plain.init(params), params)
    np.testing.assert_allclose(updates["w"], expected["w"], rtol=1e-6)


def test_by_hand_under_a_sweep():
    def slopes(v):
        penalty, drop = pn.by_hand(pn.l2_penalty(v)), pn.by_hand(pn.dropout(v))
        through = jax.grad(lambda x: drop.apply((), (), x, train=True, key=KEY)[0].sum())(X)
        return jax.grad(penalty)(X), through

    swept = jit_quickly(jax.vmap(slopes))(jnp.array([0.25, 0.5], jnp.float32))
    one = jit_quickly(lambda: slopes(0.5))()
    assert error(jax.tree.map(lambda a: a[1], swept), one) <= 1e-6


# Derivatives through an update, where a gradient is exactly 0.


def test_the_derivative_of_adam_at_a_gradient_of_zero(x64):
    optimizer = pn.adam(0.1, epsilon=1e-3)

    def update(g):
        return optimizer.update(g, optimizer.init(g))[0]

    g = jnp.array([0.0, 0.5, -2.0])
    # The first update is -η g / (|g| + ε), whose derivative is -η ε / (|g| + ε)².
    expected = jnp.diag(-0.1 * 1e-3 / (jnp.abs(g) + 1e-3) ** 2)
    jacobian, hessian = jit_quickly(
        lambda g: (jax.jacobian(update)(g), jax.hessian(lambda g: update(g).sum())(g))
    )(g)
    np.testing.assert_allclose(jacobian, expected, rtol=1e-9, atol=1e-15)
    assert np.isfinite(hessian).all()


THROUGH = {  # name: (an optimizer of all its hyperparameters, their values)
    "sgd": (pn.sgd, (0.1,)),
    "momentum": (partial(pn.momentum, nesterov=True), (0.1, 0.9)),
    "adam": (pn.adam, (0.1, 0.9, 0.99, 1e-8)),
    "adamw": (pn.adamw, (0.1, 0.9, 0.99, 1e-8, 0.1)),
    "rmsprop": (lambda *v: pn.rmsprop(*v[:3], momentum=v[3]), (0.1, 0.9, 1e-8, 0.9)),
    "rmsprop without epsilon": (lambda *v: pn.rmsprop(*v, 0.0), (0.1, 0.9)),
    "adagrad": (lambda *v: pn.adagrad(*v[:3], momentum=v[3]), (0.1, 0.1, 1e-7, 0.9)),
    "adagrad without epsilon": (lambda *v: pn.adagrad(*v, 0.0, 0.0), (0.1,)),
    "adamax": (pn.adamax, (0.1, 0.9, 0.99, 1e-8)),
    "clip": (lambda *v: pn.chain(pn.clip_by_global_norm(v[0]), pn.sgd(v[1])), (0.5, 0.1)),
}


@pytest.mark.parametrize("name", THROUGH)
def test_derivatives_through_updates_are_finite_where_a_gradient_is_zero(name, rng, x64):
    make, values = THROUGH[name]

    def loss(g, *hyperparameters):
        """Of the parameters after three steps."""
        optimizer, w = make(*hyperparameters), jnp.ones(3)

        def step(carry, _):
            w, opt_state = carry
            found, opt_state = optimizer.update(g, opt_state, w)
            return (w + found, opt_state), ()

        (w, _), _ = jax.lax.scan(step, (w, optimizer.init(w)), None, 3)
        return jnp.cos(w).sum()

    @jit_quickly
    @jax.vmap
    def derivatives(g, along):
        given = (g, *map(jnp.float64, values))
        grads = jax.grad(loss, tuple(range(len(given))))(*given)
        _, forward = jax.jvp(loss, given, along)
        products = jax.tree.map(lambda a, b: (a * b).sum(), grads, along)
        return grads, sum(products), forward

    g = jnp.array([[0.0, 0, 0], [0, 0.5, -2]])  # all of them, and one
    along = jax.tree.map(lambda a: rng.normal(size=(2, *np.shape(a))), (np.zeros(3), *values))
    grads, reverse, forward = derivatives(g, along)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(grads))
    np.testing.assert_allclose(forward, reverse, rtol=1e-9, atol=1e-12)


def test_a_learning_rate_can_be_learned_through_a_whole_run():
    def final(rate):
        loss, optimizer = pn.softmax_cross_entropy, pn.adam(rate)
        whole = pn.training_run(pn.dense(3), loss, optimizer, epochs=2, batch_size=4)
        return whole(KEY, X, TARGETS)[1][-1].mean()

    @jit_quickly
    def judged(rate):
        above, below = jax.vmap(final)(rate + jnp.array([1e-3, -1e-3]))
        return jax.grad(final)(rate), (above - below) / 2e-3

    slope, difference = judged(jnp.float32(0.1))
    assert abs(slope - difference) <= 0.02 * abs(slope) + 1e-3
