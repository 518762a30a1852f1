"""The report of `check_gradients` names the kind of mistake: in attention, and others.

It may only name what is so: a backward that is wrong in some other way gets no name.
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import purenn as pn

pytestmark = pytest.mark.usefixtures("quickly", "one_referee")

RNG = np.random.default_rng(1)
X, GAMMA, BETA = RNG.normal(size=(4, 3)), RNG.normal(size=3), RNG.normal(size=3)


def told(*form):
    """What the report says of each derivative, without how many elements differ."""
    report = pn.check_gradients(*form)
    return {leaf.name: leaf.message.split(" elements differ: ")[-1] for leaf in report.leaves}


# A learner's own attention: 2-D arrays, or (batch, heads, time, features).


@cache
def attention(a, causal=True):
    """Attention in NumPy or in JAX, and its derivative with the options for mistakes."""

    def t(matrix):
        return a.swapaxes(matrix, -1, -2)

    def probabilities(q, k, causal):
        scores = q @ t(k) / np.sqrt(q.shape[-1])
        if causal:
            later = np.triu(np.ones(scores.shape[-2:], bool), 1)
            scores = a.where(later, -np.inf, scores)
        e = a.exp(scores - scores.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    def forward(q, k, v):
        return probabilities(q, k, causal) @ v

    def backward(q, k, v, dy, *, correction=True, scale=True, masked=causal, order="qkv"):
        p = probabilities(k, q, masked) if order == "scores" else probabilities(q, k, masked)
        dp = dy @ t(v)
        ds = p * (dp - (dp * p).sum(-1, keepdims=True) * correction)
        ds = ds / np.sqrt(q.shape[-1]) if scale else ds
        dq, dk, dv = ds @ k, t(ds) @ q, t(p) @ dy
        return (dk, dq, dv) if order == "kqv" else (dq, dk, dv)

    return forward, backward


OF_THE_CORRECTION = (
    "yours is right where sum(dy·y, axis=-1) is 0: the term with it, such as the correction D of a "
    "softmax, is missing, wrong, or counted twice"
)
OF_THE_SCALE = "yours = 1.732 × referee everywhere: is the scale 1/sqrt(d) missing (d = 3)?"
OF_THE_ORDER = "yours is right where q and k are equal: does one stand for the other?"
IN_ATTENTION = {
    "no correction": (
        {"correction": False},
        {"dq": OF_THE_CORRECTION, "dk": OF_THE_CORRECTION, "dv": "ok"},
    ),
    "no scale": ({"scale": False}, {"dq": OF_THE_SCALE, "dk": OF_THE_SCALE, "dv": "ok"}),
    "keys and queries": (
        {"order": "kqv"},
        {
            "dq": "yours is dk: two values swapped?",
            "dk": "yours is dq: two values swapped?",
            "dv": "ok",
        },
    ),
    "in the scores": (
        {"order": "scores"},
        {"dq": OF_THE_ORDER, "dk": OF_THE_ORDER, "dv": "yours is right with q and k swapped"},
    ),
}


@pytest.mark.parametrize(("mistake", "says"), IN_ATTENTION.values(), ids=IN_ATTENTION)
@pytest.mark.parametrize(
    ("a", "shape"), [(np, (4, 3)), (jnp, (2, 2, 4, 3))], ids=["numpy", "heads"]
)
def test_a_mistake_in_ones_own_attention_is_named(a, shape, mistake, says):
    forward, backward = attention(a)
    arguments = np.random.default_rng(0).normal(size=(3, *shape))
    assert told(forward, lambda *args: backward(*args, **mistake), *arguments) == says


@pytest.mark.parametrize(
    ("a", "shape"), [(np, (4, 3)), (jnp, (2, 2, 4, 3))], ids=["numpy", "heads"]
)
def test_ones_own_attention_passes_and_its_mask_is_looked_for_in_both_passes(a, shape):
    forward, backward = attention(a)
    arguments = np.random.default_rng(0).normal(size=(3, *shape))
    assert pn.check_gradients(forward, backward, *arguments).ok
    place = "[0]" if a is np else "[:, :, 0]"
    says = told(forward, lambda *args: backward(*args, masked=False), *arguments)
    assert {text.split(": ")[0] for text in says.values()} == {
        "backward lacks a mask that forward has"
    }
    assert all(f": y{place} does not depend on k" in text for text in says.values())


# What no project is cited for.


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def norm(x):
    c = x - x.mean(-1, keepdims=True)
    return c / np.sqrt((c * c).mean(-1, keepdims=True) + 1e-5)


def norm_without_variance(x, gamma, dy):
    std = np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    d = dy * gamma
    return (d - d.mean(-1, keepdims=True)) / std


KEPT = np.array([[True, False, True]] * 4)
OTHERS = {
    "a residual without its shortcut": (
        (lambda x: x + np.sin(x), lambda x, dy: dy * np.cos(x), X),
        {
            "dx": "dy itself is missing: did you forget a term that passes x through unchanged, as "
            "in a residual connection?"
        },
    ),
    "the shortcut twice": (
        (lambda x: x + np.sin(x), lambda x, dy: dy * (2 + np.cos(x)), X),
        {
            "dx": "dy itself is added one time too many: did you count a term that passes x "
            "through unchanged twice, as in a residual connection?"
        },
    ),
    "a square plus x, without the x": (
        (lambda x: x * x + x, lambda x, dy: dy * 2 * x, X),
        {
            "dx": "dy itself is missing: did you forget a term that passes x through unchanged, as "
            "in a residual connection?"
        },
    ),
    "a residual without its branch": (
        (lambda x: x + np.sin(x), lambda x, dy: dy, X),
        {"dx": "yours is dy itself, without the derivative of y"},
    ),
    "dy squared": (
        (np.sin, lambda x, dy: dy * dy * np.cos(x), X),
        {"dx": "twice the dy gives four times yours: dy is multiplied in twice"},
    ),
    "dy in a clip": (
        (np.sin, lambda x, dy: np.clip(dy, -0.1, 0.1) * np.cos(x), X),
        {"dx": "twice the dy does not give twice yours: dy is used where it does not belong"},
    ),
    "dy replaced": (
        (np.sin, lambda x, dy: np.cos(x) * x, X),
        {"dx": "dy is forgotten: yours is the same for every dy"},
    ),
    "a weight left out of one term": (
        (lambda x, w: w * x * x, lambda x, w, dy: dy * (w * x + x), X, GAMMA),
        {"dx": "yours is right where w is 1: somewhere it is left out"},
    ),
    "a mask that is an argument": (
        (
            lambda x, keep: np.tanh(np.where(keep, x, 1) * x.sum()),
            lambda x, keep, dy: (
                (dy * (1 - np.tanh(x * x.sum()) ** 2) * x.sum())
                + np.sum(dy * (1 - np.tanh(x * x.sum()) ** 2) * x)
            ),
            *(0.3 * X, KEPT),
        ),
        {"dx": "yours is right where all of keep is True: is it left out in backward?"},
    ),
    "softplus with its beta forgotten": (
        (
            lambda x, beta: np.log1p(np.exp(beta * x)) / beta,
            lambda x, beta, dy: dy / (1 + np.exp(-x)),
            *(X, 2.5),
        ),
        {"dx": "yours is right where beta is 1"},
    ),
    "ignored labels in the mean": (
        (
            lambda x: np.sum(np.sin(x)[KEPT[0]]) / 2,
            lambda x, dy: dy * np.cos(x) * KEPT[0] / 3,
            X[0],
        ),
        {
            "dx": "yours = 0.6667 × referee everywhere: a mean over m = 3 instead of 2: are "
            "ignored examples counted?"
        },
    ),
    "a square matrix not transposed": (
        (
            lambda x, w: x @ w,
            lambda x, w, dy: (dy @ w, x.T @ dy),
            *(X, RNG.normal(size=(3, 3))),
        ),
        {
            "dx": "yours propagates dy forward instead of backward: is a transpose missing?",
            "dw": "ok",
        },
    ),
    "a kernel reversed": (
        (np.sin, lambda x, dy: (dy * np.cos(x))[::-1, ::-1], X),
        {"dx": "yours is reversed along axis 0 and 1"},
    ),
    "two axes of three swapped": (
        (
            np.sin,
            lambda x, dy: (dy * np.cos(x)).swapaxes(1, 2),
            RNG.normal(size=(2, 3, 3)),
        ),
        {"dx": "yours is the right one with its axes in the order (0, 2, 1)"},
    ),
    "rows shifted by one": (
        (np.sin, lambda x, dy: np.roll(dy * np.cos(x), 1, 0), X),
        {
            "dx": "yours at [0] is what belongs at [3]; yours at [1] is what belongs at [0]; "
            "and so on"
        },
    ),
    "the variance of a norm": (
        (lambda x, gamma: gamma * norm(x), norm_without_variance, X, GAMMA),
        {
            "dx": "yours is right where sum(dy·y, axis=-1) is 0: the term with it, such as the "
            "correction D of a softmax, is missing, wrong, or counted twice"
        },
    ),
    "the variance of a norm with a bias": (
        (
            lambda x, gamma, beta: gamma * norm(x) + beta,
            lambda x, gamma, beta, dy: norm_without_variance(x, gamma, dy),
            *(X, GAMMA, BETA),
        ),
        {
            "dx": "yours is right where sum(dy·gamma, axis=-1) and sum(dy·gamma·x, axis=-1) are 0: "
            "a term with them is missing, wrong, or counted twice"
        },
    ),
    "a broadcast over two axes": (
        (
            lambda x, b: x + b,
            lambda x, b, dy: (dy, dy),
            *(RNG.normal(size=(2, 4, 3)), BETA),
        ),
        {"dx": "ok", "db": "shape (2, 4, 3), expected (3,): not summed over axis=(0, 1)?"},
    ),
}


@pytest.mark.parametrize(("form", "says"), OTHERS.values(), ids=OTHERS)
def test_other_kinds_of_mistakes_are_named(form, says):
    assert told(*form) == says


def test_a_mistake_in_an_op_or_a_layer_is_named():
    op = pn.softmax.replace(backward=lambda a, da: a * da)
    (leaf,) = pn.check_gradients(op, X).leaves
    assert leaf.message.endswith(OF_THE_CORRECTION)

    def backward(params, cache, dy):
        dparams, dx = norm.functions.backward(params, cache, dy)
        return dparams, dx / params.gamma

    norm = pn.layer_norm()
    report = pn.check_gradients(norm.replace(backward=backward), in_shape=(3,), batch=2)
    messages = {leaf.name: leaf.message for leaf in report.leaves}
    assert messages.pop("dx") == (
        "6 of 6 elements differ: yours is right where gamma is 1: somewhere it is left out"
    )
    assert set(messages.values()) == {"ok"}


def test_places_that_should_be_zero_are_told():
    (leaf,) = pn.check_gradients(
        lambda x: softmax(np.where(KEPT[0], x, -np.inf)),
        lambda x, dy: softmax(x) * (dy - (dy * softmax(x)).sum(-1, keepdims=True)),
        X,
    ).leaves
    assert leaf.message.endswith("; all of [:, 1] should be 0")


# No false names.


def noise(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


RIGHT = {  # one forward of each sort, compiled, since it is called often
    "attention": (jax.jit(attention(jnp)[0]), *noise(2, 3, 4, 3)),
    "norm": (
        jax.jit(lambda x, gamma: gamma * x / jnp.sqrt((x * x).mean(-1, keepdims=True))),
        *(X, GAMMA),
    ),
    "dense": (jax.jit(lambda x, w: jax.nn.softmax(x @ w)), X, noise(3, 3, 2)),
}


def numbers_added(d, dy, seed):
    return d + noise(seed, *d.shape) * (dy * noise(9, *dy.shape)).sum()


def numbers_multiplied(d, dy, seed):
    return d * noise(seed, *d.shape)


def a_random_matrix_added(d, dy, seed):
    return d + np.tensordot(noise(seed, *d.shape, *dy.shape), dy, dy.ndim)


def mixed_along_an_axis(d, dy, seed):
    return d @ noise(seed, d.shape[-1], d.shape[-1])


def added_to_a_few(d, dy, seed):
    few = np.arange(d.size).reshape(d.shape) % 5 == 0
    return d + 0.1 * few * numbers_added(0 * d, dy, seed)


SPOILT = [
    numbers_added,
    numbers_multiplied,
    a_random_matrix_added,
    mixed_along_an_axis,
    added_to_a_few,
]


@pytest.mark.parametrize("spoil", SPOILT)
@pytest.mark.parametrize("form", RIGHT.values(), ids=RIGHT)
def test_a_backward_that_is_wrong_at_random_gets_no_name(form, spoil):
    forward, *arguments = form
    pull = jax.jit(lambda args, dy: jax.vjp(forward, *args)[1](dy))

    def backward(*given):
        *args, dy = map(jnp.asarray, given)
        right = [np.asarray(d) for d in pull(args, dy)]
        return tuple(spoil(d, np.asarray(dy), seed) for seed, d in enumerate(right))

    for leaf in pn.check_gradients(forward, backward, *arguments).leaves:
        assert not leaf.ok and "elements differ; worst (" in leaf.message, leaf


def test_what_a_backward_prints_is_printed_no_more_often_than_before(capsys):
    def backward(x, dy):
        print("called")
        return dy * dy * np.cos(x)

    says = told(np.sin, backward, X)
    assert "multiplied in twice" in says["dx"]
    assert capsys.readouterr().out.count("called") < 10


def test_what_is_too_large_to_try_again_gets_no_name():
    x = noise(0, 80, 60)
    (leaf,) = pn.check_gradients(lambda x: jnp.sin(x), lambda x, dy: dy * dy * jnp.cos(x), x).leaves
    assert "elements differ; worst (" in leaf.message
