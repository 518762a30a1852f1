"""The equations of course/jacobians.md."""

import numpy as np

import purenn as pn
from sitetools.equations.activations import by_hand, tanh_dx, with_cotangent
from sitetools.equations.passes import passes
from sitetools.equations.registry import equation


def chain_inputs(rng):
    """One row of 5 through 5 -> 4 -> 3, and a cotangent of 3."""
    shapes = (5,), (5, 4), (4,), (4, 3), (3,), (3,)
    return tuple(rng.normal(size=shape) for shape in shapes)


def chain_backward(x, w1, b1, w2, b2, dy):
    """`dx` of dense, tanh, dense, by `serial`."""
    model = pn.serial(pn.dense(4), pn.tanh, pn.dense(3))
    params = (pn.DenseParams(w1, b1), (), pn.DenseParams(w2, b2))
    return passes(model, params, x[None], dy[None], state=((), (), ()))[2][0]


@equation(
    "jacobians.chain",
    source="purenn.layers.serial:serial.backward",
    line="parts[i].backward(params[i], caches[i], dy)",
    by_purenn=chain_backward,
    inputs=chain_inputs,
)
def chain(x, w1, b1, w2, b2, dy):
    a = np.tanh(x @ w1 + b1)
    j1, j2, j3 = w1.T, np.diag(1 - a**2), w2.T
    return dy @ j3 @ j2 @ j1


# The example of an elementwise function, whose derivative the page on activations has, too.
equation(
    "jacobians.elementwise",
    source="purenn.ops.activations:_tanh_backward",
    line="dy * (1 - y * y)",
    by_purenn=by_hand(pn.tanh),
    inputs=with_cotangent,
)(tanh_dx)


@equation(
    "jacobians.softmax",
    source="purenn.ops.softmax:_softmax_backward",
    line="wide(y) * (wide(dy) - along)",
    by_purenn=by_hand(pn.softmax),
    inputs=with_cotangent,
)
def softmax(x, dy):
    y = np.exp(x) / np.sum(np.exp(x))
    return dy @ (np.diag(y) - np.outer(y, y))
