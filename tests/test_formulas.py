"""The formulas of the three teaching texts, in NumPy as they print them, against purenn's numbers.

One text has rows for examples, `Z = X·W + b`; the other two have columns, `Z = W·A + b`. Where a
text is wrong, or means something else, the ratio between its number and purenn's is pinned.
"""

from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from table import error

import purenn as pn

pytestmark = pytest.mark.usefixtures("quickly")

KEY = jax.random.key(0)
NETWORKS = {"784-128-10": (6, 5, 3), "784-16-16-10": (6, 4, 4, 3), "deeper": (5, 4, 3, 4, 3)}
each_network = pytest.mark.parametrize("widths", NETWORKS.values(), ids=NETWORKS)
M = 7  # examples


def close(got, expected, tolerance=1e-12):
    assert error(got, expected) <= tolerance


def relu(z):
    return np.maximum(0, z)


def softmax_of_rows(z):
    return np.exp(z) / np.exp(z).sum(1, keepdims=True)


def text_rows(x, y, ws, bs):
    """Examples in rows: every value by its symbol; any depth."""
    values, a, m, depth = {"A0": x}, x, len(x), len(ws)
    for i, (w, b) in enumerate(zip(ws, bs, strict=True), 1):
        z = a @ w + b
        a = relu(z) if i < depth else softmax_of_rows(z)
        values |= {f"Z{i}": z, f"A{i}": a}
    dz = a - y
    for i in reversed(range(1, depth + 1)):
        values |= {f"dZ{i}": dz, f"dW{i}": values[f"A{i - 1}"].T @ dz / m}
        values[f"db{i}"] = dz.sum(0) / m
        if i > 1:
            dz = (dz @ ws[i - 1].T) * (values[f"Z{i - 1}"] > 0)
    return values


def text_columns(x, y, ws, bs):
    """Examples in columns: x (pixels, m), W (n_out, n_in), b (n_out, 1)."""
    values, a, m, depth = {"A0": x}, x, x.shape[1], len(ws)
    for i, (w, b) in enumerate(zip(ws, bs, strict=True), 1):
        z = w @ a + b
        a = relu(z) if i < depth else np.exp(z) / np.exp(z).sum(0, keepdims=True)
        values |= {f"Z{i}": z, f"A{i}": a}
    dz = a - y
    for i in reversed(range(1, depth + 1)):
        values |= {f"dZ{i}": dz, f"dW{i}": (1 / m) * dz @ values[f"A{i - 1}"].T}
        values[f"db{i}"] = (1 / m) * dz.sum(1, keepdims=True)
        if i > 1:
            dz = (ws[i - 1].T @ dz) * np.where(values[f"Z{i - 1}"] > 0, 1, 0)
    return values


class Problem(NamedTuple):
    model: pn.Layer
    params: tuple
    state: tuple
    x: np.ndarray  # rows
    labels: np.ndarray
    y: np.ndarray  # one-hot rows
    ws: list
    bs: list


@pytest.fixture
def problem(widths, rng, x64):
    """A small network of the text's depth with random biases, in float64."""
    model = pn.mlp(widths[1:-1], widths[-1])
    params, state = model.init(KEY, widths[:1])
    params = jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape)), params)
    labels = rng.integers(widths[-1], size=M)
    ws, bs = ([np.asarray(p[i]) for p in params[::2]] for i in (0, 1))
    y = np.eye(widths[-1])[labels]
    return Problem(model, params, state, rng.normal(size=(M, widths[0])), labels, y, ws, bs)


def explained(p, loss=pn.softmax_cross_entropy, targets=None):
    targets = p.labels if targets is None else targets
    return pn.explain(p.model, loss, p.params, p.state, p.x, targets)


# Forward and backward.


@each_network
def test_rows_every_value_is_purenn_s_and_dz_is_m_times_purenn_s(problem):
    e = explained(problem)
    for symbol, value in text_rows(problem.x, problem.y, problem.ws, problem.bs).items():
        mine = e["X" if symbol == "A0" else symbol]
        close(M * mine if symbol.startswith("dZ") else mine, value)


@each_network
def test_columns_every_value_is_the_transpose_of_purenn_s(problem):
    e = explained(problem)
    ws, bs = [w.T for w in problem.ws], [b[:, None] for b in problem.bs]
    for symbol, value in text_columns(problem.x.T, problem.y.T, ws, bs).items():
        mine = e["X" if symbol == "A0" else symbol]
        value = value[:, 0] if symbol.startswith("db") else value.T
        close(M * mine if symbol.startswith("dZ") else mine, value)


@each_network
def test_value_and_grad_is_the_texts_loss_and_its_gradients(problem):
    (value, _), grads = pn.value_and_grad(problem.model, pn.softmax_cross_entropy)(
        problem.params, problem.state, problem.x, problem.labels
    )
    text = text_rows(problem.x, problem.y, problem.ws, problem.bs)
    depth = len(problem.ws)
    one_example = -(problem.y * np.log(text[f"A{depth}"])).sum(1)  # L = -Σ y·log(a)
    close(value, one_example.mean())
    for i, layer in enumerate(grads[::2], 1):
        close(layer, (text[f"dW{i}"], text[f"db{i}"]))


@each_network
def test_sum_of_dz_with_no_axis_is_zero_so_the_output_bias_would_never_learn(problem):
    text = text_rows(problem.x, problem.y, problem.ws, problem.bs)
    depth = len(problem.ws)
    assert abs(np.sum(text[f"dZ{depth}"])) < 1e-14 * M * len(problem.bs[-1])
    assert np.abs(text[f"db{depth}"]).max() > 1e-3  # with axis=0 there is something to learn
    assert abs(np.sum(text["dZ1"])) > 1e-3  # and a hidden layer's sum is only wrong, not zero


# The whole loop.

UPDATES = {
    "gradient descent": pn.sgd(0.1),
    "momentum": pn.momentum(0.1, 0.9),
    "adam": pn.adam(0.1),
    "learning rate decay": pn.sgd(pn.inverse_time_decay(0.1, 0.5, 2)),
}


@pytest.mark.parametrize("rule", UPDATES)
@pytest.mark.parametrize("widths", [NETWORKS["784-16-16-10"]], ids=["784-16-16-10"])
def test_training_by_the_texts_in_columns_is_training_by_purenn(rule, problem):
    lam, steps = 0.3, 6
    ws, bs = [w.T for w in problem.ws], [b[:, None] for b in problem.bs]
    depth = len(ws)
    weights = {f"W{i}": w for i, w in enumerate(ws, 1)} | {f"b{i}": b for i, b in enumerate(bs, 1)}
    first = dict.fromkeys(weights, 0.0)
    second = dict.fromkeys(weights, 0.0)
    losses = []
    for t in range(1, steps + 1):
        ws, bs = ([weights[f"{s}{i}"] for i in range(1, depth + 1)] for s in "Wb")
        text = text_columns(problem.x.T, problem.y.T, ws, bs)
        original = -(problem.y.T * np.log(text[f"A{depth}"])).sum() / M
        losses.append(original + lam / (2 * M) * sum((w**2).sum() for w in ws))
        for name, w in weights.items():
            g = text[f"d{name}"] + (lam / M * w if name[0] == "W" else 0)
            rate = 0.1
            if rule == "momentum":
                g = first[name] = 0.9 * first[name] + (1 - 0.9) * g
            elif rule == "adam":
                first[name] = 0.9 * first[name] + (1 - 0.9) * g
                second[name] = 0.999 * second[name] + (1 - 0.999) * g**2
                g = (first[name] / (1 - 0.9**t)) / (np.sqrt(second[name] / (1 - 0.999**t)) + 1e-8)
            elif rule == "learning rate decay":
                rate = 0.1 / (1 + 0.5 * ((t - 1) // 2))  # an epoch of two steps
            weights[name] = w - rate * g

    optimizer = UPDATES[rule]
    step = pn.train_step(
        problem.model, pn.softmax_cross_entropy, optimizer, penalty=pn.l2_penalty(lam / M)
    )
    opt_state = optimizer.init(problem.params)
    zero = jnp.int32(0)
    train_state = pn.TrainState(problem.params, problem.state, opt_state, KEY, zero)
    step = jax.jit(step)
    for expected in losses:
        train_state, loss = step(train_state, problem.x, problem.labels)
        close(loss, expected)
    for i, layer in enumerate(train_state.params[::2], 1):
        close(layer, (weights[f"W{i}"].T, weights[f"b{i}"][:, 0]), 1e-11)


# Neuron and activations.


def test_one_neuron_is_an_activation_of_a_weighted_sum(rng, x64):
    neuron = pn.serial(pn.dense(1), pn.sigmoid)
    weights, inputs, bias = rng.normal(size=4), rng.normal(size=4), 0.3
    params = ((weights[:, None], np.array([bias])), ())
    params = (type(neuron.init(KEY, (4,))[0][0])(*params[0]), ())
    y, _ = neuron.apply(params, ((), ()), inputs[None])
    total = sum(w * x for w, x in zip(weights, inputs, strict=True)) + bias
    close(y[0, 0], 1 / (1 + np.exp(-total)))


def text_tanh(x):
    return (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))


def text_sigmoid(x):
    return 1 / (1 + np.exp(-x))


ACTIVATIONS = {
    "relu": (relu, lambda x: np.where(x > 0, 1.0, 0.0)),
    "sigmoid": (text_sigmoid, lambda x: text_sigmoid(x) * (1 - text_sigmoid(x))),
    "tanh": (text_tanh, lambda x: 1 - text_tanh(x) ** 2),
}


@pytest.mark.parametrize(("f", "derivative"), ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_activations_and_their_derivatives_are_the_texts(f, derivative, request, rng, x64):
    op = getattr(pn, request.node.callspec.id)
    x = np.concatenate([rng.normal(size=20), [0.0, 5.0, -5.0]])  # ReLU'(0) is 0
    y, cache = op.forward(x)
    close(y, f(x))
    close(op.backward(cache, np.ones_like(x)), derivative(x))


def test_the_literal_tanh_is_nan_at_89_and_the_literal_softmax_at_800():
    with np.errstate(over="ignore", invalid="ignore"):
        assert np.isnan(text_tanh(np.array([-89, 89], np.float32))).all()
        assert not np.isnan(text_tanh(np.array([-88, 88], np.float32))).any()
        assert np.isnan(softmax_of_rows(np.array([[800.0, 0.0]]))[0, 0])  # in float64 too
    assert pn.tanh(np.array([-89, 89], np.float32)).tolist() == [-1, 1]
    with jax.enable_x64(True):
        assert pn.softmax(np.array([[800.0, 0.0]])).tolist() == [[1, 0]]


def test_the_chain_rule_is_a_product_for_elementwise_functions_only(rng, x64):
    z, da = rng.normal(size=4), rng.normal(size=4)
    a, cache = pn.softmax.forward(z)
    jacobian = np.diag(a) - np.outer(a, a)  # dA/dZ
    close(pn.softmax.backward(cache, da), jacobian.T @ da)
    assert error(da * np.diag(jacobian), jacobian.T @ da) > 0.1  # dL/dA · dA/dZ elementwise


# Losses.


@pytest.mark.parametrize("k", [1, 3])
def test_under_mse_each_text_formula_has_its_own_factor(k, rng, x64):
    model = pn.dense(k)
    params, state = model.init(KEY, (4,))
    a_prev, y = rng.normal(size=(M, 4)), rng.normal(size=(M, k))
    params = jax.tree.map(lambda p: p.astype(jnp.float64), params)
    e = pn.explain(model, pn.mse, params, state, a_prev, y)
    a = np.asarray(e[0].y)
    mine, dw = e[0].dy, e[0].dparams.w

    close(k * e.value, (1 / M) * np.sum((a - y) ** 2))  # L = (1/m)·Σ(y_pred - y_true)²
    first = a - y  # dZ = A - Y (for MSE loss)
    close(M * k / 2 * mine, first)
    close(k / 2 * dw, (1 / M) * a_prev.T @ first)  # half of it when there is one output
    second = (2 / M) * (a - y)  # dL/dy_pred
    close(k * mine, second)
    close(k / M * dw, (1 / M) * a_prev.T @ second)  # divided by m twice
    close(dw, a_prev.T @ (second / k))


def test_a_minus_y_leaves_out_the_activation_s_derivative_under_mse(rng, x64):
    z, y = rng.normal(size=(M, 3)), rng.uniform(size=(M, 3))
    a, cache = pn.sigmoid.forward(z)
    _, loss_cache = pn.mse.forward(a, y)
    dz = pn.sigmoid.backward(cache, pn.mse.backward(loss_cache, 1.0))
    close(M * 3 / 2 * dz, (a - y) * a * (1 - a))


def test_binary_cross_entropy_is_one_example_s_derivative_over_n(rng, x64):
    z, a_prev = rng.normal(size=(M, 1)), rng.normal(size=(M, 4))
    y = rng.integers(2, size=(M, 1)).astype(float)
    p = text_sigmoid(z)
    loss, cache = pn.binary_cross_entropy.forward(p, y)
    dp = pn.binary_cross_entropy.backward(cache, 1.0)
    close(loss, -(1 / M) * np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)))
    one_example = -(y / p) + (1 - y) / (1 - p)
    close(M * dp, one_example)

    # With sigmoid's derivative it is A - Y, and with the 1/m in dW it is the logits form.
    dz = one_example * p * (1 - p)
    close(dz, p - y)
    logits_loss, cache = pn.sigmoid_binary_cross_entropy.forward(z, y)
    close(logits_loss, loss)
    mine = pn.sigmoid_binary_cross_entropy.backward(cache, 1.0)
    close(a_prev.T @ mine, (1 / M) * a_prev.T @ dz)


def test_at_saturation_only_the_logits_form_still_learns(x64):
    z, y = np.array([[-40.0], [40.0]]), np.array([[1.0], [0.0]])  # sure, and wrong
    p, cache = pn.sigmoid.forward(z)
    _, loss_cache = pn.binary_cross_entropy.forward(p, y)
    dz = pn.sigmoid.backward(cache, pn.binary_cross_entropy.backward(loss_cache, 1.0))
    np.testing.assert_array_equal(dz, 0)
    _, cache = pn.sigmoid_binary_cross_entropy.forward(z, y)
    close(pn.sigmoid_binary_cross_entropy.backward(cache, 1.0), np.array([[-0.5], [0.5]]))


# Initializers, regularization, batch normalization.


def test_xavier_of_the_text_is_lecun_s_and_glorot_s_is_another():
    shape = (300, 100)
    randn = np.asarray(jax.random.normal(KEY, shape))
    for name, scale in (
        ("lecun_normal", np.sqrt(1 / 300)),  # "Xavier/Glorot": randn · sqrt(1/n_in)
        ("he_normal", np.sqrt(2 / 300)),
        ("glorot_normal", np.sqrt(2 / (300 + 100))),  # what Glorot and Bengio have
    ):
        w = getattr(pn.initializers, name)(KEY, shape)
        close(w, randn * scale, 1e-6)


def test_dropout_is_mask_and_scale_both_ways_and_nothing_in_evaluation(rng, x64):
    keep_prob, layer = 0.8, pn.dropout(1 - 0.8)
    a, da = rng.normal(size=(50, 40)), rng.normal(size=(50, 40))
    y, _, cache = layer.forward((), (), a, train=True, key=KEY)
    mask = np.asarray(y) != 0
    assert abs(mask.mean() - keep_prob) < 4 * np.sqrt(0.8 * 0.2 / mask.size)
    close(y, a * mask / keep_prob)
    close(layer.backward((), cache, da)[1], da * mask / keep_prob)
    np.testing.assert_array_equal(layer.apply((), (), a)[0], a)


def test_batch_norm_of_columns_is_the_transpose_of_purenn_s(rng, x64):
    layer = pn.batch_norm()
    params, state = layer.init(KEY, (3,))
    params = type(params)(*(jnp.asarray(rng.normal(size=3)) for _ in params))
    x = rng.normal(2, 3, size=(3, M))  # columns
    mu = (1 / M) * np.sum(x, 1, keepdims=True)
    var = (1 / M) * np.sum((x - mu) ** 2, 1, keepdims=True)
    x_norm = (x - mu) / np.sqrt(var + 1e-5)
    out = params.gamma[:, None] * x_norm + params.beta[:, None]
    state = jax.tree.map(lambda s: s.astype(jnp.float64), state)
    y, after = layer.apply(params, state, x.T, train=True)
    close(y, out.T)
    close(after, (0.1 * mu[:, 0], 0.9 + 0.1 * var[:, 0]))  # momentum is the fraction kept


# Why a network.


def test_stacked_linear_maps_are_one_linear_map(rng, x64):
    model = pn.serial(pn.dense(5), pn.dense(4), pn.dense(2))
    params, state = model.init(KEY, (3,))
    params = jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape)), params)
    (w1, b1), (w2, b2), (w3, b3) = params
    x = rng.normal(size=(M, 3))
    close(model.apply(params, state, x)[0], x @ (w1 @ w2 @ w3) + ((b1 @ w2 + b2) @ w3 + b3))


def test_xor_needs_a_hidden_layer():
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    y = np.array([[0], [1], [1], [0]], np.float32)

    def accuracies(model):
        """Of eight runs from eight keys."""
        optimizer = pn.adam(0.05)
        step = pn.train_step(model, pn.sigmoid_binary_cross_entropy, optimizer)

        def accuracy(key):
            start = pn.TrainState.create(model, optimizer, key, (2,))
            end, _ = lax.scan(lambda train_state, _: step(train_state, x, y), start, None, 500)
            logits, _ = model.apply(end.params, end.state, x)
            return jnp.mean((logits > 0) == (y > 0.5), dtype=jnp.float32)

        return jax.jit(jax.vmap(accuracy))(jax.random.split(KEY, 8))

    assert (accuracies(pn.dense(1)) <= 0.75).all()
    assert (accuracies(pn.mlp((8,), 1)) == 1).sum() >= 6  # a run whose units die stays below


# The networks and the data.


@pytest.mark.parametrize(("hidden", "count"), [((128,), 101_770), ((16, 16), 13_002)])
def test_parameter_counts(hidden, count):
    params, _ = jax.eval_shape(lambda: pn.mlp(hidden, 10).init(KEY, (784,)))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == count
    widths = (784, *hidden, 10)
    assert count == sum((a + 1) * b for a, b in pairwise(widths))


def test_raw_pixels_do_not_train_where_scaled_ones_do():
    train, test = pn.load_mnist(Path(__file__).parent.parent / "examples" / "data" / "mnist")
    model = pn.serial(pn.flatten(), pn.mlp((128,), 10))
    loss = pn.softmax_cross_entropy
    run = jax.jit(pn.training_run(model, loss, pn.sgd(0.1), epochs=1, batch_size=32))

    def accuracy(scale):
        """On the test images, after one epoch on 20,000."""
        x, x_test = (split.x.astype(np.float32) * np.float32(scale) for split in (train, test))
        end, _ = run(KEY, x[:20_000], train.y[:20_000])
        return pn.evaluate(model, loss, end.params, end.state, x_test, test.y)[1]

    assert accuracy(1 / 255) > 0.9
    assert accuracy(1) < 0.15
