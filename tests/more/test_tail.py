"""`Tail`: a step whose last parts run in chunks is the step without chunks."""

import re

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import LayerRow, error, layer_case
from three_classes import CLASSES, FEATURES

import purenn as pn

pytestmark = pytest.mark.usefixtures("quickly")

KEY = jax.random.key(0)
LOSS, PENALTY = pn.softmax_cross_entropy, pn.l2_penalty(0.1)
BLOCK = pn.serial(pn.relu, pn.dense(6)).replace(name="block")
MODEL = pn.serial(
    pn.dense(8), pn.batch_norm(), pn.dropout(0.25), BLOCK, pn.layer_norm(), pn.dense(CLASSES)
)
PLAIN = pn.serial(pn.dense(8), pn.layer_norm(), pn.gelu, pn.dense(CLASSES))


def of(model, tail=None, loss=LOSS, penalty=PENALTY):
    return jax.jit(pn.value_and_grad(model, loss, penalty=penalty, tail=tail))


def given(model, data, dtype=np.float32, batch=16):
    """Parameters, none of them zero, a state, and a batch."""
    row = LayerRow("", model, (FEATURES,), None)
    params, state, _, _ = layer_case(row, (batch,), np.random.default_rng(1), dtype)
    return params, state, data[0][:batch].astype(dtype), data[1][:batch]


@pytest.mark.parametrize(
    ("model", "tail"),
    [
        (MODEL, pn.Tail(5, 3)),  # one row is left over
        (MODEL, pn.Tail(11, 1)),  # a chunk, and a smaller one
        (PLAIN, pn.Tail(99, 2)),
        (PLAIN, pn.Tail(1)),
        (PLAIN, pn.Tail(4, 4)),  # nothing is left over
        (pn.mixed_precision(PLAIN, jnp.float64), pn.Tail(6)),
    ],
    ids=lambda value: "" if isinstance(value, pn.Layer) else repr(value),
)
def test_value_state_and_gradients_are_those_of_the_step_without_chunks(model, tail, data, x64):
    batch = given(model, data, np.float64)
    expected = of(model)(*batch, key=KEY)
    got = of(model, tail)(*batch, key=KEY)
    chex.assert_trees_all_equal_shapes_and_dtypes(got, expected)
    assert error(got, expected) <= 1e-12


@pytest.mark.parametrize(("dtype", "bound"), [(jnp.float32, 1e-6), (jnp.bfloat16, 2e-2)])
def test_so_they_are_in_float32_and_bfloat16(dtype, bound, data):
    batch = given(PLAIN, data, dtype, batch=64)
    expected = of(PLAIN)(*jax.tree.map(lambda a: a.astype(np.float32), batch[:3]), batch[3])
    got = of(PLAIN, pn.Tail(6, 2))(*batch)
    assert all(leaf.dtype == dtype for leaf in jax.tree.leaves(got))
    assert error(got, expected) <= bound


def test_many_small_chunks_add_up_in_float32(data):
    # In bfloat16, a sum no longer grows once a term is less than 1/256 of it.
    model = pn.dense(1)
    x = jnp.ones((4096, 1), jnp.bfloat16)
    params = pn.DenseParams(jnp.zeros((1, 1), jnp.bfloat16), jnp.zeros(1, jnp.bfloat16))
    f = of(model, pn.Tail(1), pn.mse, None)
    (value, _), grads = f(params, (), x, -x)
    assert (float(value), float(grads.w[0, 0]), float(grads.b[0])) == (1, 2, 2)


def test_integers_may_go_into_the_tail(data):
    model = pn.serial(pn.rescale(), pn.flatten(), pn.dense(CLASSES))
    x = np.arange(12 * 5 * 2, dtype=np.uint8).reshape(12, 5, 2)
    params, state = model.init(KEY, (5, 2))
    targets = np.eye(CLASSES, dtype=np.float32)[np.arange(12) % CLASSES]
    expected = of(model, None, pn.mse)(params, state, x, targets)
    for tail in (pn.Tail(5), pn.Tail(4, 2)):
        assert error(of(model, tail, pn.mse)(params, state, x, targets), expected) <= 1e-6


def test_weights_count_in_every_chunk(data, x64):
    params, state, x, y = given(PLAIN, data, np.float64, batch=17)
    weights = np.random.default_rng(2).random(17)
    weights[[0, 3, 6, 9, 12]] = 0  # all of chunk 0 of three, and some of what is left over
    y = np.where(weights == 0, -1, y)
    targets = y, weights
    f, g = of(PLAIN, pn.Tail(5)), of(PLAIN)
    assert error(f(params, state, x, targets), g(params, state, x, targets)) <= 1e-12

    model = pn.serial(pn.dense(4), pn.tanh, pn.dense(2))
    params, state = pn.as_dtype(model, np.float64).init(KEY, (FEATURES,))
    targets = x[:, :2], np.stack([weights, weights[::-1]], axis=1) > 0.3  # of each element
    f, g = of(model, pn.Tail(5, 1), pn.huber), of(model, None, pn.huber)
    assert error(f(params, state, x, targets), g(params, state, x, targets)) <= 1e-12


def test_weights_without_a_mean_are_nan(data):
    params, state, x, y = given(PLAIN, data)
    f = of(PLAIN, pn.Tail(6, 1))
    for weights in (np.zeros(16), -np.ones(16), np.arange(16) - 4.0):
        (value, _), _ = f(params, state, x, (y, weights.astype(np.float32)))
        assert np.isnan(value)


def test_dropout_in_chunk_c_is_that_of_the_key_folded_with_c(data):
    model = pn.serial(pn.dense(8), pn.dropout(0.5), pn.dense(CLASSES))
    params, state, x, y = given(model, data, batch=7)
    tail_key = jax.random.fold_in(KEY, jnp.uint32(2**32 - 1))
    chunks = [slice(0, 6, 2), slice(1, 6, 2), slice(6, 7)]

    def expected(first):
        """By JAX's derivative of the forwards, chunk by chunk."""

        def loss(params):
            h, total = jnp.asarray(x), 0.0
            for i in range(first):
                own_key = jax.random.fold_in(KEY, i)
                h, _ = model.parts[i].apply(params[i], (), h, train=True, key=own_key)
            for c, rows in enumerate(chunks):
                z, key = h[rows], jax.random.fold_in(tail_key, c)
                for i in range(first, 3):
                    own_key = jax.random.fold_in(key, i)
                    z, _ = model.parts[i].apply(params[i], (), z, train=True, key=own_key)
                total += LOSS(z, y[rows]) * len(z) / 7
            return total

        return jax.jit(jax.value_and_grad(loss))(params)

    for first, tail in ((0, pn.Tail(3)), (1, pn.Tail(3, 2))):
        (value, _), grads = of(model, tail, penalty=None)(params, state, x, y, key=KEY)
        assert error((value, grads), expected(first)) <= 1e-6


def test_it_is_evaluated_with_batch_norm_anywhere(data):
    # With train=False the running statistics do not change.
    batch = given(MODEL, data)
    f = pn.value_and_grad(MODEL, LOSS, tail=pn.Tail(5))
    got = jax.jit(lambda *a: f(*a, train=False))(*batch)
    g = pn.value_and_grad(MODEL, LOSS)
    assert error(got, jax.jit(lambda *a: g(*a, train=False))(*batch)) <= 1e-6


def test_it_can_be_vmapped_and_differentiated(data):
    model = pn.serial(pn.dense(3), pn.tanh, pn.dense(CLASSES))
    params, state, x, y = given(model, data)
    f, g = (pn.value_and_grad(model, LOSS, tail=tail) for tail in (pn.Tail(3, 2), None))

    def norm(f, params):
        return sum(jnp.vdot(d, d) for d in jax.tree.leaves(f(params, state, x, y)[1]))

    second, expected = (jax.jit(jax.grad(norm, 1), static_argnums=0)(h, params) for h in (f, g))
    assert error(second, expected) <= 1e-5
    several = jax.tree.map(lambda p: np.stack([p, 2 * p]), params)
    got, expected = (jax.jit(jax.vmap(lambda p, h=h: h(p, state, x, y)))(several) for h in (f, g))
    assert error(got, expected) <= 1e-6


def test_strict_modes_byte_orders_and_accelerators(data):
    params, state, x, y = given(PLAIN, data)
    f = pn.value_and_grad(PLAIN, LOSS, tail=pn.Tail(5, 2))
    with jax.numpy_rank_promotion("raise"), jax.debug_nans(True):
        got = jax.jit(lambda params: f(params, state, x.astype(">f4"), y.astype(">i8")))(params)
    assert error(got, of(PLAIN, penalty=None)(params, state, x, y)) <= 1e-6
    exported = jax.export.export(jax.jit(f), platforms=("cpu", "cuda", "tpu"))(params, state, x, y)
    assert exported.platforms == ("cpu", "cuda", "tpu")


def test_a_bad_label_is_nan_in_every_chunk(data):
    params, state, x, y = given(PLAIN, data)
    f = of(PLAIN, pn.Tail(5, 1))
    for row in (3, 15):  # in a chunk, and in what is left over
        (value, _), _ = f(params, state, x, np.where(np.arange(16) == row, CLASSES, y))
        assert np.isnan(value)


def test_a_layer_whose_state_changes_is_rejected_by_its_name():
    inner = pn.residual(pn.serial(pn.dense(4), pn.batch_norm()).replace(name="block"))
    model = pn.serial(pn.batch_norm(), inner, pn.dense(CLASSES))
    params, state = jax.eval_shape(lambda: model.init(KEY, (4,)))
    x, y = np.ones((8, 4), np.float32), np.zeros(8, np.int32)
    text = re.escape("batch_norm: changes its state, so it can't be in the tail")
    # Of one row, batch norm has no variance: what to do about it comes first.
    for tail in (pn.Tail(4), pn.Tail(4, 2), pn.Tail(1, 2), pn.Tail(7)):
        with pytest.raises(ValueError, match=text):
            jax.eval_shape(pn.value_and_grad(model, LOSS, tail=tail), params, state, x, y)
    jax.eval_shape(pn.value_and_grad(model, LOSS, tail=pn.Tail(4, 1)), params, state, x, y)


def test_errors_in_the_tail_name_the_part_by_its_number(data):
    params, state, x, y = given(MODEL, data)
    params = (*params[:5], params[5]._replace(w=np.zeros((7, CLASSES), np.float32)))
    with pytest.raises(ValueError, match=r"dense\(3\): x has shape \(4, 6\)") as caught:
        of(MODEL, pn.Tail(4, 2))(params, state, x, y, key=KEY)
    assert "in serial / part 5: dense(3)" in caught.value.__notes__
    assert "The tail ran on a chunk of 4 of the 16 examples." in caught.value.__notes__


def test_targets_that_are_not_arrays_are_rejected_as_without_chunks():
    model, x, labels = pn.dense(CLASSES), np.ones((3, 2), np.float32), np.zeros(3, np.int32)
    params, state = model.init(KEY, (2,))
    for targets, name in (([0, 1, 0], r"targets"), ((labels, [1.0, 0.0, 1.0]), r"targets\[1\]")):
        with pytest.raises(TypeError, match=rf"^{LOSS.name}: {name} must be an array, got a list"):
            pn.value_and_grad(model, LOSS, tail=pn.Tail(2))(params, state, x, targets)


# Training.


def test_every_way_to_train_takes_a_tail(data):
    x, y = data
    data = x, (y, np.arange(len(x), dtype=np.float32) % 3)  # with weights
    # Dropout has other keys in chunks: a run without them would have other numbers.
    model, sgd = pn.serial(pn.dense(4), pn.dropout(0.5), pn.dense(CLASSES)), pn.sgd(0.1)
    options = {"epochs": 2, "batch_size": 16}
    tail = pn.Tail(5, 1)
    got, losses = jax.jit(pn.training_run(model, LOSS, sgd, tail=tail, **options))(KEY, *data)
    fitted, history = pn.fit(
        model, LOSS, sgd, data, key=KEY, tail=tail, progress=False, validation=data, **options
    )
    *_, last = pn.train(model, LOSS, sgd, data, key=KEY, tail=tail, **options)
    chex.assert_trees_all_equal(fitted, last.train_state)
    assert error(fitted.params, got.params) <= 1e-5
    np.testing.assert_allclose([h.loss for h in history], losses.mean(1), rtol=1e-5)
    loss, accuracy = pn.evaluate(model, LOSS, fitted.params, fitted.state, *data)
    np.testing.assert_allclose(history[-1].validation_loss, loss, rtol=1e-5)
    assert history[-1].validation_accuracy == accuracy

    batches = lambda epoch: [(x[:16], y[:16])]  # noqa: E731
    one, _ = pn.fit(model, LOSS, sgd, batches, epochs=1, key=KEY, tail=tail, progress=False)
    step = jax.jit(pn.train_step(model, LOSS, sgd, tail=tail))
    start = pn.TrainState.create(model, sgd, KEY, (FEATURES,))
    after, value = step(start, x[:16], y[:16])
    assert error(one.params, after.params) <= 1e-6

    (expected, _), grads = of(model, tail, penalty=None)(
        start.params, start.state, x[:16], y[:16], key=jax.random.fold_in(start.key, jnp.uint32(0))
    )
    assert error(value, expected) <= 1e-6
    updated = jax.tree.map(lambda p, g: np.asarray(p) - 0.1 * np.asarray(g), start.params, grads)
    assert error(after.params, updated) <= 1e-6


def test_a_run_with_another_tail_is_not_resumed(data, tmp_path):
    model, sgd = pn.dense(CLASSES), pn.sgd(0.1)

    def fit(epochs, tail, **options):
        return pn.fit(
            model, LOSS, sgd, data, epochs=epochs, batch_size=16, key=KEY, tail=tail,
            progress=False, checkpoints=tmp_path, **options,
        )  # fmt: skip

    fit(1, pn.Tail(8))
    with pytest.raises(ValueError, match=r"tail: rows was 8, is 4"):
        fit(2, pn.Tail(4), resume=True)
    with pytest.raises(ValueError, match=r"tail: was Tail\(rows=8, parts=None\), is none"):
        fit(2, None, resume=True)
    _, history = fit(2, pn.Tail(8), resume=True)
    assert len(history) == 2
