"""Tokens: which are rejected where, and what one outside the vocabulary does in a program."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import error, jit_quickly

import purenn as pn

KEY = jax.random.key(0)
MODEL = pn.serial(pn.embedding(5, 3), pn.flatten(), pn.dense(2))
RECOMPUTED = pn.serial(pn.recompute(pn.serial(pn.embedding(5, 3), pn.flatten())), pn.dense(2))
LOSS, SGD = pn.softmax_cross_entropy, pn.sgd(0.1)
X = np.array([[0, 1], [2, 3], [4, 4], [3, 0]], np.int32)
LABELS = np.array([0, 1, 1, 0], np.int32)


def with_token(token):
    x = X.copy()
    x[2, 1] = token
    return x


def batches(convert):
    return lambda epoch: [(convert(X), LABELS), (convert(with_token(5)), LABELS)]


def fit(data, model=MODEL, **more):
    return pn.fit(
        model, LOSS, SGD, data, epochs=1, batch_size=None if callable(data) else 4, key=KEY,
        progress=False, **more,
    )  # fmt: skip


PARAMS, STATE = MODEL.init(KEY, (2,))
PLACE = r"[2, 1] is 5, expected tokens in 0 … 4 (1 of 8 are outside)"
CALLS = {
    "fit": (lambda x: fit((x, LABELS)), f"fit: x{PLACE}"),
    "fit, nested": (
        lambda x: fit((x, LABELS), pn.as_dtype(pn.recompute(RECOMPUTED), jnp.bfloat16)),
        f"fit: x{PLACE}",
    ),
    "validation": (lambda x: fit((X, LABELS), validation=(x, LABELS)), f"validation's x{PLACE}"),
    "batches": (lambda x: fit(batches(np.array)), f"fit: in epoch 1, batch 2, x{PLACE}"),
    "train": (
        lambda x: next(pn.train(MODEL, LOSS, SGD, (x, LABELS), epochs=1, batch_size=4, key=KEY)),
        f"train: x{PLACE}",
    ),
    "evaluate": (
        lambda x: pn.evaluate(MODEL, LOSS, PARAMS, STATE, x, LABELS),
        f"evaluate: x{PLACE}",
    ),
    "predict": (lambda x: pn.predict(MODEL, PARAMS, STATE, x), f"predict: x{PLACE}"),
    "apply": (lambda x: MODEL.apply(PARAMS, STATE, x), f"embedding(5, 3): x{PLACE}"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_token_outside_the_vocabulary_is_named_by_its_place(name):
    call, words = CALLS[name]
    with pytest.raises(ValueError, match=re.escape(words)):
        call(with_token(5))


def test_one_that_only_a_compiled_step_has_seen_stops_the_run():
    with pytest.raises(FloatingPointError, match=r"epoch 1, step 2; .* in the batch: x\[2, 1\] is"):
        fit(batches(jnp.asarray))


@pytest.mark.parametrize("token", [-1, 5, np.iinfo(np.int32).max, np.iinfo(np.int32).min])
def test_in_a_program_it_is_nan_and_trains_no_row(token):
    layer = pn.embedding(5, 3)
    params, x = PARAMS[0], with_token(token)

    @jit_quickly
    def both(params, x):
        y, _, cache = layer.forward(params, (), x)
        by_jax = jax.grad(lambda p: jnp.sum(layer.apply(p, (), x)[0]))(params)
        return y, layer.backward(params, cache, jnp.ones_like(y))[0], by_jax

    y, *found = both(params, x)
    assert np.argwhere(np.isnan(y).any(-1)).tolist() == [[2, 1]]
    counts = np.bincount(np.delete(x.ravel(), 5), minlength=5)
    for dparams in found:
        assert error(dparams.w, np.outer(counts, np.ones(3))) == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint32, np.int16])
def test_tokens_of_any_integer_dtype(dtype):
    layer = pn.embedding(300, 2)  # more than a byte can count
    params, _ = layer.init(KEY, ())
    x = np.array([0, 7, 127], dtype)
    y, _, cache = layer.forward(params, (), x)
    assert error(y, params.w[x.astype(np.int32)]) == 0
    (dw,), dx = layer.backward(params, cache, jnp.ones_like(y))
    assert dx is None and np.flatnonzero(dw.sum(1)).tolist() == [0, 7, 127]


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_the_sum_over_many_places_accumulates_in_float32(dtype):
    layer = pn.as_dtype(pn.embedding(2, 1), dtype)
    params, _ = layer.init(KEY, ())
    _, _, cache = layer.forward(params, (), np.zeros(5000, np.int32))
    (dw,), _ = layer.backward(params, cache, jnp.full((5000, 1), 0.01, dtype))
    expected = 5000 * float(dtype(0.01))
    assert dw.dtype == dtype and abs(float(dw[0, 0]) / expected - 1) < 0.005 and dw[1, 0] == 0


VALID = np.array([[True, True], [True, False], [True, True], [True, False]])
PADDING = np.where(VALID, X, -1)


@jit_quickly
def padded_embedding(params, x):
    y, _, cache = MODEL.parts[0].forward(params, (), x)
    return y, MODEL.parts[0].backward(params, cache, jnp.ones_like(y.x))


def test_padding_may_hold_any_number_and_trains_no_row():
    y, (dparams, dx) = padded_embedding(PARAMS[0], pn.Padded(PADDING, VALID))
    expected, (same, _) = padded_embedding(PARAMS[0], pn.Padded(X, VALID))
    assert not y.x[~VALID].any() and np.isfinite(y.x).all() and dx is None
    assert error((y.x, dparams), (expected.x, same)) == 0
    assert dparams.w.sum(1).tolist() == [3, 3, 3, 3, 6]
    assert error(MODEL.parts[0].apply(PARAMS[0], (), pn.Padded(PADDING, VALID))[0].x, y.x) == 0


def test_a_valid_token_outside_the_vocabulary_is_named_among_padding():
    x, model = pn.Padded(PADDING + 2, VALID), pn.serial(pn.embedding(5, 3), pn.rms_norm())
    params, state = model.init(KEY, (2,))
    place = r"x\.x\[2, 0\] is 6, expected tokens in 0 … 4 \(3 of 8 are outside\)"
    with pytest.raises(ValueError, match=place):
        model.apply(params, state, x)


def test_a_language_model_learns_nothing_from_padding():
    model = pn.serial(
        pn.embedding(5, 4), pn.position_embedding(2), pn.rms_norm(), pn.gated_dense(4), pn.dense(5)
    )
    params, state = model.init(KEY, (2,))
    weights = VALID.astype(np.float32)

    @jit_quickly
    def grads(params, x):
        y, _, cache = model.forward(params, state, x)
        _, loss_cache = LOSS.forward(y.x, PADDING, weights)
        return model.backward(params, cache, LOSS.backward(loss_cache, 1.0))[0]

    f = jit_quickly(pn.value_and_grad(model, LOSS))
    _, expected = f(params, state, X, (X, weights))
    assert error(grads(params, pn.Padded(PADDING, VALID)), expected) <= 1e-6


def test_a_tied_embedding_read_piece_by_piece_is_read_as_a_whole():
    model = pn.tied_embedding(5, 3, pn.position_embedding(2), pn.residual(pn.dense(3)))
    params, state = model.init(KEY, (2,))
    expected, _ = model.apply(params, state, X)
    reader = pn.stepwise(model, batch=4, length=2)
    _, read = reader.init(KEY, (2,))
    for i in range(2):
        y, read = reader.apply(params, read, X[:, i : i + 1])
        assert error(y, expected[:, i : i + 1]) <= 1e-6


def test_a_tied_embedding_in_half_precision_and_with_padding():
    model = pn.as_dtype(pn.tied_embedding(5, 3, pn.rms_norm()), jnp.bfloat16)
    params, state = model.init(KEY, (2,))
    y, _, cache = model.forward(params, state, pn.Padded(PADDING, VALID))
    dparams, dx = model.backward(params, cache, jnp.where(VALID[..., None], y.x, 0))
    assert y.x.dtype == dparams[0].w.dtype == jnp.bfloat16 and dx is None
    assert np.isfinite(y.x.astype(np.float32)).all()
    assert np.isfinite(dparams[0].w.astype(np.float32)).all()
