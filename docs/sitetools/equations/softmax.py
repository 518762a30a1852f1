"""The equations of softmax, on course/activations.md and course/jacobians.md."""

import numpy as np

import purenn as pn
from sitetools.equations.activations import by_hand
from sitetools.equations.registry import equation

FILE = "purenn.ops.softmax"


def rows(rng):
    """A batch of 4 rows of 5."""
    return (rng.normal(size=(4, 5), scale=3),)


def rows_with_cotangent(rng):
    """The same, and a random derivative from above."""
    (x,) = rows(rng)
    return x, rng.normal(size=x.shape)


@equation(
    "softmax",
    source=f"{FILE}:_softmax",
    line="exp / jnp.sum(exp, axis=-1, keepdims=True)",
    by_purenn=pn.softmax,
    inputs=rows,
)
def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)


@equation(
    "softmax.shifted",
    source=f"{FILE}:_softmax",
    line="jnp.max(z, axis=-1, keepdims=True)",
    by_purenn=pn.softmax,
    inputs=rows,
)
def softmax_shifted(x):
    largest = x.max(axis=1, keepdims=True)
    return np.exp(x - largest) / np.exp(x - largest).sum(axis=1, keepdims=True)


def jacobian_by_hand(x):
    """Row i is what the backward gives for a derivative from above of 1 at output i alone."""
    return np.stack([by_hand(pn.softmax)(x[0], one) for one in np.eye(x.shape[1])])


@equation(
    "softmax.jacobian",
    source=f"{FILE}:_softmax_backward",
    line="wide(y) * (wide(dy) - along)",
    by_purenn=jacobian_by_hand,
    inputs=rows,
)
def softmax_jacobian(x):
    y = softmax(x)[0]
    return y[:, None] * (np.eye(5) - y[None, :])


@equation(
    "softmax.dx",
    source=f"{FILE}:_softmax_backward",
    line="wide(y) * (wide(dy) - along)",
    by_purenn=by_hand(pn.softmax),
    inputs=rows_with_cotangent,
)
def softmax_dx(x, dy):
    y = softmax(x)
    return y * (dy - (dy * y).sum(axis=1, keepdims=True))


@equation(
    "log_softmax",
    source=f"{FILE}:_log_softmax",
    line="z - jnp.log(jnp.sum(jnp.exp(z), axis=-1, keepdims=True))",
    by_purenn=pn.log_softmax,
    inputs=rows,
)
def log_softmax(x):
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


@equation(
    "log_softmax.dx",
    source=f"{FILE}:_log_softmax_backward",
    line="wide(dy) - jnp.exp(wide(y)) * total",
    by_purenn=by_hand(pn.log_softmax),
    inputs=rows_with_cotangent,
)
def log_softmax_dx(x, dy):
    y = log_softmax(x)
    return dy - np.exp(y) * dy.sum(axis=1, keepdims=True)
