"""`evaluate`, `predict` and `accuracy`: any number of examples, one batch at a time."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import purenn as pn
from purenn.training import evaluate as evaluate_module

pytestmark = pytest.mark.usefixtures("quickly")

KEY = jax.random.key(0)
CLASSES, FEATURES = 3, 6
MODEL = pn.serial(pn.batch_norm(), pn.dense(5), pn.relu, pn.dropout(0.25), pn.dense(CLASSES))
LOSS = pn.softmax_cross_entropy
X = np.zeros((12, FEATURES), np.float32)


@pytest.mark.parametrize("as_rows", [False, True], ids=["labels", "one-hot"])
def test_evaluate_weighs_the_last_short_batch_by_its_examples(as_rows):
    # 2,500 in batches of 1,024: a mean of three batch means would be wrong in the third digit.
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2500, FEATURES)).astype(np.float32) + np.arange(2500)[:, None] / 1000
    x, labels = x.astype(np.float32), rng.integers(CLASSES, size=2500)
    params, state = MODEL.init(KEY, (FEATURES,))
    logits = np.asarray(MODEL.apply(params, state, x)[0], np.float64)
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    targets = np.eye(CLASSES, dtype=np.float32)[labels] if as_rows else labels
    loss, accuracy = pn.evaluate(MODEL, LOSS, params, state, x, targets)
    np.testing.assert_allclose(loss, -log_p[np.arange(2500), labels].mean(), rtol=1e-6)
    np.testing.assert_allclose(accuracy, (logits.argmax(1) == labels).mean(), rtol=1e-6)
    assert isinstance(loss, float) and isinstance(accuracy, float)


@pytest.mark.parametrize("columns", [1, 3])
def test_targets_that_are_no_classes_have_no_accuracy(columns):
    model = pn.dense(columns)
    params, state = model.init(KEY, (FEATURES,))
    targets = np.random.default_rng(0).normal(size=(12, columns)).astype(np.float32)
    loss, accuracy = pn.evaluate(model, pn.mse, params, state, X, targets, batch_size=5)
    np.testing.assert_allclose(loss, (targets**2).mean(), rtol=1e-6)  # X is 0, and so is b
    assert accuracy is None


def test_accuracy_takes_labels_of_any_integer_dtype_and_rows():
    logits = np.array([[0.1, 0.9, 0.0], [3.0, 1.0, 2.0], [0.0, 0.0, 1.0], [1.0, 0.0, -1.0]])
    logits = logits.astype(np.float32)
    labels = np.array([1, 2, 2, 0])  # the second is wrong
    for dtype in (np.uint8, np.int8, np.int32, np.uint32):
        assert pn.accuracy(logits, labels.astype(dtype)) == 0.75
    assert pn.accuracy(logits, np.eye(3, dtype=np.float32)[labels]) == 0.75
    assert pn.accuracy(logits.astype(jnp.bfloat16), labels.astype(np.uint8)).dtype == jnp.float32


@pytest.mark.parametrize(
    ("logits", "targets", "kind", "says"),
    [
        (np.zeros(3), np.zeros(3, int), ValueError, r"logits must be \(..., classes\).*\(3,\)"),
        (np.zeros((3, 1)), np.zeros(3, int), ValueError, "two classes"),
        (np.zeros((0, 3)), np.zeros(0, int), ValueError, "at least one row"),
        (np.zeros((3, 2), int), np.zeros(3, int), TypeError, "logits must be floating point"),
        (np.zeros((3, 2)), np.zeros((3, 1), int), ValueError, r"integers \(3,\) or rows that sum"),
        (np.zeros((3, 2)), np.zeros(4, int), ValueError, r"integers \(3,\).*\(4,\)"),
        (np.zeros((3, 2)), np.zeros(3), ValueError, r"integers \(3,\).*float32\(3,\)"),
        (np.zeros((3, 2)), [0, 1, 0], TypeError, "targets must be an array, got a list"),
    ],
)
def test_accuracy_rejects_what_does_not_fit(logits, targets, kind, says):
    with pytest.raises(kind, match=f"accuracy: .*{says}"):
        pn.accuracy(logits, targets)


# predict

PARAMS, STATE = MODEL.init(KEY, (FEATURES,))
EXAMPLES = np.random.default_rng(2).normal(size=(23, FEATURES)).astype(np.float32)


@pytest.mark.parametrize("batch_size", [1, 10, 23, 1024])
def test_predict_gives_the_outputs_of_apply_whatever_the_batch_size(batch_size):
    got = pn.predict(MODEL, PARAMS, STATE, EXAMPLES, batch_size=batch_size)
    expected, _ = MODEL.apply(PARAMS, STATE, EXAMPLES)  # no dropout, and the running statistics
    assert type(got) is np.ndarray
    chex.assert_trees_all_close(got, np.asarray(expected), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("convert", [np.asarray, jnp.asarray], ids=["NumPy", "JAX"])
def test_predict_takes_outputs_of_any_shape_and_dtype(convert):
    model = pn.serial(pn.rescale(1.0), lambda x: x.reshape(-1, 2, 3).astype(jnp.bfloat16))
    params, state = model.init(KEY, (FEATURES,))
    x = np.arange(42, dtype=np.uint8).reshape(7, FEATURES)
    got = pn.predict(model, params, state, convert(x), batch_size=4)
    assert got.dtype == jnp.bfloat16
    np.testing.assert_array_equal(got.astype(np.float32), x.reshape(7, 2, 3))


BAD_CALLS = {
    "batch_size must be at least 1, got 0": {"batch_size": 0},
    "x holds no examples": {"x": EXAMPLES[:0]},
    "x must be an array, got a list": {"x": EXAMPLES.tolist()},
    "model must be a layer": {"model": 3},
    "mesh must be": {"mesh": "all"},
    r"x has shape \(23, 4\), expected \(..., 6\)": {"x": EXAMPLES[:, :4]},
}


@pytest.mark.parametrize("says", BAD_CALLS)
def test_predict_rejects_what_does_not_fit(says):
    given = {"model": MODEL, "params": PARAMS, "state": STATE, "x": EXAMPLES} | BAD_CALLS[says]
    with pytest.raises((TypeError, ValueError), match=says):
        pn.predict(**given)


@pytest.mark.parametrize("function", ["predict", "evaluate"])
def test_a_traced_argument_is_rejected(function):
    def traced(x):
        if function == "predict":
            return pn.predict(MODEL, PARAMS, STATE, x)
        return pn.evaluate(MODEL, LOSS, PARAMS, STATE, x, np.zeros(23, np.int32))[0]

    with pytest.raises(TypeError, match=f"^{function}: its arguments are traced"):
        jax.jit(traced)(EXAMPLES)


# No more than a batch of the examples is on the device.

SHAPE, COUNT, BATCH = (7, 1, 5), 18, 4


def outputs(x):
    return x.reshape(-1, 35)[:, :CLASSES]


def score(function, part):
    """Evaluate or predict with a model of one part, over NumPy's arrays."""
    model, x = pn.serial(part), np.ones((COUNT, *SHAPE), np.float32)
    params, state = model.init(KEY, SHAPE)
    if function == "predict":
        return pn.predict(model, params, state, x, batch_size=BATCH)
    targets = np.zeros(COUNT, np.int32)
    return pn.evaluate(model, LOSS, params, state, x, targets, batch_size=BATCH)


@pytest.mark.parametrize("function", ["predict", "evaluate"])
def test_no_more_than_a_batch_is_alive_while_the_model_runs(function):
    alive = []

    def look():
        alive.append(sum(a.shape[0] for a in jax.live_arrays() if a.shape[1:] == SHAPE))

    def looking(x):
        jax.debug.callback(look)
        return outputs(x)

    score(function, looking)
    jax.effects_barrier()
    assert len(alive) == 5 and max(alive) <= BATCH


@pytest.mark.parametrize("function", ["predict", "evaluate"])
def test_a_batch_is_put_on_the_device_when_the_one_before_is_done(function, monkeypatch):
    name = {"predict": "output_of", "evaluate": "_sums"}[function]
    make, sizes, results = getattr(evaluate_module, name), [], []

    def slow(x):
        y = jax.lax.fori_loop(0, 100, lambda i, y: jnp.tanh(y @ y), jnp.ones((300, 300)))
        return outputs(x) + y[0, 0] / 1e6

    def watched(*given):
        program = make(*given)

        def call(params, state, x, *targets):
            assert all(value.is_ready() for value in jax.tree.leaves(results))
            assert isinstance(x, np.ndarray)  # JAX puts it on the device for this call alone
            sizes.append(len(x))
            results.append(program(params, state, x, *targets))
            return results[-1]

        return call

    monkeypatch.setattr(evaluate_module, name, watched)
    score(function, slow)
    assert sizes == [4, 4, 4, 4, 2]
