"""Figures of course/initialization.md."""

from functools import cache

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from table import jit_quickly

import purenn as pn

DEPTH, WIDTH = 12, 128


def tenth_as_large(key, shape, dtype=jnp.float32):
    """The too small one: a tenth of He's deviation."""
    return pn.initializers.he_normal(key, shape, dtype) / 10


def twice_as_large(key, shape, dtype=jnp.float32):
    """The too large one."""
    return pn.initializers.he_normal(key, shape, dtype) * 2


SHOWN = {
    "he_normal": pn.initializers.he_normal,
    "lecun_normal": pn.initializers.lecun_normal,
    "a tenth of He's": tenth_as_large,
    "twice He's": twice_as_large,
}


def network(w_init, activation):
    """Twelve hidden layers."""
    hidden = pn.mlp((WIDTH,) * DEPTH, 10, activation=activation, w_init=w_init)
    return pn.serial(pn.rescale(), pn.flatten(), hidden)


@cache
def measuring(activation):
    """Return a function of the parameters: each hidden layer's output and its gradient."""
    x, y = digits()
    model = network(pn.initializers.he_normal, activation)

    @jit_quickly
    def each(params, state):
        found = pn.explain(model, pn.softmax_cross_entropy, params, state, x, y)
        return [(found[f"A{i}"], found[f"dA{i}"]) for i in range(1, DEPTH + 1)]

    return each


def measured(w_init, activation=pn.relu):
    """The same, drawn by an initializer; it compiles once for all of them."""
    params, state = network(w_init, activation).init(jax.random.key(0), (28, 28))
    pairs = measuring(activation)(params, state)
    return [tuple(np.asarray(a) for a in pair) for pair in pairs]


@cache
def digits():
    """256 digits."""
    (x, y), _ = pn.load_mnist("examples/data/mnist")
    return x[:256], y[:256]


def deviations_by_layer() -> Figure:
    """Forward and backward, on a logarithmic scale."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3.2), sharex=True)
    layers = np.arange(1, DEPTH + 1)
    for (name, w_init), marker in zip(SHOWN.items(), "os^v", strict=True):
        found = measured(w_init)
        for axes, i in ((left, 0), (right, 1)):
            axes.plot(layers, [pair[i].std() for pair in found], marker, ls="-", ms=3, label=name)
    left.set(yscale="log", title="deviation of the activations", xlabel="hidden layer")
    right.set(yscale="log", title="deviation of their derivatives", xlabel="hidden layer")
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.legend(fontsize=8)
    return figure


def histograms() -> Figure:
    """The activations of tanh layers under three initializers: dead, alive, saturated."""
    figure, grid = plt.subplots(3, 3, figsize=(7, 4), sharex=True)
    inits = {
        "a tenth of Glorot's": lambda *args: pn.initializers.glorot_normal(*args) / 10,
        "glorot_normal": pn.initializers.glorot_normal,
        "five times Glorot's": lambda *args: pn.initializers.glorot_normal(*args) * 5,
    }
    for row, (name, w_init) in zip(grid, inits.items(), strict=True):
        found = measured(w_init, pn.tanh)
        for axes, layer in zip(row, (1, 4, 12), strict=True):
            values = found[layer - 1][0].ravel()
            axes.hist(values, bins=np.linspace(-1, 1, 31), density=True, histtype="stepfilled")
            axes.set(yticks=[])
            axes.set_title(f"layer {layer}, deviation {values.std():.2g}", fontsize=9)
        row[0].set_ylabel(name, fontsize=8)
    return figure
