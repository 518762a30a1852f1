"""`accuracy` and `evaluate`: what is not a class is rejected, and NaN is never a score."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from spaced import spaced

import purenn as pn

pytestmark = pytest.mark.usefixtures("quickly")

KEY = jax.random.key(0)
LOGITS = np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32)
LABELS = np.arange(10, dtype=np.int32) % 4
ROWS = np.eye(4, dtype=np.float32)[LABELS]


def with_nan(rows, place=(3, 1)):
    rows = np.array(rows)
    rows[place] = np.nan
    return rows


def test_a_row_with_a_nan_makes_the_accuracy_nan():
    right = (LOGITS.argmax(1) == LABELS).mean()
    for f in (pn.accuracy, jax.jit(pn.accuracy)):
        for targets in (LABELS, ROWS, ROWS.astype(int), LABELS.astype(np.uint8)):
            assert f(LOGITS, targets) == np.float32(right)
            assert np.isnan(f(with_nan(LOGITS), targets))
            assert np.isnan(f(np.full_like(LOGITS, np.nan), targets))
        assert f(np.where(LOGITS < 0, -np.inf, LOGITS), LABELS) == np.float32(right)


BAD_TARGETS = {
    "a label below 0": LABELS - 1,
    "a label beyond the last": LABELS + 1,
    "labels from 1": np.where(LABELS == 3, 4, LABELS),
    "NaN in a row": with_nan(ROWS),
    "rows of zeros": 0 * ROWS,
    "rows that sum to 2": 2 * ROWS,
    "integer rows that sum to 2": 2 * ROWS.astype(int),
    "below 0": ROWS - np.roll(ROWS, 1, axis=1) + np.roll(ROWS, 2, axis=1),
}


@pytest.mark.parametrize("name", BAD_TARGETS)
def test_targets_that_are_not_classes_are_rejected_and_nan_when_compiled(name):
    with pytest.raises(ValueError, match="labels must be in|rows of targets must"):
        pn.accuracy(LOGITS, BAD_TARGETS[name])
    assert np.isnan(jax.jit(pn.accuracy)(LOGITS, BAD_TARGETS[name]))


def test_a_metric_may_mix_dtypes():
    half = jnp.asarray(LOGITS, jnp.bfloat16)
    assert pn.accuracy(half, ROWS) == pn.accuracy(half, LABELS)


# evaluate, and fit's validation.

MODEL = pn.serial(pn.dense(4, w_init=spaced))
PARAMS, STATE = MODEL.init(KEY, (4,))


def test_accuracy_counts_the_same_under_x64():
    """Where JAX's own indices are int64, and may not be compared with int32."""
    expected = pn.accuracy(LOGITS, LABELS)
    with jax.enable_x64(True):
        for targets in (LABELS, LABELS.astype(np.int64), ROWS):
            assert pn.accuracy(LOGITS, targets) == expected


def plain(y, targets):  # a loss that knows nothing of classes
    return jnp.mean(y * y)


@pytest.mark.parametrize("loss", [pn.softmax_cross_entropy, plain])
@pytest.mark.parametrize("labels", [LABELS + 1, LABELS - 1])
def test_evaluate_and_validation_reject_labels_whatever_the_loss(loss, labels):
    with pytest.raises(ValueError, match=r"evaluate: targets\[\d\] is -?\d, expected labels in 0"):
        pn.evaluate(MODEL, loss, PARAMS, STATE, LOGITS, labels)
    with pytest.raises(ValueError, match=r"fit: validation's targets\[\d\] is -?\d, expected"):
        pn.fit(
            MODEL, loss, pn.sgd(0.1), (LOGITS, LABELS), epochs=1, batch_size=5, key=KEY,
            validation=(LOGITS, labels), progress=False,
        )  # fmt: skip


def test_numbers_that_are_not_classes_have_no_accuracy():
    _, accuracy = pn.evaluate(MODEL, plain, PARAMS, STATE, LOGITS, 10.0 * LABELS)
    assert accuracy is None


def test_evaluate_on_nan_parameters_is_nan_in_both():
    lost = jax.tree.map(lambda p: p * jnp.nan, PARAMS)
    for loss in (pn.softmax_cross_entropy, plain):
        assert np.isnan(pn.evaluate(MODEL, loss, lost, STATE, LOGITS, LABELS)).all()
    # One example of a later batch is enough.
    scores = pn.evaluate(
        MODEL, plain, PARAMS, STATE, with_nan(LOGITS, (9, 0)), LABELS, batch_size=4
    )
    assert np.isnan(scores).all()


def test_evaluate_counts_exactly():
    _, accuracy = pn.evaluate(pn.serial(), plain, (), (), LOGITS, LABELS, batch_size=3)
    assert accuracy == (LOGITS.argmax(1) == LABELS).sum() / 10
