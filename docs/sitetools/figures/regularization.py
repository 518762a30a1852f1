"""Figures of course/regularization.md."""

from functools import cache

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
def trained(strength: float, rate: float):
    """The parameters, and after each epoch the loss on the training set and on unseen digits."""
    (x, y), (x_test, y_test) = digits()
    model = pn.serial(
        pn.rescale(), pn.flatten(), pn.dense(64), pn.relu, pn.dropout(rate), pn.dense(10)
    )
    optimizer = pn.adam(2e-3)
    loss = pn.softmax_cross_entropy
    step = pn.train_step(model, loss, optimizer, penalty=pn.l2_penalty(strength))

    def one_epoch(train_state, key):
        order = jax.random.permutation(key, EXAMPLES).reshape(-1, 40)
        train_state, _ = lax.scan(lambda s, i: step(s, x[i], y[i]), train_state, order)
        params, state = train_state.params, train_state.state
        seen, _ = model.apply(params, state, x)
        unseen, _ = model.apply(params, state, x_test)
        return train_state, (loss(seen, y), loss(unseen, y_test), pn.accuracy(unseen, y_test))

    @jit_quickly
    def run(key):
        start = pn.TrainState.create(model, optimizer, key, (28, 28))
        end, curves = lax.scan(one_epoch, start, jax.random.split(key, EPOCHS))
        return end.params, curves

    x, y, x_test, y_test = (jnp.asarray(a) for a in (x, y, x_test, y_test))
    return jax.tree.map(np.asarray, run(jax.random.key(0)))


def gap() -> Figure:
    """Training loss below, the loss on unseen digits above."""
    shown = {"neither": (0.0, 0.0), "L2 penalty": (0.03, 0.0), "dropout 0.5": (0.0, 0.5)}
    figure, axes = plt.subplots(1, 3, figsize=(7, 3), sharey=True)
    for panel, (name, settings) in zip(axes, shown.items(), strict=True):
        _, (seen, unseen, accuracy) = trained(*settings)
        panel.plot(unseen, "-")
        panel.plot(seen, "--")
        panel.set(title=f"{name}: {accuracy[-1]:.1%} right", xlabel="epoch", ylim=(0, 1))
    axes[0].set_ylabel("cross-entropy")
    axes[0].legend(["unseen digits", "training digits"], fontsize=8)
    return figure


def weights_shrink() -> Figure:
    """The first layer's weights at the end, by the strength of the penalty."""
    figure, axes = plt.subplots(figsize=(6.4, 3))
    bins = np.linspace(-0.2, 0.2, 61)
    for strength, style in zip(STRENGTHS, ("-", "--", "-."), strict=True):
        w = trained(strength, 0.0)[0][2].w
        label = f"strength {strength:g}: |W| = {np.linalg.norm(w):.1f}"
        axes.hist(w.ravel(), bins, histtype="step", linestyle=style, linewidth=1.6, label=label)
    axes.set(xlabel="weight of the first layer", ylabel="how many", yscale="log")
    axes.legend(fontsize=8)
    return figure
