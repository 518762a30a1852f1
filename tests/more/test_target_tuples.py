"""Targets that are a tuple of arrays: every function calls `loss(predictions, *targets)`."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from spaced import spaced
from table import error, jit_quickly

import purenn as pn

pytestmark = pytest.mark.usefixtures("quickly")

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
TIME, CLASSES = 3, 4
MODEL, LOSS, SGD = pn.dense(CLASSES, w_init=spaced), pn.softmax_cross_entropy, pn.sgd(0.1)
PARAMS, STATE = MODEL.init(KEY, (TIME, 5))
X = RNG.normal(size=(20, TIME, 5)).astype(np.float32)
WEIGHTS = RNG.integers(3, size=(20, TIME))
WEIGHTS[8:12] = 0  # a batch of evaluate's
LABELS = np.where(WEIGHTS == 0, -100, RNG.integers(CLASSES, size=(20, TIME)))
TARGETS = LABELS, WEIGHTS
ROWS = np.eye(CLASSES, dtype=np.float32)[np.maximum(LABELS, 0)]


def mine(predictions, targets):
    """The same with one array of targets, labels and weights side by side."""
    return LOSS(predictions, targets[..., 0], targets[..., 1])


STACKED = np.stack(TARGETS, axis=-1).astype(np.int32)


def test_one_step_is_that_of_the_loss_with_its_weights():
    value, loss = 0.0, partial(LOSS, label_smoothing=0.1)

    def by_jax(params):
        return loss(MODEL.apply(params, STATE, X)[0], *TARGETS)

    expected = jax.value_and_grad(by_jax)(PARAMS)
    (value, _), grads = pn.value_and_grad(MODEL, loss)(PARAMS, STATE, X, TARGETS)
    assert error((value, grads), expected) <= 1e-5
    e = pn.explain(MODEL, loss, PARAMS, STATE, X, TARGETS)
    assert error((e.value, e.grads), expected) <= 1e-5
    assert "dZ1 = (A1-Y)⊙w/Σw" in str(e) and "weights w from 0 to 2, Y = (1-0.1)·targets" in str(e)
    written = (
        (np.asarray(e["A1"]) - (0.9 * ROWS + 0.1 / CLASSES)) * WEIGHTS[..., None] / WEIGHTS.sum()
    )
    assert error(e["dZ1"], written) <= 1e-5


def fit(targets, loss=LOSS, **options):
    given = {"epochs": 2, "batch_size": 5, "key": KEY, "progress": False} | options
    return pn.fit(MODEL, loss, SGD, (X, targets), **given)


def test_a_run_is_that_of_the_same_targets_in_one_array():
    train_state, history = fit(TARGETS, validation=(X, TARGETS), locate=True)
    expected, _ = fit(STACKED, mine)
    assert error(train_state.params, expected.params) <= 1e-6
    losses = jit_quickly(pn.training_run(MODEL, LOSS, SGD, epochs=2, batch_size=5, blocks=5))(
        KEY, X, TARGETS
    )[1]
    _, of_blocks = fit(TARGETS, blocks=5)
    assert error(np.float32([r.loss for r in of_blocks]), losses.mean(1)) <= 1e-6
    last = history[-1]
    learned = train_state.params, train_state.state
    evaluated = pn.evaluate(MODEL, LOSS, *learned, X, TARGETS)
    assert (last.validation_loss, last.validation_accuracy) == evaluated


def test_a_function_of_the_epoch_gives_tuples_too():
    def batches(epoch):
        for i in range(0, 20, 10):
            yield X[i : i + 10], (LABELS[i : i + 10], WEIGHTS[i : i + 10])

    def stacked(epoch):
        for i in range(0, 20, 10):
            yield X[i : i + 10], STACKED[i : i + 10]

    runs = [
        pn.fit(MODEL, loss, SGD, data, epochs=2, key=KEY, progress=False)[0].params
        for loss, data in ((LOSS, batches), (mine, stacked))
    ]
    assert error(*runs) <= 1e-6


def test_a_run_of_tuples_resumes_and_another_weight_is_another_run(tmp_path):
    whole, _ = fit(TARGETS)
    options = {"checkpoints": tmp_path, "resume": True}
    fit(TARGETS, epochs=1, **options)
    with pytest.raises(ValueError, match="targets: 2 arrays as before, with other numbers"):
        fit((LABELS, 2 * WEIGHTS), **options)
    resumed, _ = fit(TARGETS, **options)
    chex.assert_trees_all_equal(resumed, whole)


@pytest.mark.parametrize("batch_size", [1024, 7, 4, 1])
def test_evaluate_is_the_weighted_mean_over_all_examples(batch_size):
    # In batches of 4 and of 1, some have nothing but weights of 0.
    logits, _ = MODEL.apply(PARAMS, STATE, X)
    got = pn.evaluate(MODEL, LOSS, PARAMS, STATE, X, TARGETS, batch_size=batch_size)
    expected = LOSS(logits, *TARGETS), pn.accuracy(logits, *TARGETS)
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    rows = np.where(WEIGHTS[..., None] == 0, np.float32(np.nan), ROWS)
    of_rows = pn.evaluate(MODEL, LOSS, PARAMS, STATE, X, (rows, WEIGHTS), batch_size=batch_size)
    np.testing.assert_allclose(of_rows, expected, rtol=1e-6)


def test_evaluate_takes_sequences_without_weights():
    logits, _ = MODEL.apply(PARAMS, STATE, X)
    labels = np.maximum(LABELS, 0)
    got = pn.evaluate(MODEL, LOSS, PARAMS, STATE, X, labels, batch_size=7)
    np.testing.assert_allclose(got[0], LOSS(logits, labels), rtol=1e-6)
    assert got[1] == (np.asarray(logits).argmax(-1) == labels).mean()  # counted exactly
    of_rows = pn.evaluate(MODEL, LOSS, PARAMS, STATE, X, ROWS, batch_size=7)
    np.testing.assert_allclose(of_rows, got, rtol=1e-6)


@pytest.mark.parametrize("shape", [(20,), (20, TIME), (20, TIME, CLASSES)])
def test_evaluate_weighs_elements_and_examples(shape):
    predictions, _ = MODEL.apply(PARAMS, STATE, X)
    numbers = RNG.normal(size=predictions.shape).astype(np.float32)
    weights = RNG.uniform(size=shape).astype(np.float32)
    for loss in (pn.mse, pn.huber):
        got = pn.evaluate(MODEL, loss, PARAMS, STATE, X, (numbers, weights), batch_size=7)
        np.testing.assert_allclose(got[0], loss(predictions, numbers, weights), rtol=1e-6)
        assert got[1] is None


def test_a_loss_of_ones_own_takes_any_tuple():
    def loss(y, low, high, scale):
        outside = jnp.maximum(low - y, 0) + jnp.maximum(y - high, 0)
        return jnp.mean(outside * scale[:, None, None])

    y, _ = MODEL.apply(PARAMS, STATE, X)
    low, scale = np.asarray(y) + 0.5, np.linspace(0, 1, 20, dtype=np.float32)
    targets = low, low + 1, scale
    value, accuracy = pn.evaluate(MODEL, loss, PARAMS, STATE, X, targets, batch_size=7)
    np.testing.assert_allclose(value, 0.25, rtol=1e-5)
    assert accuracy is None
    _, history = fit(targets, loss, epochs=5, validation=(X, targets))
    assert history[-1].validation_loss < 0.25
    with pytest.raises(TypeError, match=r"^loss: targets is a tuple of 2, .*argument: 'scale'"):
        fit(targets[:2], loss)


# What is rejected, where the numbers are known or when a run has stopped.


def test_a_label_that_counts_is_looked_at_and_one_of_weight_0_is_not():
    wrong = LABELS.copy()
    place = tuple(np.argwhere(WEIGHTS)[-1])
    wrong[place] = 7
    words = rf"targets\[0\]\[{place[0]}, {place[1]}\] is 7, expected labels in 0 … 3 \(1 of 60"
    for call in (
        lambda: fit((wrong, WEIGHTS)),
        lambda: fit((wrong, jnp.asarray(WEIGHTS))),
        lambda: fit(TARGETS, validation=(X, (wrong, WEIGHTS))),
        lambda: pn.evaluate(MODEL, LOSS, PARAMS, STATE, X, (wrong, WEIGHTS)),
        lambda: pn.fit(
            MODEL, LOSS, SGD, lambda epoch: [(X, TARGETS), (X, (wrong, WEIGHTS))],
            epochs=1, key=KEY, progress=False,
        ),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            call()
    bad_row = ROWS.copy()
    bad_row[place] = 0.5
    with pytest.raises(ValueError, match=rf"row {place[0]}, {place[1]} sums to 2"):
        fit((bad_row, WEIGHTS))


@pytest.mark.parametrize("on_device", [False, True])
def test_numbers_are_checked_in_each_part(on_device):
    convert = jnp.array if on_device else np.array  # copies
    fractions = RNG.uniform(size=(20, TIME, CLASSES)).astype(np.float32)
    weights = WEIGHTS.astype(np.float32)
    place = np.argwhere(WEIGHTS)[0]
    fractions[WEIGHTS == 0] = np.nan
    good = convert(fractions), convert(weights)
    run = partial(fit, loss=pn.sigmoid_binary_cross_entropy, locate=True)
    run(good)
    fractions[(*place, 2)] = 1.5
    with pytest.raises(ValueError, match=rf"targets\[0\]\[{place[0]}\] is 1.5 at \[{place[1]}, 2"):
        run((convert(fractions), convert(weights)))
    weights[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"targets\[1\]\[3\] is nan at \[1\], expected finite w"):
        run((good[0], convert(weights)))


def test_a_batch_of_zeros_stops_the_run_by_name():
    data = [(X[i : i + 4], (LABELS[i : i + 4], WEIGHTS[i : i + 4])) for i in (0, 4, 8)]
    with pytest.raises(FloatingPointError, match=r"step 3.*targets\[1\], the weights, are all 0"):
        pn.fit(MODEL, LOSS, SGD, lambda epoch: data, epochs=1, key=KEY, progress=False)
    with pytest.raises(ValueError, match=r"evaluate: targets\[1\], the weights, are all 0"):
        pn.evaluate(MODEL, LOSS, PARAMS, STATE, *data[2])


@pytest.mark.parametrize("on_device", [False, True])
def test_a_nan_that_the_model_can_handle_may_be_among_many_weights_of_0(on_device):
    convert = jnp.array if on_device else np.array
    x, weights = np.ones((130, 2), np.float32), np.zeros(130, np.float32)
    x[[0, 129]], weights[64:128] = np.nan, 1
    model = pn.serial(jnp.nan_to_num, pn.dense(CLASSES, w_init=spaced))
    data = convert(x), (convert(np.zeros(130, int)), convert(weights))
    run = {"epochs": 1, "batch_size": 65, "key": KEY, "progress": False, "locate": True}
    pn.fit(model, LOSS, SGD, data, **run)
    with pytest.raises(FloatingPointError, match=r"is nan at \[0\], which is example (0|129) "):
        pn.fit(MODEL, LOSS, SGD, data, **run)  # where 0 · NaN is in the derivative of w
