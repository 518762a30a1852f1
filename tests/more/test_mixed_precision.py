"""Half precision: what is cast and what is not, and derivatives that float16 alone would lose."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from robustness import half_precision
from table import LayerRow, dtypes, error, jit_quickly, layer_case

import purenn as pn

HALF = ("float16", "bfloat16")
DENSE = LayerRow("", pn.dense(3), (5,), None)


def spy(seen):
    """A layer that notes the dtypes it is given."""

    def init(key, in_shape):
        return {"w": jnp.ones(in_shape), "count": jnp.zeros((), jnp.int32)}, jnp.zeros(())

    def forward(params, state, x, *, train=False, key=None):
        seen["forward"] = dtypes((params, state, x))
        return x * params["w"], state + 1, x

    def backward(params, x, dy):
        seen["backward"] = dtypes((params, dy))
        return {"w": jnp.sum(x * dy, 0), "count": params["count"]}, dy * params["w"]

    return pn.Layer(init, forward, backward, name="spy")


@pytest.mark.parametrize("low", HALF)
def test_floating_parameters_and_x_are_cast_and_nothing_else_and_all_comes_back(low):
    seen = {}
    layer = pn.mixed_precision(spy(seen), low)

    def traced(x):
        params, state = layer.init(jax.random.key(0), (3,))
        y, new_state, cache = layer.forward(params, state, x)
        return (params, new_state, y), layer.backward(params, cache, y)

    outside, derivatives = jax.eval_shape(traced, jnp.ones((4, 3)))
    low_params = {"w": low, "count": "int32"}
    assert seen == {"forward": (low_params, "float32", low), "backward": (low_params, low)}
    full = {"w": "float32", "count": "int32"}
    assert dtypes(outside) == (full, "float32", "float32")
    assert dtypes(derivatives) == (full, "float32")


@pytest.mark.parametrize("low", HALF)
def test_values_and_derivatives_are_within_the_roundings_of_half_precision(low, rng):
    layer = pn.mixed_precision(DENSE.layer, low)
    params, _, x, _ = layer_case(DENSE, (16,), rng, jnp.float32)
    dy = jnp.asarray(rng.normal(size=(16, 3)), jnp.float32)

    @jit_quickly
    def judged(params, x, dy):
        y, _, cache = layer.forward(params, (), x)
        found = [(y, *layer.backward(params, cache, dy))]
        for apply in (layer.apply, pn.by_hand(layer).apply):
            y, vjp = jax.vjp(lambda p, x, apply=apply: apply(p, (), x)[0], params, x)
            found += [(y, *vjp(dy))]
        return found

    found = judged(params, x, dy)

    w, b, x, dy = (np.asarray(a, np.float64) for a in (*params, x, dy))
    right = x @ w + b, x.T @ dy, dy.sum(0), dy @ w.T
    # A sum of products of rounded numbers, rounded, is off by 3 roundings of its terms' sizes; y
    # by one more, since b is added after. And a hundredth, for rounding in float32 and for u².
    w, b, x, dy = map(np.abs, (w, b, x, dy))
    terms = 4 * (x @ w + b), 3 * (x.T @ dy), 3 * dy.sum(0), 3 * (dy @ w.T)
    u = 1.01 * float(jnp.finfo(low).eps) / 2
    for each in found:
        for got, expected, size in zip(jax.tree.leaves(each), right, terms, strict=True):
            assert (np.abs(got - expected) <= u * size).all()


def backward_of(layer, rows, rng):
    params, _, x, _ = layer_case(DENSE, (rows,), rng, jnp.float32)
    cache = layer.forward(params, (), x)[2]
    return lambda dy: layer.backward(params, cache, dy)


def test_float16_loses_nothing_of_a_small_or_large_dy_with_a_power_for_each_under_vmap(rng):
    dy = jnp.asarray(rng.normal(size=(16, 3)), jnp.float32)
    powers = jnp.asarray([1, 0, 2.0**-60, 2.0**-24, 2.0**40], jnp.float32)
    backward = backward_of(pn.mixed_precision(DENSE.layer, "float16"), 16, rng)
    for leaf in jax.tree.leaves(jit_quickly(jax.vmap(backward))(jnp.multiply.outer(powers, dy))):
        one, *others = np.asarray(leaf)
        for power, other in zip(powers[1:], others, strict=True):
            assert np.abs(one).max() > 0.1 and (other == one * float(power)).all()


def test_without_the_hand_derived_backward_float16_loses_a_small_dy(rng):
    layer = pn.mixed_precision(DENSE.layer, "float16")
    params, _, x, _ = layer_case(DENSE, (16,), rng, jnp.float32)

    @jit_quickly
    def judged(params):
        losses = [
            lambda p, apply=each.apply: 1e-8 * jnp.sum(apply(p, (), x)[0])
            for each in (layer, pn.by_hand(layer))
        ]
        return [jax.grad(loss)(params).b for loss in losses]

    by_jax, by_hand = judged(params)
    assert (by_jax == 0).all()
    assert error(by_hand, jnp.full(3, 16e-8)) < 1e-3


@pytest.mark.parametrize("low", HALF)
def test_one_element_of_dy_spoils_what_it_spoils_in_float32_and_no_more(low, rng):
    values = jnp.asarray([0, 1e-45, 1e38, 3e38, np.inf, -np.inf, np.nan], jnp.float32)
    dys = jax.vmap(lambda value: jnp.zeros((16, 3)).at[5, 0].set(1e-3).at[2, 1].set(value))(values)
    params, _, x, _ = layer_case(DENSE, (16,), rng, jnp.float32)

    @jit_quickly
    @jax.vmap
    def spoiled(dy):
        layers = DENSE.layer, pn.mixed_precision(DENSE.layer, low)
        derivatives = [
            layer.backward(params, layer.forward(params, (), x)[2], dy) for layer in layers
        ]
        return jax.tree.map(jnp.isfinite, derivatives)

    full, half = spoiled(dys)
    assert all((a == b).all() for a, b in zip(*map(jax.tree.leaves, (full, half)), strict=True))
    assert full[1].all((1, 2)).tolist() == [True, True, True, True, False, False, False]


def test_a_sum_over_many_rows_does_not_overflow_float16():
    layer, rows = pn.mixed_precision(pn.dense(1), "float16"), 2**17
    params = pn.DenseParams(jnp.ones((1, 1)), jnp.ones(1))

    @jit_quickly
    def summed(x):
        y, _, cache = layer.forward(params, (), x)
        return layer.backward(params, cache, jnp.ones_like(y))[0]

    assert [d.item() for d in summed(jnp.ones((rows, 1)))] == [rows, rows]


def everything():
    block = pn.residual(pn.serial(pn.dense(6), jnp.tanh, pn.dropout(0.2)))
    return pn.serial(
        pn.rescale(), pn.conv2d(4), pn.serial(pn.batch_norm(), pn.relu), pn.max_pool(),
        pn.flatten(), pn.dense(6), pn.recompute(pn.gelu), block, pn.dense(3),
    )  # fmt: skip


# The norm of the derivatives' error by theirs: a few dozen roundings, one after the other.
BOUNDS = {"float16": 0.02, "bfloat16": 0.1}


def test_a_whole_model_takes_bytes_and_has_the_derivatives_and_statistics_of_float32(rng):
    models = everything(), *(pn.mixed_precision(everything(), low) for low in HALF)
    row = LayerRow("", models[0], (6, 8, 1), None)
    params, state, _, key = layer_case(row, (32,), rng, jnp.float32)
    x = rng.integers(256, size=(32, 6, 8, 1), dtype=np.uint8)
    targets = rng.integers(3, size=32).astype(np.int32)

    @jit_quickly
    def judged(params, state):
        f = [pn.value_and_grad(model, pn.softmax_cross_entropy) for model in models]
        return [each(params, state, x, targets, key=key) for each in f]

    full, *halves = judged(params, state)
    for low, half in zip(HALF, halves, strict=True):
        assert dtypes(half) == dtypes(full)
        assert error(half[0], full[0]) <= BOUNDS[low]  # the loss and the running statistics
        flat, expected = ravel_pytree(half[1])[0], ravel_pytree(full[1])[0]
        assert jnp.linalg.norm(flat - expected) <= BOUNDS[low] * jnp.linalg.norm(expected)


def test_a_train_step_compiles_once():
    model = pn.mixed_precision(pn.serial(pn.dense(3), pn.batch_norm()), "float16")
    train_state = pn.TrainState.create(model, pn.sgd(0.1), jax.random.key(0), (5,))
    step = jit_quickly(pn.train_step(model, pn.softmax_cross_entropy, pn.sgd(0.1)))
    for _ in range(3):
        train_state, _ = step(train_state, jnp.ones((2, 5)), jnp.zeros(2, jnp.int32))
    assert step._cache_size() == 1


def test_summary_shows_every_layer_with_the_formulas_of_float32():
    tables = [
        pn.summary(model, (6, 8, 1))
        for model in (everything(), pn.mixed_precision(everything(), "float16"))
    ]
    full, half = (re.findall(r" (\S+ = .+?)  ", table) for table in tables)
    assert half == full and tables[1].count("\nfloat16 ") == 10
    inside = [
        "A2.0 = gelu(Z2)",
        "Z2.1 = R2·W2.1 + b2.1",
        "A2.1 = tanh(Z2.1)",
        "D2.1 = A2.1⊙mask/0.8",
    ]
    assert len(full) == 10 + len(inside) and set(inside) < set(full)


def test_the_robustness_script_trains_a_digit_network_in_float16(monkeypatch, capsys):
    (x, y), test = pn.load_mnist(half_precision.DATA)
    few = (x[:3048], y[:3048]), (test.x[:1000], test.y[:1000])
    monkeypatch.setattr(half_precision, "KEPT", 2048)
    monkeypatch.setattr(half_precision.pn, "load_mnist", lambda directory: few)
    monkeypatch.setattr(half_precision.jax, "jit", jit_quickly)
    arguments = "--models 784-16-16-10 --precisions float16 --seeds 1 --epochs 2"
    monkeypatch.setattr("sys.argv", ["half_precision.py", *arguments.split()])
    half_precision.main()
    line = capsys.readouterr().out.splitlines()[2]
    held_out, accuracy = map(float, re.findall(r"(?:held out|test) ([\d.]+) \(\+0.00\)", line))
    assert min(held_out, accuracy) > 70  # 81 and 78
