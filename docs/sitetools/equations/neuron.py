"""The equations of course/neuron.md."""

import numpy as np

import purenn as pn
from sitetools.equations.registry import equation

NEURON = pn.serial(pn.dense(1), pn.sigmoid)


def drawn(rng):
    """Four inputs, their weights, and a bias."""
    return rng.normal(size=4), rng.normal(size=4), rng.normal()


def with_target(rng):
    """The same, and a target."""
    return *drawn(rng), rng.uniform()


def params_of(w, b):
    """A neuron's parameters as `dense(1)` has them."""
    return (pn.DenseParams(w[:, None], np.array([b])), ())


def applied(x, w, b):
    """The output for the one example."""
    return NEURON.apply(params_of(w, b), ((), ()), x[None])[0][0, 0]


def dw_of(x, w, b, t):
    """The derivative of the squared error with respect to the weights."""
    step = pn.value_and_grad(NEURON, pn.mse)
    _, grads = step(params_of(w, b), ((), ()), x[None], np.array([[t]]))
    return grads[0].w[:, 0]


@equation(
    "neuron",
    source="purenn.layers.dense:dense.forward",
    line="product(x, w) + per_feature(b, x)",
    also=(("purenn.ops.activations:_sigmoid", "y = jax.nn.sigmoid(x)"),),
    by_purenn=applied,
    inputs=drawn,
)
def neuron(x, w, b):
    return 1 / (1 + np.exp(-(np.sum(x * w) + b)))


@equation(
    "neuron.dw",
    source="purenn.ops.mse:_mse_backward",
    line="2 * mean.backward(dy) * wide(error)",
    also=(
        ("purenn.ops.activations:_sigmoid_backward", "dy * (y * (1 - y))"),
        ("purenn.layers.dense:dense.backward", "transposed_product(x, dz, like=w)"),
    ),
    by_purenn=dw_of,
    inputs=with_target,
)
def neuron_dw(x, w, b, t):
    a = 1 / (1 + np.exp(-(np.sum(x * w) + b)))
    return 2 * (a - t) * a * (1 - a) * x
