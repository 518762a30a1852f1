"""Numbers that go wrong elsewhere: saturation, the ends of each dtype, cancellation, bad labels."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import (
    ACTIVATIONS,
    LayerRow,
    as_dtype,
    bad_examples,
    dtypes,
    error,
    jit_optimized,
    jit_quickly,
    layer_case,
    names,
    plain_batch_norm,
    plain_group_norm,
    plain_layer_norm,
    to_jax,
)

import purenn as pn
from purenn.core.narrow import transposed_product

FAR = np.array([0, 0.5, 3, 20, 50, 89, 100, 800, 1e4])
FAR = np.concatenate([-FAR[:0:-1], FAR])
DTYPES = [jnp.float32, jnp.bfloat16, jnp.float16]


# Exact values in float64, in forms that do not overflow.


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def normal_cdf(x):
    return np.vectorize(lambda t: 0.5 * math.erfc(-t / math.sqrt(2)))(x)


def exact_gelu(x):
    density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return x * normal_cdf(x), normal_cdf(x) + x * density


def exact_tanh_gelu(x):
    c = math.sqrt(8 / math.pi)
    u, slope = c * (x + 0.044715 * x**3), c * (1 + 3 * 0.044715 * x**2)
    return x * sigmoid(u), sigmoid(u) + x * sigmoid(u) * sigmoid(-u) * slope


def exact_elu(x, slope, alpha):
    below = np.minimum(x, 0)
    y = np.where(x > 0, slope * x, alpha * np.expm1(below))
    return y, np.where(x > 0, slope, alpha * np.exp(below))


EXACT = {  # value and derivative
    "relu": lambda x: (np.maximum(x, 0), (x > 0) * 1.0),
    "leaky_relu": lambda x: (np.where(x > 0, x, 0.01 * x), np.where(x > 0, 1, 0.01)),
    "leaky_relu-0.3": lambda x: (np.where(x > 0, x, 0.3 * x), np.where(x > 0, 1, 0.3)),
    "sigmoid": lambda x: (sigmoid(x), sigmoid(x) * sigmoid(-x)),
    "tanh": lambda x: (np.tanh(x), 4 * sigmoid(2 * x) * sigmoid(-2 * x)),
    "gelu": exact_tanh_gelu,
    "gelu-exact": exact_gelu,
    "silu": lambda x: (x * sigmoid(x), sigmoid(x) * (1 + x * sigmoid(-x))),
    "softplus": lambda x: (softplus(x), sigmoid(x)),
    "elu": lambda x: exact_elu(x, 1, 1),
    "elu-0.7": lambda x: exact_elu(x, 1, 0.7),
    "selu": lambda x: exact_elu(x, 1.0507009873554805, 1.0507009873554805 * 1.6732632423543772),
}
ELEMENTWISE = [row for row in ACTIVATIONS if "softmax" not in row.name]
GROWS = ("selu", "log_softmax")  # y can be larger than the largest x, by a factor of up to 2


def traced(op, x, *others, **options):
    y, cache = op.forward(x, *others, **options)
    return y, op.backward(cache, jnp.ones_like(y))


value_and_derivative = jit_quickly(
    traced, static_argnums=0, static_argnames=("negative_slope", "approximate", "alpha")
)


@pytest.mark.parametrize("row", ELEMENTWISE, ids=names(ELEMENTWISE))
def test_activation_is_right_far_out(row):
    x = to_jax(FAR, jnp.float32)
    got = value_and_derivative(row.op, x, **row.options)
    # Element by element: an error at 3 must not hide behind the value at 10,000.
    for a, b in zip(got, EXACT[row.name](FAR), strict=True):
        assert (np.abs(np.asarray(a) - b) <= 1e-6 * np.maximum(1, np.abs(b))).all(), (a, b)


@pytest.mark.parametrize("row", ACTIVATIONS, ids=names(ACTIVATIONS))
def test_activation_is_finite_to_the_end_of_each_dtype(row):
    @jit_quickly
    def judged(points):
        return [traced(row.op, x, **row.options) for x in points]

    room = 4 if row.name in GROWS else 1
    most = [float(jnp.finfo(dtype).max) / room for dtype in DTYPES]
    given = [np.append(FAR, [m, -m, 0.1 * m]) for m in most]
    points = [to_jax(x, dtype) for x, dtype in zip(given, DTYPES, strict=True)]
    for result, dtype in zip(judged(points), DTYPES, strict=True):
        for a in result:
            assert a.dtype == dtype
            assert np.isfinite(a.astype(jnp.float32)).all(), dtype


def test_softmax_at_800_is_right_and_a_shift_changes_nothing():
    x = jnp.asarray([[800.0, 0, -800], [801, 800, 799]])
    y = np.asarray(pn.softmax(x))
    assert y[0].tolist() == [1, 0, 0]
    e = np.exp([1.0, 0, -1])
    assert error(y[1], e / e.sum()) <= 1e-6


@pytest.mark.parametrize("target", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("z", [0.0, 50.0, -50.0, 100.0, -100.0, 1e4, -1e4])
def test_sigmoid_binary_cross_entropy_is_right_for_sure_answers(z, target):
    exact = softplus(z) - z * target, sigmoid(z) - target
    for dtype, bound in ((jnp.float32, 1e-6), (jnp.bfloat16, 1e-2), (jnp.float16, 1e-2)):
        x, t = np.full((1, 1), z, dtype), np.full((1, 1), target, dtype)
        got = value_and_derivative(pn.sigmoid_binary_cross_entropy, x, t)
        for a, b in zip(got, exact, strict=True):
            assert abs(a.item() - b) <= bound * max(1, abs(b)), dtype


def test_sigmoid_binary_cross_entropy_keeps_the_loss_of_a_sure_right_answer():
    for z, target in ((20.0, 1.0), (-20.0, 0.0)):
        loss = pn.sigmoid_binary_cross_entropy(jnp.full((1, 1), z), jnp.full((1, 1), target))
        assert np.isclose(loss, math.exp(-20), rtol=1e-5, atol=0)  # log(1 + e^20) - 20 rounds to 0


@pytest.mark.parametrize("loss", [pn.softmax_cross_entropy, pn.sigmoid_binary_cross_entropy])
def test_derivative_by_targets_that_are_0_or_1_is_not_lost(loss, rng):
    z, t = to_jax(rng.normal(size=(3, 4)), jnp.float32), np.eye(3, 4, dtype=np.float32)
    dt = jit_quickly(jax.grad(loss, argnums=1))(z, t)
    expected = -jax.nn.log_softmax(z) / 3 if loss is pn.softmax_cross_entropy else -z / 12
    assert error(dt, expected) <= 1e-6


@pytest.mark.parametrize("scale", [50.0, 100.0, 1e4])
def test_softmax_cross_entropy_is_right_for_sure_answers(scale):
    z = np.array([[scale, 0, -scale]] * 3 + [[scale, scale - 1, 0]])
    labels = np.array([0, 1, 2, 1], np.int32)
    shifted = z - z.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    one_hot = np.eye(3)[labels]
    exact = -(one_hot * log_p).sum() / 4, (np.exp(log_p) - one_hot) / 4
    for dtype, bound in ((jnp.float32, 1e-6), (jnp.bfloat16, 2e-2), (jnp.float16, 2e-2)):
        x = to_jax(z, dtype)
        got = value_and_derivative(pn.softmax_cross_entropy, x, labels)
        if dtype == jnp.float32:
            assert error(got, exact) <= bound
        value, dz = (np.asarray(a, np.float64) for a in got)
        assert np.isfinite(value) and np.isfinite(dz).all()
        assert error(dz[:3], exact[1][:3]) <= bound  # integers: the same in every dtype


@pytest.mark.parametrize("labels", [True, False], ids=["labels", "rows"])
def test_masked_class_is_no_nan_and_changes_nothing(labels):
    z = np.array([[1.0, -2, 0.5], [0.25, 3, 1]], np.float32)
    masked = np.insert(z, 1, -np.inf, axis=1)
    rows = np.array([[0.25, 0, 0.75], [0, 1, 0]], np.float32)
    targets = np.array([0, 2], np.int32) if labels else rows
    masked_targets = np.array([0, 3], np.int32) if labels else np.insert(rows, 1, 0, axis=1)

    loss = pn.softmax_cross_entropy
    y, dz = value_and_derivative(loss, z, targets)
    for got in (
        value_and_derivative(loss, masked, masked_targets),
        jit_quickly(jax.value_and_grad(loss))(masked, masked_targets),
    ):
        assert error(got, (y, np.insert(np.asarray(dz), 1, 0, axis=1))) <= 1e-6


def test_probability_losses_are_finite_at_0_and_1_and_have_lost_the_gradient_that_logits_keep():
    clip = 1e-7
    p = np.array([[0], [1], [0], [1]], np.float32)
    t = np.array([[0], [1], [1], [0]], np.float32)
    value, dp = value_and_derivative(pn.binary_cross_entropy, p, t)
    # Two sure and right, two sure and wrong; 1 - 1e-7 is 1 - 1.19e-7 in float32.
    assert np.isclose(value, -2 * math.log(clip) / 4, rtol=1e-2)
    assert dp.tolist() == [[0]] * 4
    logits = np.array([[-100], [100], [-100], [100]], np.float32)
    _, dz = value_and_derivative(pn.sigmoid_binary_cross_entropy, logits, t)
    # A right answer's is e^-100 / 4, which a processor may round to 0.
    np.testing.assert_allclose(dz, [[0], [0], [-0.25], [0.25]], rtol=0, atol=1e-40)

    p, labels = np.array([[1, 0], [1, 0]], np.float32), np.array([0, 1], np.int32)
    value, dp = value_and_derivative(pn.categorical_cross_entropy, p, labels)
    assert np.isclose(value, -math.log(clip) / 2, rtol=1e-6)
    assert dp.tolist() == [[-0.5, 0], [0, 0]]  # right: -1/m; wrong: nothing
    _, dz = value_and_derivative(pn.softmax_cross_entropy, jnp.log(p), labels)
    assert dz.tolist() == [[0, 0], [0.5, -0.5]]


NORMS = {  # layer, its plain forward, and (batch, features)
    "batch_norm": (pn.batch_norm(), plain_batch_norm, (8, 3)),
    "batch_norm of many": (pn.batch_norm(), plain_batch_norm, (1000, 3)),
    "layer_norm": (pn.layer_norm(), plain_layer_norm, (3, 8)),
    "layer_norm of many": (pn.layer_norm(), plain_layer_norm, (3, 1000)),
    "group_norm": (pn.group_norm(2), partial(plain_group_norm, 2), (3, 16)),
}


@pytest.mark.parametrize("name", NORMS)
def test_a_norm_keeps_its_digits_at_a_mean_far_above_the_deviation(name, rng, x64):
    layer, plain, (batch, features) = NORMS[name]
    params, state, x, _ = layer_case(LayerRow("", layer, (features,), None), (batch,), rng)
    dy = rng.normal(size=x.shape)

    @jit_optimized  # how XLA adds up long sums is half of what is judged
    def judged(params, x, dy):
        y, _, cache = layer.forward(params, state, x, train=True)
        by_hand = y, layer.backward(params, cache, dy)
        wide, x, dy = jax.tree.map(lambda a: a.astype(jnp.float64), (params, x, dy))
        y, vjp = jax.vjp(lambda p, x: plain(p, (), x, None), wide, x)
        return by_hand, (y, vjp(dy))

    params, state, dy = as_dtype((params, state, dy), jnp.float32)
    for ratio in (1.0, 1e3, -1e5, 1e6):
        given = as_dtype(np.asarray(x) + ratio, jnp.float32)
        assert error(*judged(params, given, dy)) <= 1e-5, ratio


@pytest.mark.parametrize("constant", [1e6, 16777217 / 3, -1e-3, 1e30])
def test_batch_variance_of_a_constant_is_not_negative_and_no_nan(constant):
    layer = pn.batch_norm(momentum=0.0)  # the running statistics are the batch's
    params, state = layer.init(jax.random.key(0), (1,))
    x = jnp.full((7, 1), constant, jnp.float32)
    y, state, cache = layer.forward(params, state, x, train=True)
    assert state.var.item() >= 0
    dparams, dx = layer.backward(params, cache, jnp.ones_like(y))
    for a in (y, state, dparams, dx):
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(a))


@pytest.mark.parametrize("state_dtype", [jnp.float32, jnp.bfloat16])
def test_running_statistics_keep_the_fraction_momentum_and_their_dtype(state_dtype, rng):
    layer = pn.batch_norm(momentum=0.75)
    params, state = layer.init(jax.random.key(0), (3,))
    params, state = as_dtype(params, jnp.bfloat16), as_dtype(state, state_dtype)
    state = state._replace(mean=state.mean + 2)
    x = jnp.asarray(rng.normal(3, 2, size=(16, 3)), jnp.bfloat16)
    _, new, _ = layer.forward(params, state, x, train=True)
    values = np.asarray(x, np.float64)
    expected = 0.75 * 2 + 0.25 * values.mean(0), 0.75 * 1 + 0.25 * values.var(0)
    assert error(tuple(new), expected) <= (1e-6 if state_dtype == jnp.float32 else 4e-3)
    assert dtypes(new) == dtypes(state)
    _, evaluated, _ = layer.forward(params, state, x)
    assert error(evaluated, state) == 0


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_zeroes_the_fraction_rate_keeps_the_mean_and_its_mask_on_the_way_back(rate):
    layer, n = pn.dropout(rate), 100_000
    x = jnp.ones((100, n // 100))
    y, _, cache = layer.forward((), (), x, train=True, key=jax.random.key(3))
    five_deviations = 5 * math.sqrt(rate * (1 - rate) / n)
    assert abs(float((y == 0).mean()) - rate) <= five_deviations
    assert abs(float(y.mean()) - 1) <= five_deviations / (1 - rate)
    _, dx = layer.backward((), cache, jnp.ones_like(y))
    assert (dx == y).all()  # x is 1, and so is dy


def test_dropout_masks_show_no_pattern_within_a_mask_or_between_those_of_two_steps():
    rate, side, steps = 0.3, 2**8, 64
    layer, ones = pn.dropout(rate), jnp.ones((side, side))

    @jax.jit
    @jax.vmap
    def drawn(step):
        key = jax.random.fold_in(jax.random.key(0), step)
        return layer.apply((), (), ones, train=True, key=key)[0]

    y = np.asarray(drawn(jnp.arange(steps))).reshape(steps, -1)
    # Of mean 0 and deviation 1, so that a mean product is a correlation.
    kept = ((y > 0) - np.float32(1 - rate)) / np.float32(math.sqrt(rate * (1 - rate)))
    places = np.arange(side**2)
    pairs = [(kept[:, n:], kept[:, :-n]) for n in (1, 2, 3, 4, 5, 6, 7, 8, 16, 255, 256, 2**12)]
    pairs += [(kept[1:], kept[:-1, places ^ n]) for n in (0, *(2**k for k in range(16)))]
    for a, b in pairs:
        assert abs(np.mean(a * b, dtype=np.float64)) <= 5 / math.sqrt(a.size)
    for axis in (1, 2):  # the rows and the columns hold as many as independent draws do
        sums = kept.reshape(steps, side, side).sum(axis) / math.sqrt(side)
        assert abs(np.mean(sums**2) - 1) <= 5 * math.sqrt(2 / sums.size)


def test_dropout_mask_does_not_depend_on_the_dtype(x64):
    layer, key = pn.dropout(0.4), jax.random.key(5)

    @jit_quickly
    def masked():
        ones = [jnp.ones((40, 25), dtype) for dtype in (jnp.float64, *DTYPES)]
        return [layer.apply((), (), x, train=True, key=key)[0] == 0 for x in ones]

    zeros = masked()
    assert 0 < zeros[0].sum() < 1000
    assert all((z == zeros[0]).all() for z in zeros)


HALF = np.full((2, 3), 1 / 3, np.float32)
ROW = np.array([[0.5, 0.5, 0], [2, 0, 0]], np.float32)
NEGATIVE = np.array([[0.5, 0.5, 0], [1.5, -0.5, 0]], np.float32)
BAD = {
    "label -1": (pn.softmax_cross_entropy, HALF, np.array([0, -1], np.int32)),
    "label C": (pn.softmax_cross_entropy, HALF, np.array([3, 0], np.int32)),
    "label 255": (pn.softmax_cross_entropy, HALF, np.array([0, 255], np.uint8)),
    "row sums to 2": (pn.softmax_cross_entropy, HALF, ROW),
    "row with a negative": (pn.softmax_cross_entropy, HALF, NEGATIVE),
    "row of NaN": (pn.softmax_cross_entropy, HALF, HALF * np.nan),
    "label -1 of probabilities": (pn.categorical_cross_entropy, HALF, np.array([0, -1], np.int32)),
    "label C of probabilities": (pn.categorical_cross_entropy, HALF, np.array([0, 3], np.int32)),
    "target row sums to 2": (pn.categorical_cross_entropy, HALF, ROW),
    "logits as probabilities": (pn.categorical_cross_entropy, ROW, HALF),
    "negative probability": (pn.categorical_cross_entropy, NEGATIVE, HALF),
    "probability above 1": (pn.binary_cross_entropy, ROW, HALF),
    "probability below 0": (pn.binary_cross_entropy, NEGATIVE, HALF),
    "target above 1": (pn.binary_cross_entropy, HALF, ROW),
    "target above 1 of logits": (pn.sigmoid_binary_cross_entropy, HALF, ROW),
    "target below 0 of logits": (pn.sigmoid_binary_cross_entropy, HALF, NEGATIVE),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_target_is_an_error_where_it_can_be_seen_and_nan_where_not(name):
    loss, x, targets = BAD[name]
    for call in (loss, loss.forward):
        with pytest.raises(ValueError, match="must"):
            call(x, targets)

    @jit_quickly
    def compiled(x, targets):
        by_hand = traced(loss, x, targets)
        rule = jax.value_and_grad(pn.by_hand(loss))(x, targets)
        return by_hand, rule, jax.value_and_grad(loss)(x, targets)

    for value, dx in compiled(x, targets):
        assert np.isnan(value)
        # Whole examples, and the right ones: so whatever is learned from the batch is NaN.
        expected = np.repeat(bad_examples(loss, x, targets)[:, None], x.shape[1], axis=1)
        assert (np.isnan(dx) == expected).all()


def test_this_jax_does_not_get_the_last_row_wrong():
    # jax 0.10.2 did, on CPU (jax issue 39103), which is why purenn excludes it.
    rows = np.arange(32_769 * 3, dtype=np.float32).reshape(-1, 3) % 17
    got = jax.jit(jax.vmap(lambda r: jnp.sum((jnp.eye(3) @ r) ** 2)))(rows)
    assert np.array_equal(got, (rows**2).sum(1))


def test_sums_accumulate_in_float32():
    n, bf16 = 4096, jnp.bfloat16  # a bfloat16 sum of ones stops at 256

    @jit_quickly
    def summed(ones):
        dense, norm = pn.dense(1), pn.batch_norm()
        wide, narrow = (as_bf16(dense.init(jax.random.key(0), (size,)))[0] for size in (n, 1))
        y, _, _ = dense.forward(wide._replace(w=ones.T), (), ones)
        _, _, cache = dense.forward(narrow, (), ones.T)
        dense_dparams, _ = dense.backward(narrow, cache, ones.T)
        params, state = as_bf16(norm.init(jax.random.key(0), (1,)))
        _, _, cache = norm.forward(params, state, ones.T)
        norm_dparams, _ = norm.backward(params, cache, ones.T)
        return {
            "y": y,
            "dw": dense_dparams.w,
            "db": dense_dparams.b,
            "dbeta": norm_dparams.beta,
            "mse": n * pn.mse(ones, 0 * ones),
            "l2_penalty": pn.l2_penalty(2.0)(ones),
        }

    def as_bf16(tree):
        return jax.tree.map(lambda a: a.astype(bf16), tree)

    found = summed(jnp.ones((1, n), bf16))
    assert {name: a.item() for name, a in found.items()} == dict.fromkeys(found, n)
    logits, labels = np.zeros((n, 2), bf16), np.zeros(n, np.int32)
    loss, _ = value_and_derivative(pn.softmax_cross_entropy, logits, labels)
    assert abs(loss.item() - math.log(2)) <= 4e-3


def test_a_nearly_right_answer_keeps_its_gradient_in_bfloat16():
    """softmax(z) - y is 9e-4, which p rounded to bfloat16 before the subtraction would lose."""
    z, label = to_jax([[7, 0]], jnp.bfloat16), np.array([0])
    _, dz = value_and_derivative(pn.softmax_cross_entropy, z, label)
    np.testing.assert_allclose(np.asarray(dz, np.float64), [[-9.11e-4, 9.11e-4]], rtol=1e-2)


def test_mse_in_float16_squares_in_float32():
    predictions = jnp.zeros(100, jnp.float16).at[0].set(300)
    assert pn.mse(predictions, jnp.zeros(100, jnp.float16)) == 900


@pytest.mark.parametrize(("classes", "dtype", "label"), [(256, "uint8", 255), (256, "int8", 127)])
def test_labels_of_few_bits_may_name_many_classes(classes, dtype, label):
    logits, labels = np.zeros((1, classes), np.float32), np.array([label], dtype)
    for loss in (pn.softmax_cross_entropy, jax.jit(pn.softmax_cross_entropy)):
        np.testing.assert_allclose(loss(logits, labels), np.log(classes), rtol=1e-6)


@pytest.mark.parametrize(
    ("rows", "n", "m"), [(3, 5, 7), (3, 40, 50), (3, 5, 40), (512, 3, 33), (512, 50, 33)]
)
def test_the_derivative_of_a_matrix_is_the_same_in_every_form(rows, n, m):
    x, dz = (jax.random.normal(jax.random.key(c), (2, rows, c)) for c in (n, m))
    w = jnp.zeros((n, m))
    dw = jax.jit(jax.vmap(lambda x, dz: transposed_product(x, dz, w)))
    expected = np.einsum("brn,brm->bnm", np.float64(x), np.float64(dz))
    np.testing.assert_allclose(dw(x, dz), expected, rtol=1e-5, atol=1e-4)
    jax.export.export(dw, platforms=("cpu", "cuda", "tpu"))(x, dz)
