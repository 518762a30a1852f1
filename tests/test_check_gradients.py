"""`check_gradients`: what it takes, what it accepts, and what it says of each mistake."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import purenn as pn

pytestmark = pytest.mark.usefixtures("quickly")

M = 4
RNG = np.random.default_rng(0)
X, W, B = RNG.normal(size=(M, 5)), RNG.normal(size=(5, 3)), RNG.normal(size=3)
SQUARE = RNG.normal(size=(5, 5))


def affine(x, w, b):
    return x @ w + b


def affine_backward(x, w, b, dy):
    return dy @ w.T, x.T @ dy, dy.sum(0)


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
        "yours = 0.25 × referee everywhere: divided by m once too often (m = 4)",
    ),
    "sign": (lambda d: -d, "yours = -1 × referee everywhere: the sign is wrong"),
    "sign and m": (
        lambda d: -M * d,
        "yours = -4 × referee everywhere: the sign is wrong, and the 1/m is missing (m = 4)",
    ),
    "doubled": (
        lambda d: 2 * d,
        "yours = 2 × referee everywhere: a factor 2 too many or too few",
    ),
    "transposed shape": (lambda d: d.T, "shape (3, 5), expected (5, 3): yours is the transpose"),
    "transposed and doubled": (
        lambda d: 2 * d.T,
        "shape (3, 5), expected (5, 3): yours is the transpose; and then "
        "yours = 2 × referee everywhere: a factor 2 too many or too few",
    ),
    "zero": (lambda d: 0 * d, "is zero everywhere"),
    "nan": (lambda d: np.where(d > 0, np.nan, d) * 0 + np.nan, "15 of 15 elements are not finite"),
    "missing": (lambda d: None, "is missing: None came"),
    "no array": (lambda d: "dw", "is no array: a str came"),
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
        (lambda d: d[None], "shape (1, 3), expected (3,): an axis of 1 too many or too few"),
        (
            lambda d: np.tile(d / M, (M, 1)),
            "shape (4, 3), expected (3,): not summed over the batch",
        ),
        (lambda d: d.astype(np.float32), "is something computed in float32?"),
    ],
)
def test_mistakes_of_a_sum_are_told_in_words(change, words):
    assert words in lines(pn.check_gradients(affine, spoil(change, 2), X, W, B))["db"]


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


@pytest.mark.parametrize("forward", [pn.relu.apply, lambda x: jnp.maximum(x, 0)])
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
    with pytest.raises(ValueError, match=r"dense\(2\): in_shape is \(\)"):
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
            lambda: pn.check_gradients(lambda i: i, lambda i, dy: dy, np.arange(3)),
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


def test_a_forward_that_returns_nothing_is_refused():
    with pytest.raises(TypeError, match="forward must return an array, or one and a cache"):
        pn.check_gradients(lambda x: None, lambda x, dy: dy, np.ones(2))


def test_the_dy_of_a_scalar_left_out_is_named():
    rng = np.random.default_rng(0)
    p, t = rng.normal(size=(2, 5))

    def loss(p, t):
        return ((p - t) ** 2).mean()

    report = pn.check_gradients(loss, lambda p, t, dy: 2 * (p - t) / 5, p, t)
    assert "dy, which comes in, is left out" in str(report)
    report = pn.check_gradients(loss, lambda p, t, dy: 2 * (p - t), p, t)
    assert "dy, which comes in, is left out, and the 1/m is missing (m = 5)" in str(report)
