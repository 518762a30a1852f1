"""`Padded` in `fit`, `train`, `training_run`, `evaluate` and `predict`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import purenn as pn

RNG = np.random.default_rng(0)
LENGTHS = RNG.integers(1, 7, 20)
VALID = np.arange(6) < LENGTHS[:, None]
TOKENS = np.where(VALID, RNG.integers(0, 200, VALID.shape), 255).astype(np.uint8)[..., None]
LABELS = np.where(VALID, TOKENS[..., 0] > 100, -1).astype(np.int32)
X, DATA = pn.Padded(TOKENS, VALID), (pn.Padded(TOKENS, VALID), LABELS)
MODEL = pn.serial(pn.rescale(), pn.dense(4), pn.tanh, pn.dense(2))
LOSS, SGD, KEY = pn.softmax_cross_entropy, pn.sgd(0.1), jax.random.key(0)
PARAMS, STATE = MODEL.init(KEY, (6, 1))


def fit(data, **options):
    options = {"epochs": 2, "batch_size": 5, "key": KEY, "progress": False} | options
    return pn.fit(MODEL, LOSS, SGD, data, **options)


def test_fit_is_training_run_and_both_weigh_valid_positions():
    trained, history = fit(DATA, validation=DATA)
    run = jax.jit(pn.training_run(MODEL, LOSS, SGD, epochs=2, batch_size=5))
    again, losses = run(KEY, *DATA)
    weighted, weighted_losses = run(KEY, TOKENS, (LABELS, VALID.astype(np.float32)))
    for one, other in ((again, trained), (weighted, again)):
        assert jax.tree.all(jax.tree.map(np.array_equal, one.params, other.params))
    assert np.array_equal(losses, weighted_losses)
    np.testing.assert_allclose(history[1].loss, losses[1].mean(), rtol=1e-6)
    score = pn.evaluate(MODEL, LOSS, *trained[:2], *DATA)
    assert (history[1].validation_loss, history[1].validation_accuracy) == score


def test_a_function_of_the_epoch_gives_padded_batches():
    def batches(epoch):
        for rows in np.split(np.arange(20), 4):
            yield pn.Padded(TOKENS[rows], VALID[rows]), LABELS[rows]

    (now,) = pn.train(MODEL, LOSS, SGD, batches, epochs=1, key=KEY, chunk=4)
    assert now.losses.shape == (4,) and np.isfinite(now.losses).all()
    wrong = [(X, LABELS), (X, np.where(VALID, 9, -1))]
    with pytest.raises(ValueError, match=r"in epoch 1, batch 2, targets\[0, 0\] is 9"):
        list(pn.train(MODEL, LOSS, SGD, lambda epoch: wrong, epochs=1, key=KEY))


@pytest.mark.parametrize("batch_size", [7, 1024])
def test_evaluate_and_predict_are_those_of_the_valid_positions(batch_size):
    outputs = pn.predict(MODEL, PARAMS, STATE, X, batch_size=batch_size)
    assert isinstance(outputs, np.ndarray) and outputs.shape == (20, 6, 2)
    loss, accuracy = pn.evaluate(MODEL, LOSS, PARAMS, STATE, *DATA, batch_size=batch_size)
    logits, labels = jnp.asarray(outputs[VALID]), LABELS[VALID]
    np.testing.assert_allclose(loss, pn.softmax_cross_entropy(logits, labels), rtol=1e-6)
    np.testing.assert_allclose(accuracy, pn.accuracy(logits, labels), rtol=1e-6)


def test_a_batch_without_a_valid_position_adds_nothing_to_an_evaluation():
    valid = VALID & (np.arange(20) >= 10)[:, None]
    given = MODEL, LOSS, PARAMS, STATE, pn.Padded(TOKENS, valid), LABELS
    expected = MODEL, LOSS, PARAMS, STATE, pn.Padded(TOKENS[10:], VALID[10:]), LABELS[10:]
    np.testing.assert_allclose(
        pn.evaluate(*given, batch_size=5), pn.evaluate(*expected, batch_size=5), rtol=1e-6
    )


def test_on_a_mesh_it_is_sharded_like_an_array():
    mesh = jax.make_mesh((2,), ("data",), devices=jax.devices()[:2])
    options = {"blocks": 4, "batch_size": 4, "validation": DATA}
    (alone, history), (trained, on_mesh) = fit(DATA, **options), fit(DATA, mesh=mesh, **options)
    for one, other in zip(*map(jax.tree.leaves, (alone.params, trained.params)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(history[-1].validation_loss, on_mesh[-1].validation_loss, rtol=1e-5)


def test_a_run_resumes_with_the_same_positions_alone(tmp_path):
    trained, _ = fit(DATA)
    fit(DATA, epochs=1, checkpoints=tmp_path)
    with pytest.raises(ValueError, match="data"):
        fit(
            (pn.Padded(TOKENS, np.ones_like(VALID)), np.maximum(LABELS, 0)),
            checkpoints=tmp_path,
            resume=True,
        )
    resumed, _ = fit(DATA, checkpoints=tmp_path, resume=True)
    assert jax.tree.all(jax.tree.map(np.array_equal, resumed.params, trained.params))


def test_a_batch_without_a_valid_position_stops_the_run():
    valid = np.repeat(VALID[:1], 20, axis=0) & (np.arange(20) > 18)[:, None]
    with pytest.raises(FloatingPointError, match="it began in the batch: no position of x is val"):
        fit((pn.Padded(TOKENS, valid), LABELS))


def test_a_nan_in_the_padding_stops_nothing_and_elsewhere_is_found():
    def run(x):
        model, data = pn.dense(2), (pn.Padded(x, VALID), LABELS)
        return pn.fit(
            model, LOSS, SGD, data, epochs=1, batch_size=5, key=KEY, progress=False, locate=True
        )

    x = np.where(VALID, TOKENS[..., 0] / 100, np.nan)[..., None].astype(np.float32)
    losses = [run(given)[1][0].loss for given in (x, np.nan_to_num(x))]
    assert losses[0] == losses[1]
    with pytest.raises(ValueError, match=r"x.x\[\d\] is nan at \[2, 0\]"):
        run(np.where(np.arange(6)[:, None] == 2, np.nan, x))
