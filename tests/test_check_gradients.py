"""`check_gradients`: what it takes, what it accepts, and what it says of each mistake."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import purenn as pn

pytestmark = pytest.mark.usefixtures("quickly", "one_referee")

M = 4
RNG = np.random.default_rng(0)
X, W, B = RNG.normal(size=(M, 5)), RNG.normal(size=(5, 3)), RNG.normal(size=3)
SQUARE = RNG.normal(size=(5, 5))


def affine(x, w, b):
    return x @ w + b


def affine_backward(x, w, b, dy):
    return dy @ w.T, x.T @ dy, dy.sum(0)


def relu(x):
    return pn.relu(x)


def lines(report):
    return {leaf.name: leaf.message for leaf in report.leaves}


# What it takes.


def test_a_layer_is_judged_by_every_parameter_and_x():
    model = pn.serial(pn.dense(2), pn.batch_norm(), pn.tanh)
    report = pn.check_gradients(model, in_shape=(3,))
    assert report.ok, report
    names = ["d[0].w", "d[0].b", "d[1].gamma", "d[1].beta", "dx"]
    assert [leaf.name for leaf in report.leaves] == names
    # The bias before batch norm has derivative zero: an absolute floor judges it.
    assert report.worst == max(leaf.error for leaf in report.leaves) < 1e-9


def test_a_layer_takes_its_own_x_and_an_integer_x_has_no_derivative():
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    report = pn.check_gradients(pn.serial(pn.rescale(), pn.flatten(), pn.dense(2)), pixels)
    assert report.ok and [leaf.name for leaf in report.leaves] == ["d[2].w", "d[2].b"]
    nothing = pn.check_gradients(pn.flatten(), pixels)
    assert str(nothing) == "OK  nothing to differentiate"


def test_an_op_takes_arguments_options_and_partial():
    x = RNG.normal(size=(3, 4))
    assert pn.check_gradients(pn.leaky_relu, x, negative_slope=0.3).ok
    assert pn.check_gradients(partial(pn.leaky_relu, negative_slope=0.3), x).ok
    assert pn.check_gradients(pn.softmax_cross_entropy, x, np.array([0, 3, 1])).ok
    report = pn.check_gradients(pn.l2_penalty(0.3), {"w": x, "b": x[0]})
    assert report.ok and [leaf.name for leaf in report.leaves] == ["dx['b']", "dx['w']"]


def test_rows_in_float32_sum_to_one_well_enough():
    rows = np.random.default_rng(1).dirichlet(np.ones(5), size=4).astype(np.float32)
    assert pn.check_gradients(pn.softmax_cross_entropy, X, rows).ok
    assert not pn.check_gradients(pn.softmax_cross_entropy, X, rows, tolerance=1e-12).ok


class Params(NamedTuple):
    w: np.ndarray
    b: np.ndarray


def in_place(x, w, b, dy):
    dw, dx = np.zeros(w.shape), dy @ w.T
    for row, derivative in zip(x, dy, strict=True):
        dw += np.outer(row, derivative)
    dy[1:] += dy[:-1].cumsum(0) * 0  # writes into its argument
    x *= 0
    return dx, dw, dy.sum(0)


def numpy_affine(x, w, b):
    y = np.empty((len(x), w.shape[1]))
    for i in range(len(x)):
        y[i] = np.asarray(x[i]) @ np.asarray(w) + np.asarray(b)
    return y


def numpy_in_place(x, w, b):
    y = np.dot(x, w)
    y += b
    x[0] = 0
    return y


FORMS = {
    "y alone, backward of the arguments": (affine, affine_backward, X, W, B),
    "y and a cache": (
        lambda x, w, b: (x @ w + b, (x, w)),
        lambda cache, dy: (dy @ cache[1].T, cache[0].T @ dy, dy.sum(0)),
        *(X, W, B),
    ),
    "numpy backward": (
        affine,
        lambda x, w, b, dy: (np.dot(dy, w.T), np.dot(x.T, dy), np.sum(dy, axis=0)),
        *(X, W, B),
    ),
    "numpy backward in place": (affine, in_place, X, W, B),
    "numpy forward": (numpy_affine, affine_backward, X, W, B),
    "numpy forward in place": (numpy_in_place, affine_backward, X, W, B),
    "one gradient": (jnp.sin, lambda x, dy: dy * jnp.cos(x), X),
    "the first gradient alone": (affine, lambda x, w, b, dy: dy @ w.T, X, W, B),
    "None for integers": (
        lambda x, i: x[:, i],
        lambda x, i, dy: (jnp.zeros_like(x).at[:, i].add(dy), None),
        *(X, np.array([0, 2])),
    ),
    "an option": (
        lambda x, axis: x.cumsum(axis),
        lambda x, axis, dy: jnp.flip(jnp.flip(dy, axis).cumsum(axis), axis),
        *(X, 1),
    ),
    "pytrees": (
        lambda p, x: x @ p.w + p.b,
        lambda p, x, dy: (Params(x.T @ dy, dy.sum(0)), dy @ p.w.T),
        *(Params(W, B), X),
    ),
    "one pytree": (
        lambda p: p.w.sum(0) * p.b,
        lambda p, dy: Params(jnp.ones((5, 1)) * (dy * p.b), dy * p.w.sum(0)),
        Params(W, B),
    ),
    "float32 arguments": (affine, affine_backward, *(a.astype(np.float32) for a in (X, W, B))),
    "masks of bool times float": (lambda x: x * (x > 0), lambda x, dy: dy * (x > 0), X),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_plain_functions_in_every_form(form):
    assert jax.config.jax_numpy_dtype_promotion == "strict"  # of the tests, not of learners
    before = jax.tree.map(np.array, form[2:])
    report = pn.check_gradients(*form)
    assert report.ok and report.leaves, report
    assert all(jax.tree.leaves(jax.tree.map(np.array_equal, before, form[2:])))  # not written to


@pytest.mark.parametrize("forward", [affine, numpy_affine], ids=["jax", "numpy"])
def test_a_mistake_is_found_with_either_referee(forward):
    def wrong(x, w, b, dy):
        return dy @ w.T, 1.01 * x.T @ dy, dy.sum()

    report = pn.check_gradients(forward, wrong, X, W, B)
    assert lines(report) == {
        "dx": "ok",
        "dw": "yours = 1.01 × referee everywhere",
        "db": "shape (), expected (3,): a sum without axis=0?",
    }


# What it says.


def spoil(change, leaf=1):
    """The affine backward with one of its results changed."""

    def backward(x, w, b, dy):
        right = [np.array(d) for d in affine_backward(x, w, b, dy)]
        right[leaf] = change(right[leaf])
        return tuple(right)

    return backward


def one_off(d):
    d[2, 1] *= 1.01
    return d


WORDS = {
    "m times": (lambda d: M * d, "yours = 4 × referee everywhere: the 1/m is missing (m = 4)"),
    "1/m twice": (
        lambda d: d / M,
        "yours = 0.25 × referee everywhere: divided by m one time too many (m = 4)",
    ),
    "sign": (lambda d: -d, "yours = -1 × referee everywhere: the sign is wrong"),
    "sign and m": (
        lambda d: -M * d,
        "yours = -4 × referee everywhere: the sign is wrong, and the 1/m is missing (m = 4)",
    ),
    "doubled": (
        lambda d: 2 * d,
        "yours = 2 × referee everywhere: an extra factor of 2, or a missing one",
    ),
    "transposed shape": (lambda d: d.T, "shape (3, 5), expected (5, 3): yours is the transpose"),
    "transposed and doubled": (
        lambda d: 2 * d.T,
        "shape (3, 5), expected (5, 3): yours is the transpose; and then "
        "yours = 2 × referee everywhere: an extra factor of 2, or a missing one",
    ),
    "zero": (lambda d: 0 * d, "is zero everywhere"),
    "nan": (lambda d: np.where(d > 0, np.nan, d) * 0 + np.nan, "15 of 15 elements are not finite"),
    "missing": (lambda d: None, "is missing: got None"),
    "no array": (lambda d: "dw", "is not an array: got a str"),
    "flat": (lambda d: d.reshape(-1), "shape (15,), expected (5, 3)"),
}


@pytest.mark.parametrize(("change", "words"), WORDS.values(), ids=WORDS)
def test_every_mistake_is_told_in_words(change, words):
    report = pn.check_gradients(affine, spoil(change), X, W, B)
    assert lines(report) == {"dx": "ok", "dw": words, "db": "ok"}
    assert not report.ok and report.worst > 1e-3


def test_one_wrong_element_is_named_with_both_values():
    message = lines(pn.check_gradients(affine, spoil(one_off), X, W, B))["dw"]
    head, values = message.split(": ")
    yours, referee = (float(part.split()[-1]) for part in values.split(", "))
    assert head == "1 of 15 elements differ; worst (2, 1)" and np.isclose(yours, 1.01 * referee)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: np.full(3, d.sum()), ": a sum without its axis?"),
        (lambda d: d[None], "shape (1, 3), expected (3,): an extra axis of 1, or a missing one"),
        (
            lambda d: np.tile(d / M, (M, 1)),
            "shape (4, 3), expected (3,): not summed over the batch",
        ),
        (lambda d: d.astype(np.float32), "is something computed in float32?"),
    ],
)
def test_mistakes_of_a_sum_are_told_in_words(change, words):
    assert words in lines(pn.check_gradients(affine, spoil(change, 2), X, W, B))["db"]


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1 / 3, "yours = 0.3333 × referee everywhere: divided by n = 15 instead of m = 5"),
        (-1 / 3, "the sign is wrong, and divided by n = 15 instead of m = 5"),
        (-1 / 7, "yours = -0.1429 × referee everywhere: the sign is wrong, and the size is 1/7 of"),
        (-0.37, "yours = -0.37 × referee everywhere: the sign is wrong, and so is the size"),
    ],
)
def test_a_wrong_sign_does_not_hide_a_wrong_size(factor, words):
    x = RNG.normal(size=(5, 3))
    report = pn.check_gradients(np.tanh, lambda x, dy: factor * dy * (1 - np.tanh(x) ** 2), x)
    assert words in lines(report)["dx"]


@pytest.mark.parametrize(
    ("factor", "named"), [(1.115, False), (-0.7, False), (3, True), (-1, True)]
)
def test_a_lone_number_is_a_multiple_only_if_the_factor_is_a_usual_one(factor, named):
    def backward(x, b, dy):
        return dy, factor * dy.sum()

    message = lines(pn.check_gradients(lambda x, b: x + b, backward, X, 0.5))["db"]
    assert ("× referee" in message) == named and ("; worst: yours " in message) != named


def test_a_sum_over_the_other_axis_is_told():
    def backward(x, w, b, dy):
        return dy @ w.T, x.T @ dy, dy.sum(1)

    message = lines(pn.check_gradients(affine, backward, X, W, B))["db"]
    assert message == f"shape ({len(X)},), expected (3,): summed over the neurons, axis=1?"


def test_what_is_wrong_everywhere_says_nothing_of_kinks():
    x = np.array([-1.0, 0.0, 2.0, 0.0])
    for wrong in (lambda x, dy: 0 * dy, lambda x, dy: -dy * (x > 0), lambda x, dy: dy.sum()):
        (message,) = lines(pn.check_gradients(relu, wrong, x)).values()
        assert "kink" not in message, message


def test_the_transpose_of_a_square_is_told_by_its_values():
    """Also where x and dy might have come from the same seed: xᵀ·x is its own transpose."""
    report = pn.check_gradients(affine, spoil(lambda d: d.T), X, SQUARE, SQUARE[0])
    assert lines(report)["dw"] == "yours is the transpose"


def test_two_swapped_derivatives_are_told():
    def swapped(x, y, dz):
        return dz * x, dz * y

    report = pn.check_gradients(lambda x, y: x * y, swapped, X, 2 * X[::-1])
    assert lines(report) == {
        "dx": "yours is dy: two values swapped?",
        "dy": "yours is dx: two values swapped?",
    }


def test_the_printout():
    def wrong(x, w, b, dy):
        return dy @ w.T, (x.T @ dy).T, dy.sum()

    assert str(pn.check_gradients(affine, wrong, X, W, B)) == (
        "FAIL  2 of 3\n"
        " dx ok\n"
        " dw shape (3, 5), expected (5, 3): yours is the transpose\n"
        " db shape (), expected (3,): a sum without axis=0?"
    )
    assert str(pn.check_gradients(pn.tanh, X)) == "OK  1 of 1\n dx ok"


# What it accepts.


def test_truly_zero_derivatives_are_judged_absolutely():
    zero = lambda x: jax.nn.softmax(x).sum()  # noqa: E731 - each row sums to one
    assert pn.check_gradients(zero, lambda x, dy: 1e-12 * x, X).ok
    (leaf,) = pn.check_gradients(zero, lambda x, dy: dy * jax.nn.softmax(x), X).leaves
    assert leaf.message.startswith("should be zero, yours is up to ")


@pytest.mark.parametrize("forward", [relu, lambda x: jnp.maximum(x, 0)])
@pytest.mark.parametrize("at_zero", [0.0, 0.5, 1.0, 1.5, -0.1])
def test_a_kink_is_named_and_has_every_value_between(forward, at_zero):
    x = np.array([-1.0, 0.0, 2.0, 0.0])
    report = pn.check_gradients(
        forward, lambda x, dy: dy * jnp.where(x == 0, at_zero, (x > 0) * 1.0), x
    )
    (message,) = lines(report).values()
    assert report.ok == (0 <= at_zero <= 1)
    assert "; 2 at a kink, such as (1,): " in message
    assert message.startswith("ok" if report.ok else "2 of 4 elements differ")


def test_a_kink_of_a_small_derivative_is_still_a_kink():
    """A mean over many, and a cotangent that happens to be small."""
    x = np.zeros(300)
    x[0] = 1
    mean = lambda x: jnp.where(x > 0, x, 0).mean()  # noqa: E731
    assert pn.check_gradients(mean, lambda x, dy: dy * (x > 0) / x.size, x).ok
    scale = np.array([100.0, 0.01])
    scaled = lambda x: jnp.where(x > 0, x, 0) * scale  # noqa: E731
    assert pn.check_gradients(scaled, lambda x, dy: dy * (x > 0) * scale, np.array([1.0, 0])).ok


def test_a_steep_and_curved_function_is_no_disagreement():
    assert pn.check_gradients(jnp.log, lambda x, dy: dy / x, np.array([1e-3, 2e-5, 1.0])).ok


def test_values_hidden_from_jax_are_found_by_finite_differences():
    def hidden(x):
        return x * jax.lax.stop_gradient(x)

    report = pn.check_gradients(hidden, lambda x, dy: dy * x, X)
    assert not report.ok and "the referees disagree at " in lines(report)["dx"]


# How it runs.


def test_a_seed_gives_the_same_report_and_x64_is_restored():
    def run(seed):
        return pn.check_gradients(affine, spoil(one_off), X, W, B, seed=seed)

    assert run(3) == run(3) != run(4)
    assert jnp.ones(()).dtype == jnp.float32
    with pytest.raises(ValueError, match=r"dense\(2\): an example has shape \(\)"):
        pn.check_gradients(pn.dense(2), np.ones(3))
    assert jnp.ones(()).dtype == jnp.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pn.check_gradients(pn.dense(2)), TypeError, "in_shape is missing"),
        (lambda: pn.check_gradients(pn.dense(2), X, X), TypeError, "takes one argument, x; got 2"),
        (lambda: pn.check_gradients(pn.dense(2), in_shape=3), TypeError, "must be a tuple"),
        (lambda: pn.check_gradients(pn.relu), TypeError, "pass relu's arguments after it"),
        (lambda: pn.check_gradients(jnp.sin), TypeError, "pass a layer, an op and its"),
        (lambda: pn.check_gradients(jnp.sin, X), TypeError, "pass a layer, an op and its"),
        (lambda: pn.check_gradients(3), TypeError, "got 3"),
        (
            lambda: pn.check_gradients(pn.dense(2), in_shape=(3,), slope=1),
            TypeError,
            "slope: only an op takes options",
        ),
        (
            lambda: pn.check_gradients(lambda i: i, lambda i, dy: None, np.arange(3)),
            TypeError,
            "none of the arguments is floating point",
        ),
        (
            lambda: pn.check_gradients(jnp.sin, lambda x, dy: (dy, dy, dy), X),
            ValueError,
            "backward returned 3 derivatives for 1 arguments",
        ),
    ],
)
def test_wrong_calls_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_report_is_true_if_it_is_ok():
    """So that `assert check_gradients(...)` means what it says."""
    x = np.array([1.0, 2.0])
    assert pn.check_gradients(lambda x: x * x, lambda x, dy: 2 * x * dy, x)
    assert not pn.check_gradients(lambda x: x * x, lambda x, dy: x * dy, x)


@pytest.mark.parametrize("log", [np.log, jnp.log])
def test_nothing_is_judged_where_the_forward_is_not_finite(log):
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(ValueError, match="forward gives inf or nan"),
    ):
        pn.check_gradients(log, lambda x, dy: dy / x, np.array([-1.0, 2.0]))


def test_a_forward_that_returns_nothing_is_rejected():
    with pytest.raises(TypeError, match="forward must return an array, or one and a cache"):
        pn.check_gradients(lambda x: None, lambda x, dy: dy, np.ones(2))


def test_the_dy_of_a_scalar_left_out_is_named():
    rng = np.random.default_rng(0)
    p, t = rng.normal(size=(2, 5))

    def loss(p, t):
        return ((p - t) ** 2).mean()

    report = pn.check_gradients(loss, lambda p, t, dy: 2 * (p - t) / 5, p, t)
    assert "the incoming dy is left out" in str(report)
    report = pn.check_gradients(loss, lambda p, t, dy: 2 * (p - t), p, t)
    assert "the incoming dy is left out, and the 1/m is missing (m = 5)" in str(report)


# Integers: what a derivative comes back for is judged in float64, or the report says why not.

INTEGERS = np.array([[1, 2], [3, 4]])  # as students type it
FACTORS = RNG.normal(size=(2, 3))
ROWS = RNG.normal(size=(2, 3))


def row_product(x, w):
    return np.dot(x, w)


def likelihood(z, labels):
    e = np.exp(z)
    return np.mean(np.log(e.sum(1)) - z[np.arange(len(z)), labels])


def likelihood_backward(z, labels, dy):
    e = np.exp(np.array(z))
    return dy * (e / e.sum(1, keepdims=True) - np.eye(3)[np.asarray(labels)]) / len(z)


def writes_integers(x, w, dy):
    dx = np.zeros_like(x)  # of integers, if x is
    dx += (np.dot(dy, w.T)).astype(dx.dtype)
    return dx, np.dot(x.T, dy)


def tree_product(p):
    return np.dot(p["x"], p["w"]) + p["b"]


def tree_backward(p, dy):
    return {"x": np.dot(dy, p["w"].T), "w": np.dot(p["x"].T, dy), "b": np.sum(dy, axis=0)}


def with_labels(came):
    return lambda z, labels, dy: (likelihood_backward(z, labels, dy), came)


LABELS = np.array([2, 0])
TREE = {"x": INTEGERS, "w": FACTORS, "b": np.zeros(3, int)}
NO_INDEX = "forward takes integers only (IndexError: arrays used as indices must be of integer"
OF_INTEGERS = {
    "an integer x": (row_product, lambda x, w, dy: (3 * dy @ w.T, x.T @ dy), INTEGERS, FACTORS),
    "in JAX": (lambda x, w: x @ w, lambda x, w, dy: (3 * dy @ w.T, x.T @ dy), INTEGERS, FACTORS),
    "bytes": (
        lambda x, w: x / 255 @ w,
        lambda x, w, dy: (3 * dy @ w.T / 255, x.T @ dy / 255),
        *(INTEGERS.astype(np.uint8), FACTORS),
    ),
    "lists": (
        row_product,
        lambda x, w, dy: (3 * np.dot(dy, np.transpose(w)), np.dot(np.transpose(x), dy)),
        *(INTEGERS.tolist(), FACTORS.tolist()),
    ),
    "nothing else": (np.square, lambda x, dy: 6 * x * dy, INTEGERS),
    "a scalar": (lambda x, w: x * w, lambda x, w, dy: (3 * dy * w, dy * x), 2, 3),
    "a bool": (lambda x, w: x * w, lambda x, w, dy: (3 * dy * w, dy * x), ROWS > 0, FACTORS),
}


@pytest.mark.parametrize("form", OF_INTEGERS.values(), ids=OF_INTEGERS)
def test_a_wrong_derivative_of_integers_is_found(form):
    report = pn.check_gradients(*form)
    assert {leaf.name for leaf in report.leaves if not leaf.ok} == {"dx"}
    assert lines(report)["dx"].startswith("yours = 3 × referee everywhere")
    assert lines(report).get("dw", "ok") == "ok"


def adds_to_integers(x, w, dy):
    dx = np.zeros_like(x)
    dx += np.dot(dy, w.T)  # NumPy rejects it where x, and so dx, are integers
    return dx, np.dot(x.T, dy)


RIGHT_OF_INTEGERS = {
    "what can't be written into integers": (row_product, adds_to_integers, INTEGERS, FACTORS),
    "what is written into integers": (row_product, writes_integers, INTEGERS, FACTORS),
    "a tree of integers and floats": (tree_product, tree_backward, TREE),
    "a tuple of integers": (
        lambda p: p[0] @ p[1],
        lambda p, dy: (dy @ p[1].T, p[0].T @ dy),
        (INTEGERS, INTEGERS),
    ),
    "an option of integers": (
        lambda x, option: np.cumsum(x[:: option["step"]], axis=option["axis"]),
        lambda x, option, dy: np.repeat(np.cumsum(dy[::-1], 0)[::-1], 2, 0) * [[1], [0]] * 1.0,
        *(RNG.normal(size=(2, 3)), {"step": 2, "axis": 0, "name": "a"}),
    ),
}


@pytest.mark.parametrize("form", RIGHT_OF_INTEGERS.values(), ids=RIGHT_OF_INTEGERS)
def test_a_right_derivative_of_integers_passes(form):
    report = pn.check_gradients(*form)
    assert report.ok, report


def test_the_sum_without_its_axis_is_found_with_an_integer_bias():
    """The mistake on the first page of the documentation."""

    def wrong(x, w, b, dz):
        return dz @ w.T, dz.T @ x, np.sum(dz)

    report = pn.check_gradients(affine, wrong, X, W, np.zeros(3, int))
    assert lines(report) == {
        "dx": "ok",
        "dw": "shape (3, 5), expected (5, 3): yours is the transpose",
        "db": "shape (), expected (3,): a sum without axis=0?",
    }
    spoilt = {**tree_backward(TREE, np.ones((2, 3))), "b": np.ones(())}
    report = pn.check_gradients(tree_product, lambda p, dy: spoilt, TREE)
    assert not any(leaf.ok for leaf in report.leaves)


@pytest.mark.parametrize(
    ("came", "message"),
    [
        (None, None),
        (np.zeros(2, jax.dtypes.float0), None),
        (np.zeros(2), "ok: zero, where forward takes integers only"),
        (0, "ok: zero, where forward takes integers only"),
        (np.ones(2), f"not judged: {NO_INDEX} (or boolean) type); return None for it"),
    ],
)
def test_labels_have_no_derivative(came, message):
    report = pn.check_gradients(likelihood, with_labels(came), ROWS, LABELS)
    assert lines(report) == {"dz": "ok"} | ({"dlabels": message} if message else {})
    assert report.ok == (message is None or message.startswith("ok"))


def test_labels_may_be_left_out_wherever_they_stand():
    assert pn.check_gradients(likelihood, likelihood_backward, ROWS, LABELS.tolist()).ok
    turned = lambda labels, z, dy: likelihood_backward(z, labels, dy)  # noqa: E731
    assert pn.check_gradients(lambda labels, z: likelihood(z, labels), turned, LABELS, ROWS).ok
    one_of_two = lambda x, w, dy: dy * w  # noqa: E731
    report = pn.check_gradients(lambda x, w: x * w, one_of_two, INTEGERS, 0.3 * INTEGERS)
    assert report.ok and [leaf.name for leaf in report.leaves] == ["dx"]


@pytest.mark.parametrize("value", [ROWS * 1j, ROWS.astype(object)])
def test_what_is_not_real_is_not_judged_and_not_ok(value):
    report = pn.check_gradients(
        lambda x, c: x * abs(np.asarray(c).astype(complex)), lambda x, c, dy: (dy, dy), ROWS, value
    )
    assert lines(report)["dc"] == f"not judged: it is {value.dtype}(2, 3)" and not report.ok


def test_integers_in_an_op_and_in_a_layer():
    cube = lambda p: (jnp.sum(p["w"] ** 2), p)  # noqa: E731
    wrong = pn.Op(cube, lambda p, dy: {"w": 3 * p["w"] * dy}, name="wrong", takes="tree")
    assert lines(pn.check_gradients(wrong, {"w": INTEGERS})) == {
        "dx['w']": "yours = 1.5 × referee everywhere"
    }
    assert pn.check_gradients(pn.relu, 3).ok
    assert lines(pn.check_gradients(doubling(dx=3), INTEGERS)) == {
        "dx": "yours = 1.5 × referee everywhere"
    }
    for nothing in (doubling(), doubling(dx=None)):  # a layer gives nobody the dx of integers
        assert str(pn.check_gradients(nothing, INTEGERS)) == "OK  nothing to differentiate"
    assert lines(pn.check_gradients(doubling(dx=None), X)) == {"dx": "is missing: got None"}


def doubling(dx=2, dparams=()):
    return pn.Layer(
        init=lambda key, in_shape: ((), ()),
        forward=lambda params, state, x, *, train=False, key=None: (2.0 * x, state, None),
        backward=lambda params, cache, dy: (dparams, None if dx is None else dx * dy),
        name="doubling",
        takes="any",
    )


# Nothing else is passed over in silence.


def test_every_element_is_judged_where_differences_are_the_only_referee():
    """More than are tried one by one."""
    x = RNG.normal(size=(20, 50))
    assert pn.check_gradients(np.square, lambda x, dy: 2 * x * dy, x).ok
    x[:4] = 0  # 200 kinks
    place = np.arange(x.size).reshape(x.shape) == 777
    for wrong in (0, 1e-3):
        backward = lambda x, dy, wrong=wrong: dy * (x > 0) + wrong * place  # noqa: E731
        (leaf,) = pn.check_gradients(lambda x: np.maximum(x, 0), backward, x).leaves
        if wrong:
            assert "1 of 1000 elements differ; worst (15, 27): " in leaf.message and not leaf.ok
        else:
            assert leaf.ok and leaf.message.startswith("ok; 200 at a kink, such as (")


def test_what_differences_cannot_tell_is_not_ok_without_jax():
    def on_simplex(p):
        if abs(np.sum(np.array(p)) - 1) > 1e-9:
            raise ValueError("rows must sum to one")
        return np.sum(np.square(np.array(p)))

    (leaf,) = pn.check_gradients(on_simplex, lambda p, dy: 2 * p * dy, [0.25, 0.75]).leaves
    assert not leaf.ok and leaf.message == (
        "ok; 2 of 2 elements not judged, such as (0,): finite differences can't tell; write "
        "forward with jax.numpy, or choose others"
    )


def test_a_step_that_leaves_the_domain_is_made_smaller():
    x = np.array([1e-6, 2e-5, 1.0])
    assert pn.check_gradients(np.log, lambda x, dy: dy / x, x).ok
    (leaf,) = pn.check_gradients(np.log, lambda x, dy: dy / x * np.array([1.1, 1, 1]), x).leaves
    assert leaf.message.startswith("1 of 3 elements differ; worst (0,)")


@pytest.mark.parametrize("forward", [lambda x: np.maximum(x, 0), lambda x: jnp.maximum(x, 0)])
def test_beside_a_kink_there_is_one_derivative(forward):
    x = np.array([1e-6, -1e-6, 1.0])
    assert pn.check_gradients(forward, lambda x, dy: dy * (x > 0), x).ok
    assert not pn.check_gradients(forward, lambda x, dy: dy * (x > -1), x).ok


@pytest.mark.parametrize("floor", [np.floor, jnp.floor])
def test_a_jump_is_not_a_kink(floor):
    """Between its one-sided differences, which grow with the step's inverse, lies everything."""
    (leaf,) = pn.check_gradients(floor, lambda x, dy: 0 * dy, 1.0 * INTEGERS).leaves
    assert leaf.ok and "ok; 4 at a jump, such as (0, 0): 0 from the left, 0 from" in leaf.message
    (leaf,) = pn.check_gradients(floor, lambda x, dy: 300 * dy, 1.0 * INTEGERS).leaves
    assert not leaf.ok and "should be zero" in leaf.message


def test_an_infinite_derivative_is_not_judged():
    x = np.array([0.0, 1.0])
    (leaf,) = pn.check_gradients(jnp.sqrt, lambda x, dy: dy * np.array([0, 0.5]), x).leaves
    assert not leaf.ok
    assert leaf.message == "not judged: the right value is not finite at 1 of 2 elements"


def test_what_is_empty_is_named_and_an_empty_result_rejected():
    both = lambda x, w: np.sum(x) + np.sum(w)  # noqa: E731
    ones = lambda x, w, dy: (dy * np.ones(x.shape), dy * np.ones(w.shape))  # noqa: E731
    assert lines(pn.check_gradients(both, ones, X, np.zeros((0, 3))))["dw"] == "ok; it is empty"
    with pytest.raises(ValueError, match="forward gives an empty array at these arguments"):
        pn.check_gradients(affine, affine_backward, X[:0], W, B)


def test_what_belongs_nowhere_is_not_ok():
    assert lines(pn.check_gradients(doubling(dparams=X), X)) == {
        "dx": "ok",
        "dparams": "float64(4, 5) was returned where there is nothing to differentiate",
    }
    more = lambda p, dy: {**tree_backward(p, dy), "c": dy}  # noqa: E731
    report = pn.check_gradients(tree_product, more, TREE)
    assert not report.ok and lines(report)["dp[c]"] == "belongs to no argument"


def test_an_imaginary_part_is_not_dropped():
    assert lines(pn.check_gradients(np.square, lambda x, dy: 2 * x * dy + 1j, X)) == {
        "dx": "is not an array: got complex128(4, 5)"
    }


def test_what_is_left_out_is_said():
    report = pn.check_gradients(affine, lambda x, w, b, dy: dy @ w.T, X, W, B)
    assert report.ok and report.note == "not judged: dw, db, which backward does not return"
    assert str(report) == f"OK  1 of 1\n dx ok\n {report.note}"


# cs231n's order, and the other forms in which derivatives come.


def cached(x, w, b):
    return np.dot(x, w) + b, (x, w, b)


def cached_backward(dout, cache):
    x, w, _ = cache
    return dout.dot(w.T), x.T.dot(dout), dout.sum(axis=0)


def relu_forward(x):
    return np.maximum(0, x), x


def relu_backward(dout, cache):
    dx = dout
    dx[cache <= 0] = 0  # writes into its argument
    return dx


DY_FIRST = {
    "a tuple as cache": (cached, cached_backward, X, W, B),
    "elementwise": (relu_forward, relu_backward, X),
    "names that say nothing": (relu_forward, lambda a, b: a * (b > 0), X),
    "a dict as cache that is used up": (
        lambda x, w: (x @ w, {"x": x, "w": w}),
        lambda g, c: (g @ c.pop("w").T, c.pop("x").T @ g),
        *(X, W),
    ),
    "no cache": (affine, lambda dy, x, w, b: affine_backward(x, w, b, dy), X, W, B),
}


@pytest.mark.parametrize("form", DY_FIRST.values(), ids=DY_FIRST)
def test_dy_may_come_first(form):
    report = pn.check_gradients(*form)
    assert report.ok and report.note.startswith("dy comes first here: judged as "), report


@pytest.mark.parametrize("names", ["dout, cache", "a, b"])
def test_a_mistake_is_found_with_dy_first(names):
    wrong = eval(f"lambda {names}: turned({names})", {"turned": turned_backward})
    assert str(pn.check_gradients(cached, wrong, X, W, B)) == (
        "FAIL  1 of 3\n"
        " dx ok\n"
        " dw shape (3, 5), expected (5, 3): yours is the transpose\n"
        " db ok\n"
        " dy comes first here: judged as backward(dy, cache)"
    )


def turned_backward(dout, cache):
    dx, dw, db = cached_backward(dout, cache)
    return dx, dw.T, db


def test_a_wrong_backward_is_not_right_by_being_called_wrongly():
    """With dy first this one gives 300 · x = 0, which lies between the slopes at the kink."""
    report = pn.check_gradients(relu, lambda x, dy: 300 * dy, np.zeros(3))
    assert not report.ok and not report.note


def test_an_error_in_the_usual_order_is_raised():
    with pytest.raises(ValueError, match="mismatch in its core dimension"):
        pn.check_gradients(affine, lambda x, w, b, dy: (dy @ w, x.T @ dy, dy.sum(0)), X, W, B)
    with pytest.raises(NotImplementedError, match="dz"):
        pn.check_gradients(affine, not_written, X, W, B)


def not_written(x, w, b, dy):
    raise NotImplementedError("dz")


class Grads(NamedTuple):
    dw: np.ndarray
    db: np.ndarray
    dx: np.ndarray


FORMS_OF_RESULTS = {
    "a dict": lambda x, w, b, dy: {"dw": x.T @ dy, "db": dy.sum(0), "dx": dy @ w.T},
    "a record": lambda x, w, b, dy: Grads(x.T @ dy, dy.sum(0), dy @ w.T),
    "a list": lambda *given: list(affine_backward(*given)),
    "nested lists": lambda *given: [np.array(d).tolist() for d in affine_backward(*given)],
}


@pytest.mark.parametrize("backward", FORMS_OF_RESULTS.values(), ids=FORMS_OF_RESULTS)
def test_derivatives_may_come_as(backward):
    report = pn.check_gradients(affine, backward, X, W, B)
    assert report.ok and {leaf.name for leaf in report.leaves} == {"dx", "dw", "db"}


def test_the_derivative_of_a_record_may_come_as():
    def forward(p, x):
        return x @ p.w + p.b

    for wrap in (tuple, list, lambda d: {"b": d[1], "w": d[0]}):
        backward = lambda p, x, dy, wrap=wrap: wrap((x.T @ dy, dy.sum(0)))  # noqa: E731
        report = pn.check_gradients(forward, lambda *g, b=backward: (b(*g), None), Params(W, B), X)
        assert lines(report) == {"dp.w": "ok", "dp.b": "ok", "dx": "is missing: got None"}
    report = pn.check_gradients(forward, lambda p, x, dy: {"w": x.T @ dy}, Params(W, B), X)
    assert lines(report)["dp.b"] == "is missing: got nothing of that name"


def test_derivatives_in_another_order_are_recognized_by_their_values():
    report = pn.check_gradients(
        affine, lambda x, w, b, dy: (x.T @ dy, dy @ w.T, dy.sum(0)), X, W, B
    )
    assert lines(report) == {
        "dx": "shape (5, 3), expected (4, 5): yours is dw: two values swapped?",
        "dw": "shape (4, 5), expected (5, 3): yours is dx: two values swapped?",
        "db": "ok",
    }


def test_the_swapped_pair_of_a_layer_and_the_orders_of_a_backward_are_named():
    def layer(backward):
        return pn.Layer(
            init=pn.dense(2).init,
            forward=lambda params, state, x, *, train=False, key=None: (x @ params.w, state, x),
            backward=backward,
        )

    def right(params, x, dy):
        return pn.DenseParams(w=x.T @ dy, b=0 * params.b), dy @ params.w.T

    swapped = layer(lambda params, x, dy: (2 * right(params, x, dy)[1], right(params, x, dy)[0]))
    fault = "the pair is swapped: backward returned (dx, dparams), expected (dparams, dx)"
    report = pn.check_gradients(swapped, in_shape=(3,))
    twice = "; and then yours = 2 × referee everywhere: an extra factor of 2, or a missing one"
    assert lines(report) == {"dw": fault, "db": fault, "dx": fault + twice}
    report = pn.check_gradients(layer(lambda dy, params, x: right(params, x, dy)), in_shape=(3,))
    fault = "backward takes (dy, params, cache), but is called as backward(params, cache, dy)"
    assert set(lines(report).values()) == {fault}
    as_dict = layer(lambda *given: ((*right(*given)[0],), right(*given)[1]))
    assert lines(pn.check_gradients(as_dict, in_shape=(3,)))["dw"] == (
        "is missing: a tuple of 2 came, expected a DenseParams"
    )
    cube = pn.Op(lambda x: (x**3, x), lambda dy, x: 3 * x * x * dy, name="cube")
    assert lines(pn.check_gradients(cube, X)) == {
        "dx": "backward takes (dy, cache), but is called as backward(cache, dy)"
    }


# Mistakes with a name.


def softmax(z):
    e = np.exp(z)
    return e / e.sum(1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


SOFT = "as if softmax were elementwise; each y depends on every x of its row"
NAMED = {
    "dy forgotten, elementwise": (
        *(sigmoid, lambda x, dy: sigmoid(x) * (1 - sigmoid(x))),
        "20 of 20 elements differ: dy is forgotten: yours is the derivative of y.sum()",
    ),
    "dy forgotten, constant": (
        *(lambda x: x + 1, lambda x, dy: np.ones(x.shape)),
        "20 of 20 elements differ: dy is forgotten: yours is the derivative of y.sum()",
    ),
    "dy forgotten, of a mean": (
        *(lambda x: x @ W, lambda x, dy: np.ones((4, 3)) @ W.T / 12),
        "20 of 20 elements differ: dy is forgotten: yours is the derivative of y.mean()",
    ),
    "the Jacobian": (
        *(softmax, lambda z, dy: np.array([np.diag(a) - np.outer(a, a) for a in softmax(z)])),
        "shape (4, 5, 5), expected (4, 5): dy is forgotten: yours is the Jacobian dy/dx",
    ),
    "softmax as if elementwise": (
        *(softmax, lambda z, dy: softmax(z) * (1 - softmax(z)) * dy),
        f"20 of 20 elements differ: yours is y·(1 - y) times dy, {SOFT}",
    ),
    "the same without dy": (
        *(softmax, lambda z, dy: softmax(z) * (1 - softmax(z))),
        f"20 of 20 elements differ: dy is forgotten, and yours is y·(1 - y), {SOFT}",
    ),
    "another function as if elementwise": (
        *(lambda z: np.log(softmax(z)), lambda z, dy: (1 - softmax(z)) * dy),
        "20 of 20 elements differ: yours is the diagonal of dy/dx times dy, as if each y depended "
        "on its own x alone",
    ),
    "dy alone": (
        *(np.sin, lambda x, dy: dy),
        "20 of 20 elements differ: yours is dy itself, without the derivative of y",
    ),
}


@pytest.mark.parametrize(("forward", "backward", "message"), NAMED.values(), ids=NAMED)
def test_a_well_known_mistake_is_named(forward, backward, message):
    (leaf,) = pn.check_gradients(forward, backward, X).leaves
    assert not leaf.ok and leaf.message == message


def test_a_well_known_mistake_is_named_by_jax_too():
    soft = pn.Op(
        lambda z: (jax.nn.softmax(z), jax.nn.softmax(z)),
        lambda y, dy: y * (1 - y) * dy,
        name="soft",
    )
    (leaf,) = pn.check_gradients(soft, X).leaves
    assert leaf.message == NAMED["softmax as if elementwise"][2]
    (leaf,) = pn.check_gradients(jnp.sin, lambda x, dy: jnp.cos(x), X).leaves
    assert leaf.message == NAMED["dy forgotten, elementwise"][2]


# Functions that do not take what they get.


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: pn.check_gradients(lambda x, w: (x, w, x), lambda c, dy: dy, X, W),
            ValueError,
            r"forward returned a tuple of 3, expected y alone or \(y, cache\)",
        ),
        (
            lambda: pn.check_gradients(lambda x: np.argmax(x), lambda x, dy: dy, X),
            TypeError,
            r"forward returns int64\(\), expected floating point",
        ),
        (
            lambda: pn.check_gradients(lambda x: x * np.random.random(), lambda x, dy: dy, X),
            ValueError,
            "forward gives another y each time; fix its random numbers",
        ),
        (
            lambda: pn.check_gradients(affine, lambda x, w, b, dy: {"W1": dy}, X, W, B),
            ValueError,
            "a dict of W1, expected the derivatives with respect to x, w, b, in this order or by",
        ),
        (
            lambda: pn.check_gradients(lambda: 1.0, lambda dy: dy),
            TypeError,
            "pass the arguments of forward after backward",
        ),
        (
            lambda: pn.check_gradients(np.sin, lambda x, dy: (), X),
            TypeError,
            "backward returned an empty tuple, no derivative",
        ),
        (
            lambda: pn.check_gradients(np.sin, lambda x, dy: dy, X, in_shape=(5,), train=False),
            TypeError,
            "in_shape, train: only a layer takes them",
        ),
        (
            lambda: pn.check_gradients(pn.flatten(), X, in_shape=(4,)),
            ValueError,
            r"in_shape is \(4,\), but an example of x is \(5,\); leave in_shape out",
        ),
        (
            lambda: pn.check_gradients(np.sin, lambda x, dy: dy, X, tolerance="tight"),
            TypeError,
            "tolerance must be a number, got 'tight'",
        ),
    ],
)
def test_what_cannot_be_judged_is_rejected(call, error, message):
    with pytest.raises(error, match=message):
        call()
