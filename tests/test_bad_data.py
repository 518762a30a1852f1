"""Examples with NaN or infinity: rejected by their place, or named when the run stops at them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from spaced import spaced

import purenn as pn

pytestmark = pytest.mark.usefixtures("quickly")

KEY = jax.random.key(0)
X = np.linspace(-1, 1, 40, dtype=np.float32).reshape(20, 2)
NUMBERS = np.sin(3 * X[:, :1])
FRACTIONS = (NUMBERS > 0).astype(np.float32)
LABELS = (NUMBERS[:, 0] > 0).astype(np.int32)
MODEL = pn.serial(pn.dense(3, w_init=spaced), pn.tanh, pn.dense(1, w_init=spaced))


def fit(data, loss=pn.mse, model=MODEL, **options):
    options = {"epochs": 1, "key": KEY, "progress": False, "batch_size": 4, **options}
    return pn.fit(model, loss, pn.sgd(0.1), data, **options)


def spoiled(array, value, place=(13, 0)):
    array = np.array(array)
    array[place] = value
    return array


BAD = {
    "x": ((spoiled(X, np.nan, (13, 1)), NUMBERS), r"x\[13\] is nan at \[1\], and the loss .* nan"),
    "x, infinite": ((spoiled(X, np.inf, (0, 1)), 1e38 * NUMBERS), r"x\[0\] is inf at \[1\]"),
    "targets": ((X, spoiled(NUMBERS, np.nan)), r"targets\[13\] is nan at \[0\], and the loss"),
    "targets, infinite": ((X, spoiled(NUMBERS, -np.inf)), r"targets\[13\] is -inf at \[0\]"),
}


@pytest.mark.parametrize("on", [np.asarray, jnp.asarray], ids=["host", "device"])
@pytest.mark.parametrize("name", BAD)
def test_arrays_are_looked_at_before_the_run(name, on):
    (x, targets), message = BAD[name]
    with pytest.raises(ValueError, match=f"^fit: {message}"):
        fit((on(x), on(targets)), locate=True)
    with pytest.raises(ValueError, match=f"^fit: validation's {message}"):
        fit((X, NUMBERS), validation=(on(x), on(targets)), locate=True)


@pytest.mark.parametrize("blocks", [1, 2, 3])
@pytest.mark.parametrize("part", [0, 1], ids=["x", "targets"])
def test_without_that_the_run_stops_at_the_example_and_names_it(part, blocks):
    data = [X, NUMBERS]
    data[part] = spoiled(data[part], np.nan, (16, 0))
    says = (
        r"the loss is nan at epoch .*began in the batch: .* is nan at \[0\], which is example 16 of"
    )
    with pytest.raises(FloatingPointError, match=says) as caught:
        fit(tuple(data), epochs=9, batch_size=6, blocks=blocks)
    assert "learning rate" not in str(caught.value)


@pytest.mark.parametrize("loss", [pn.binary_cross_entropy, pn.sigmoid_binary_cross_entropy])
@pytest.mark.parametrize("value", [-0.5, 2, np.nan])
def test_targets_of_a_binary_loss_lie_between_0_and_1(loss, value):
    model = pn.serial(MODEL, pn.sigmoid)
    says = rf"targets\[13\] is {value}.* at \[0\], expected numbers in 0 … 1"
    with pytest.raises(ValueError, match=says):
        fit((X, spoiled(FRACTIONS, value)), loss, model)
    if value == 2:
        with pytest.raises(ValueError, match=r"targets\[13\] is 2 at \[0\], expected numbers in 0"):
            fit((X, spoiled(FRACTIONS.astype(int), 2)), loss, model)


def test_a_model_or_a_loss_that_can_handle_a_nan_is_trained():
    def without_nan(x):
        return jnp.where(jnp.isnan(x), 0, x)

    def masked(y, targets):
        known = ~jnp.isnan(targets)
        return jnp.sum(jnp.where(known, y - jnp.where(known, targets, 0), 0) ** 2) / jnp.mean(
            known, dtype=jnp.float32
        )

    for data, loss, model in (
        ((spoiled(X, np.nan), NUMBERS), pn.mse, pn.serial(without_nan, MODEL)),
        ((X, spoiled(NUMBERS, np.nan)), masked, MODEL),
    ):
        _, history = fit(data, loss, model, locate=True)
        assert np.isfinite(history[0].loss)


BATCHES = {
    "x": (pn.mse, (spoiled(X, np.nan, (2, 1)), NUMBERS), r"x\[2\] is nan at \[1\]"),
    "targets": (pn.mse, (X, spoiled(NUMBERS, np.nan, 3)), r"targets\[3\] is nan at \[0\]"),
    "of a binary loss": (
        pn.sigmoid_binary_cross_entropy,
        (X, jnp.asarray(spoiled(FRACTIONS, 2, 3))),
        r"targets\[3\] is 2.0 at \[0\], expected numbers in 0 … 1",
    ),
    "labels": (
        pn.softmax_cross_entropy,
        (X, jnp.asarray(spoiled(LABELS, 7, 3))),
        r"targets\[3\] is 7, expected labels in 0 … 1",
    ),
}


@pytest.mark.parametrize("name", BATCHES)
def test_what_is_wrong_with_a_batch_is_said_when_the_run_stops_at_it(name):
    loss, (x, targets), message = BATCHES[name]
    model = pn.serial(MODEL, pn.dense(2, w_init=spaced)) if name == "labels" else MODEL
    good = {"of a binary loss": FRACTIONS, "labels": LABELS}.get(name, NUMBERS)

    def data(epoch):
        return [(X, good), (x, targets)]

    with pytest.raises(FloatingPointError, match=message) as caught:
        fit(data, loss, model, batch_size=None)
    assert "began in the batch" in str(caught.value)
    assert "learning rate" not in str(caught.value)
