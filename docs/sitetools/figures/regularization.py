"""Figures of course/regularization.md."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jax import lax
from matplotlib.figure import Figure
from table import jit_quickly

import purenn as pn

EPOCHS, EXAMPLES = 50, 400
STRENGTHS = (0.0, 0.003, 0.03)


@cache
def digits():
    """A small training set, and digits it has not seen."""
    (x, y), (x_test, y_test) = pn.load_mnist("examples/data/mnist")
    return (x[:EXAMPLES], y[:EXAMPLES]), (x_test[:600], y_test[:600])


@cache
def run(rate: float) -> Any:
    """A compiled function of the strength: one program for all penalties."""
    (x, y), (x_test, y_test) = jax.tree.map(jnp.asarray, digits())
    model = pn.serial(
        pn.rescale(), pn.flatten(), pn.dense(64), pn.relu, pn.dropout(rate), pn.dense(10)
    )
    optimizer, loss = pn.adam(2e-3), pn.softmax_cross_entropy

    @jit_quickly
    def from_start(strength, key):
        step = pn.train_step(model, loss, optimizer, penalty=pn.l2_penalty(strength))

        def one_epoch(now, key):
            order = jax.random.permutation(key, EXAMPLES).reshape(-1, 40)
            now, _ = lax.scan(lambda s, i: step(s, x[i], y[i]), now, order)
            seen, _ = model.apply(now.params, now.state, x)
            unseen, _ = model.apply(now.params, now.state, x_test)
            return now, (loss(seen, y), loss(unseen, y_test), pn.accuracy(unseen, y_test))

        start = pn.TrainState.create(model, optimizer, key, (28, 28))
        end, curves = lax.scan(one_epoch, start, jax.random.split(key, EPOCHS))
        return end.params, curves

    return from_start


@cache
def trained(strength: float, rate: float):
    """The parameters, and after each epoch the loss on the training set and on unseen digits."""
    return jax.tree.map(np.asarray, run(rate)(jnp.float32(strength), jax.random.key(0)))


def gap() -> Figure:
    """The loss on the training digits and on unseen digits, without and with regularization."""
    shown = {"neither": (0.0, 0.0), "L2 penalty": (0.03, 0.0), "dropout 0.5": (0.0, 0.5)}
    figure, axes = plt.subplots(3, 1, figsize=(4.2, 6.2), sharex=True)
    for panel, (name, settings) in zip(axes, shown.items(), strict=True):
        _, (seen, unseen, accuracy) = trained(*settings)
        panel.plot(unseen, "-")
        panel.plot(seen, "--")
        panel.set(title=f"{name}: accuracy {accuracy[-1]:.1%}", ylabel="cross-entropy", ylim=(0, 1))
    axes[2].set_xlabel("epoch")
    axes[0].legend(["unseen digits", "training digits"])
    return figure


def weights_shrink() -> Figure:
    """The first layer's weights at the end, by the strength of the penalty."""
    figure, axes = plt.subplots(figsize=(4.4, 3.8))
    bins = np.linspace(-0.2, 0.2, 61)
    for strength, style in zip(STRENGTHS, ("-", "--", "-."), strict=True):
        w = trained(strength, 0.0)[0][2].w
        label = f"strength {strength:g}: |W| = {np.linalg.norm(w):.1f}"
        axes.hist(w.ravel(), bins, histtype="step", linestyle=style, linewidth=1.6, label=label)
    axes.set(xlabel="weight in the first layer", ylabel="count", yscale="log")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1))
    return figure
