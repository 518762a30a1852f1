"""The equations of course/mnist.md."""

import jax.numpy as jnp
import numpy as np

import purenn as pn
from sitetools.equations.registry import equation

MODEL = pn.serial(pn.rescale(), pn.flatten(), pn.mlp((6,), 10))


def images(rng):
    """A few bytes of images, as floats so that they are float64."""
    return (rng.integers(256, size=(5, 4, 3)).astype(np.float64),)


def network(rng):
    """Images, labels, and the parameters of a small network on them."""
    shapes = ((12, 6), (6,), (6, 10), (10,))
    return *images(rng), rng.integers(10, size=5), *(rng.normal(size=shape) for shape in shapes)


def rescaled(x):
    """What the layer makes of the images."""
    return pn.rescale().apply((), (), x)[0]


def first_weights(x, y, w1, b1, w2, b2):
    """`dW1` of the whole network."""
    layers = (pn.DenseParams(w1, b1), (), pn.DenseParams(w2, b2))
    _, state = MODEL.init(jnp.zeros(2, jnp.uint32), (4, 3))
    f = pn.value_and_grad(MODEL, pn.softmax_cross_entropy)
    _, grads = f(((), (), layers), state, x, y)
    return grads[2][0].w


@equation(
    "mnist.rescale",
    source="purenn.layers.rescale:rescale.forward",
    line="x * in_dtype(scale, x.dtype)",
    by_purenn=rescaled,
    inputs=images,
)
def rescale(x):
    return x / 255


@equation(
    "mnist.dw1",
    source="purenn.layers.dense:dense.backward",
    line="dw = transposed_product(x, dz, like=w)",
    by_purenn=first_weights,
    inputs=network,
)
def dw1(x, y, w1, b1, w2, b2):
    m = len(x)
    a0 = x.reshape(m, -1) / 255
    z1 = a0 @ w1 + b1
    z2 = np.maximum(0, z1) @ w2 + b2
    a2 = np.exp(z2) / np.exp(z2).sum(axis=1, keepdims=True)
    return a0.T @ ((a2 - np.eye(10)[y]) / m @ w2.T * (z1 > 0))


def scores(rng):
    """Scores of 64 examples, and labels that are right for many of them."""
    z = rng.normal(size=(64, 10))
    return z, np.where(rng.random(64) < 0.5, z.argmax(1), rng.integers(10, size=64))


@equation(
    "mnist.accuracy",
    source="purenn.training.accuracy:accuracy",
    line="mean.forward(right)",
    by_purenn=pn.accuracy,
    inputs=scores,
)
def accuracy(z, y):
    return sum(row.argmax() == label for row, label in zip(z, y, strict=True)) / len(y)
