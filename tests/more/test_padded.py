"""`Padded`: sequences of different lengths in one batch, whose padding counts nowhere."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import jit_quickly

import purenn as pn

LENGTHS = (4, 1, 3)
VALID = np.arange(5) < np.array(LENGTHS)[:, None]  # (3, 5)


def features(width=3, dtype=np.float64):
    """Return a batch whose padding holds numbers that would be noticed."""
    x = np.random.default_rng(0).normal(size=(*VALID.shape, width))
    return pn.Padded(np.where(VALID[..., None], x, 1e3).astype(dtype), VALID)


def plus_mean() -> pn.Layer:
    """Add to each position the mean of the valid ones: a layer that mixes positions."""

    def forward(params, state, x, *, train=False, key=None):
        x, valid = x if isinstance(x, pn.Padded) else (x, None)
        share = jnp.ones(x.shape[:2], x.dtype) if valid is None else valid.astype(x.dtype)
        share = (share / share.sum(axis=1, keepdims=True))[..., None]
        y = x + jnp.sum(share * x, axis=1, keepdims=True)
        return y if valid is None else pn.Padded(y, valid), state, share

    def backward(params, share, dy):
        return (), dy + share * jnp.sum(dy, axis=1, keepdims=True)

    return pn.Layer(
        lambda key, in_shape: ((), ()), forward, backward, name="plus_mean", padded="uses"
    )


def stack():
    """Return a model in which positions meet, and its parameters in float64."""
    block = pn.residual(pn.serial(pn.layer_norm(), plus_mean(), pn.gelu, pn.dense(4)))
    model = pn.serial(
        pn.dense(4),
        pn.repeat(block, 2),
        pn.recompute(block),
        pn.mixed_precision(block, jnp.float64),
        pn.parallel(plus_mean(), pn.dense(4), combine="product"),
        pn.residual(plus_mean(), projection=pn.dense(4)),
        pn.dense(2),
    )
    model = pn.as_dtype(model, jnp.float64)
    return model, *model.init(jax.random.key(0), (VALID.shape[1], 3))


def test_layers_that_ignore_padding_do_what_they_do_with_the_array():
    layer, x = pn.dense(2), features(dtype=np.float32)
    params, state = layer.init(jax.random.key(0), (5, 3))
    y, _, cache = layer.forward(params, state, x)
    expected, _, expected_cache = layer.forward(params, state, x.x)
    assert isinstance(y, pn.Padded) and np.array_equal(y.valid, VALID)
    assert np.array_equal(y.x, expected)
    dparams, dx = layer.backward(params, cache, jnp.ones((3, 5, 2)))
    others = layer.backward(params, expected_cache, jnp.ones((3, 5, 2)))
    assert jax.tree.all(jax.tree.map(np.array_equal, (dparams, dx), others))
    applied, _ = layer.apply(params, state, x)
    assert isinstance(applied, pn.Padded) and np.array_equal(applied.x, y.x)


@jax.numpy_rank_promotion("raise")
def test_padding_reaches_the_layers_that_use_it_through_composites(x64):
    model, params, state = stack()
    x = features()

    @jit_quickly
    def passes(params, x, dy):
        y, _, cache = model.forward(params, state, x)
        return y, model.backward(params, cache, dy)[1]

    dy = np.random.default_rng(1).normal(size=(3, 5, 2)) * VALID[..., None]
    y, dx = passes(params, x, dy)
    applied, _ = model.apply(params, state, x)
    np.testing.assert_allclose(applied.x, y.x, rtol=1e-13)
    alone = slice(2, 3), slice(LENGTHS[2])
    own_y, own_dx = passes(params, x.x[alone], dy[alone])
    np.testing.assert_allclose(y.x[alone], own_y, rtol=1e-12)
    np.testing.assert_allclose(dx[alone], own_dx, rtol=1e-11)


def test_a_plain_function_can_say_that_it_ignores_padding():
    layer = pn.serial(pn.dense(2), pn.serial(jnp.sin).replace(padded="ignores"))
    params, state = layer.init(jax.random.key(0), (5, 3))
    x = features(dtype=np.float32)
    y, _ = layer.apply(params, state, x)
    assert np.array_equal(y.x, layer.apply(params, state, x.x)[0])
    op = pn.Op(lambda x: (2 * x, None), lambda cache, dy: 2 * dy, padded="ignores")
    assert np.array_equal(pn.serial(op).apply(((),), ((),), x)[0].x, 2 * x.x)


def test_by_hand_takes_it(x64):
    model, params, state = stack()
    x = features()

    def total(model, params, x):
        y, _ = model.apply(params, state, x)
        return jnp.sum(jnp.where(y.valid[..., None], y.x, 0) ** 2)

    by_jax = jit_quickly(jax.grad(partial(total, model)))(params, x)
    by_hand = jit_quickly(jax.grad(partial(total, pn.by_hand(model))))(params, x)
    for mine, theirs in zip(jax.tree.leaves(by_hand), jax.tree.leaves(by_jax), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9)


LABELS = np.where(VALID, np.random.default_rng(1).integers(0, 2, VALID.shape), -1)


def assert_close(mine, theirs, rtol=1e-11, atol=1e-12):
    for a, b in zip(jax.tree.leaves(mine), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


WEIGHTS = np.where(VALID, np.random.default_rng(2).uniform(0.5, 2, VALID.shape), np.nan)


def small():
    """Return a model in which positions meet that compiles quickly, as `stack` does."""
    mixing = pn.residual(pn.serial(pn.layer_norm(), plus_mean(), pn.tanh))
    model = pn.as_dtype(pn.serial(mixing, pn.dense(2)), jnp.float64)
    return model, *model.init(jax.random.key(0), (VALID.shape[1], 3))


@cache
def one_by_one(weighted):
    """Return the mean loss over all valid positions and its gradients, without any padding."""
    model, params, state = small()
    loss, weights = pn.softmax_cross_entropy, WEIGHTS if weighted else None
    x, f = features(), jit_quickly(pn.value_and_grad(model, loss))
    counts = VALID * np.ones(VALID.shape) if weights is None else np.where(VALID, weights, 0)
    value, grads = 0.0, jax.tree.map(jnp.zeros_like, params)
    for row, length in enumerate(LENGTHS):
        alone = slice(row, row + 1), slice(length)
        own, share = counts[alone], counts[alone].sum() / counts.sum()
        (part, _), own_grads = f(params, state, x.x[alone], (LABELS[alone], own))
        value += share * part
        grads = jax.tree.map(lambda g, own, share=share: g + share * own, grads, own_grads)
    return value, grads


@pytest.mark.parametrize("tail", [None, pn.Tail(rows=1), pn.Tail(rows=2, parts=1)])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_padded_batch_is_the_same_sequences_without_padding(tail, weighted, x64):
    model, params, state = small()
    f = jit_quickly(pn.value_and_grad(model, pn.softmax_cross_entropy, tail=tail))
    targets = (LABELS, WEIGHTS) if weighted else LABELS
    (value, _), grads = f(params, state, features(), targets)
    assert_close((value, grads), one_by_one(weighted))


@pytest.mark.parametrize("shape", [None, (3,), (3, 5), (3, 5, 2)])
def test_weights_of_elements_and_of_examples_are_those_of_valid_positions(shape, x64):
    rng, x = np.random.default_rng(3), features(2)
    targets = np.where(VALID[..., None], rng.normal(size=x.x.shape), np.nan)
    weights = rng.uniform(size=shape) if shape else np.ones(())
    given = targets if shape is None else (targets, weights)
    (value, _), _ = jit_quickly(pn.value_and_grad(pn.serial(), pn.mse))((), (), x, given)
    counts = weights.reshape(weights.shape + (1,) * (3 - weights.ndim)) * VALID[..., None]
    counts = np.broadcast_to(counts, x.x.shape)
    errors = np.where(VALID[..., None], x.x - targets, 0) ** 2
    np.testing.assert_allclose(value, (counts * errors).sum() / counts.sum(), rtol=1e-12)


def test_each_row_of_several_per_position_counts(x64):
    logits = np.random.default_rng(3).normal(size=(3, 5, 2, 4))
    labels = np.where(VALID[..., None], np.argmax(logits, -1), -1)
    f = jit_quickly(pn.value_and_grad(pn.serial(), pn.softmax_cross_entropy))
    (value, _), _ = f((), (), pn.Padded(logits, VALID), labels)
    alone = pn.softmax_cross_entropy(logits[VALID], labels[VALID])
    np.testing.assert_allclose(value, alone, rtol=1e-12)


def test_explain_has_the_numbers_of_value_and_grad(x64):
    model, params, state = small()
    given = params, state, features(), LABELS
    explanation = jit_quickly(partial(pn.explain, model, pn.softmax_cross_entropy))(*given)
    assert_close((explanation.value, explanation.grads), one_by_one(False))
    assert isinstance(explanation[0].x, jax.Array) and "⊙w/Σw" in str(explanation)


@pytest.mark.parametrize("tail", [None, pn.Tail(rows=1), pn.Tail(rows=2, parts=1)])
def test_padding_may_hold_anything(tail, x64):
    model, params, state = small()
    f = jit_quickly(pn.value_and_grad(model, pn.softmax_cross_entropy, tail=tail))
    x = pn.Padded(np.where(VALID[..., None], features().x, np.nan), VALID)
    (value, _), grads = f(params, state, x, LABELS)
    assert_close((value, grads), one_by_one(False))


def test_check_gradients_takes_it():
    x = features(dtype=np.float32)
    assert pn.check_gradients(plus_mean(), x).ok

    def forgets_padding(params, share, dy):
        return (), dy + jnp.mean(dy, axis=1, keepdims=True)

    wrong = plus_mean().replace(backward=forgets_padding, padded="uses")
    assert pn.check_gradients(wrong, x.x).ok
    assert not pn.check_gradients(wrong, x).ok


@jax.numpy_rank_promotion("raise")
def test_a_transformer_learns_from_valid_positions_alone(x64):
    model = pn.serial(
        pn.embedding(9, 4),
        pn.residual(pn.serial(pn.rms_norm(), pn.attention(2, rotary=True))),
        pn.residual(pn.serial(pn.rms_norm(), pn.gated_dense(8), pn.dense(4, b_init=None))),
        pn.dense(2),
    )
    model = pn.as_dtype(model, jnp.float64)
    params, state = jax.jit(model.init, static_argnums=1)(jax.random.key(0), (5,))
    tokens = np.where(VALID, np.random.default_rng(5).integers(0, 9, VALID.shape), -1)
    f = jit_quickly(pn.value_and_grad(model, pn.softmax_cross_entropy))
    (value, _), grads = f(params, state, pn.Padded(tokens, VALID), LABELS)
    alone = [
        f(params, state, tokens[row : row + 1, :n], LABELS[row : row + 1, :n])
        for row, n in enumerate(LENGTHS)
    ]
    shares = np.array(LENGTHS) / sum(LENGTHS)
    expected = jax.tree.map(
        lambda *each: sum(share * a for share, a in zip(shares, each, strict=True)),
        *(((one, grads)) for (one, _), grads in alone),
    )
    assert_close((value, grads), expected)


def test_by_hand_derives_with_respect_to_state_too(x64):
    def forward(params, state, x, *, train=False, key=None):
        return pn.Padded(state * x.x, x.valid), state * jnp.sum(x.x), (state, x.x)

    layer = pn.Layer(
        lambda key, in_shape: ((), jnp.ones(())),
        forward,
        lambda params, cache, dy: ((), cache[0] * dy),
        padded="uses",
    )

    def total(layer, state, x):
        y, state = layer.apply((), state, pn.Padded(x, VALID))
        return jnp.sum(jnp.where(VALID[..., None], y.x, 0) ** 2) + state

    given = jnp.array(2.0), jnp.asarray(features().x)
    mine, theirs = (
        jax.grad(partial(total, each), (0, 1))(*given) for each in (pn.by_hand(layer), layer)
    )
    assert_close(mine, theirs)


def test_one_answer_per_sequence_is_that_of_its_valid_positions(x64):
    layer, x = pn.global_avg_pool(), features()
    y, _ = layer.apply((), (), pn.Padded(np.where(VALID[..., None], x.x, np.nan), VALID))
    expected = [x.x[row, :n].mean(axis=0) for row, n in enumerate(LENGTHS)]
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    assert pn.check_gradients(layer, x).ok
    assert pn.check_gradients(layer, pn.Padded(x.x[:, :, None], VALID)).ok
    none = pn.Padded(x.x, VALID & (np.arange(3) != 1)[:, None])
    assert not layer.apply((), (), none)[0][1].any()
    model = pn.serial(pn.dense(2), layer)
    params, state = model.init(jax.random.key(0), (5, 3))
    labels, x = np.array([0, 1, 1]), features(dtype=np.float32)
    given = params, state, x, labels
    loss, accuracy = pn.evaluate(model, pn.softmax_cross_entropy, *given)
    (value, _), _ = pn.value_and_grad(model, pn.softmax_cross_entropy)(*given)
    np.testing.assert_allclose(loss, value, rtol=1e-6)
    assert pn.predict(model, params, state, x).shape == (3, 2) and accuracy is not None


@pytest.mark.parametrize("layer", [pn.gru(4), pn.lstm(4)])
def test_recurrent_layers_go_from_one_valid_position_to_the_next(layer, x64):
    model = pn.as_dtype(pn.serial(layer, pn.dense(2)), jnp.float64)
    params, state = jax.jit(model.init, static_argnums=1)(jax.random.key(0), (5, 3))
    f = jit_quickly(pn.value_and_grad(model, pn.mse))
    rng = np.random.default_rng(6)
    x, targets = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 2))
    valid = np.array([[False, True, False, True, True], [True, True, True, False, False]])
    (value, _), grads = f(params, state, pn.Padded(x, valid), targets)
    together = [np.stack([a[row][valid[row]] for row in range(2)]) for a in (x, targets)]
    (expected, _), expected_grads = f(params, state, *together)
    assert_close((value, grads), (expected, expected_grads))
    assert pn.check_gradients(layer, pn.Padded(x, valid)).ok
