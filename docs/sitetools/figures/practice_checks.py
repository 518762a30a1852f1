"""Figures of practice/sanity-checks.md."""

from functools import cache
from typing import Any

import jax
import matplotlib.pyplot as plt
import numpy as np
from jax import lax
from matplotlib.figure import Figure

import purenn as pn
from sitetools.figures.mnist import KEY, LOSS, data
from sitetools.figures.practice import computed_on
from sitetools.svg import BACKWARD, DASHES, FORWARD, INK, PAPER, SERIES, WRONG

PAGE = "practice/sanity-checks"
RING = {"color": INK, "markerfacecolor": PAPER}
MODEL = pn.serial(pn.rescale(), pn.flatten(), pn.dense(128), pn.relu, pn.dense(10))


@cache
def steps_of(model: pn.Layer, optimizer: Any) -> Any:
    """`(train_state, x, y) -> (train_state, losses)`, compiled: a step for each batch."""
    step = pn.train_step(model, LOSS, optimizer)
    return jax.jit(lambda start, x, y: lax.scan(lambda s, batch: step(s, *batch), start, (x, y)))


def first_loss() -> Figure:
    """Over the deviation of the logits: simulated, and by both formulas."""
    simulated, firsts, variances = computed_on(PAGE, "simulated", "firsts", "variances")
    sigma = np.linspace(0, 1.5, 61)
    first = np.log(10) + sigma**2 / 2
    figure, axes = plt.subplots(figsize=(4.4, 3.4))
    axes.plot(sigma, first, "--", color=SERIES[1], label="ln 10 + σ²/2")
    axes.plot(sigma, first - np.expm1(sigma**2) / 20, color=INK, label="… − (exp(σ²) − 1)/20")
    axes.plot(simulated.keys(), simulated.values(), "o", label="simulated", **RING, markersize=6)
    measured = np.sqrt(variances.mean()), firsts.mean()
    axes.plot(*measured, "*", color=INK, markersize=14, label="mean of 200 networks", zorder=3)
    axes.set(xlabel="standard deviation σ of the logits", ylabel="first loss", ylim=(2.2, 3.5))
    axes.legend()
    return figure


def twenty_digits() -> Figure:
    """Right, and with two mistakes, of which the check finds one."""

    def no_mask(cache: Any, dy: Any) -> Any:
        return dy

    forgetful = pn.Op(pn.relu.forward, no_mask, name="relu")
    layers = MODEL.parts
    models = {
        "correct": MODEL,
        "ReLU after the last layer": pn.serial(*layers, pn.relu),
        "no mask in ReLU's backward pass": pn.serial(*layers[:3], forgetful, layers[4]),
    }
    x, y = data().train
    figure, axes = plt.subplots(figsize=(4.4, 3.2))
    looks = (INK, "-"), (WRONG, "-"), (WRONG, "--")
    for (name, model), (color, style) in zip(models.items(), looks, strict=True):
        optimizer = pn.adam(1e-3)
        start = pn.TrainState.create(model, optimizer, KEY, (28, 28))
        batches = np.broadcast_to(x[:20], (300, 20, 28, 28)), np.broadcast_to(y[:20], (300, 20))
        _, losses = steps_of(model, optimizer)(start, *batches)
        axes.semilogy(losses, style, label=name, color=color)
    axes.set(xlabel="step", ylabel="loss of 20 digits")
    figure.legend(loc="outside lower center")
    return figure


def shuffled_labels() -> Figure:
    """True labels, shuffled labels, and no images."""
    x, y = data().train
    (x, x_held), (y, y_held) = x[:4_000].reshape(2, 2_000, 28, 28), y[:4_000].reshape(2, 2_000)
    apply = jax.jit(MODEL.apply)
    rng = np.random.default_rng(0)
    optimizer = pn.adam(1e-3)
    steps = steps_of(MODEL, optimizer)
    runs = {
        "true labels": (x, y),
        "shuffled labels": (x, rng.permutation(y)),
        "blank images": (np.zeros_like(x), y),
    }
    figure, (above, below) = plt.subplots(2, 1, figsize=(4.4, 5), sharex=True)
    for (name, (images, labels)), color, style in zip(runs.items(), SERIES, DASHES, strict=False):
        state = pn.TrainState.create(MODEL, optimizer, KEY, (28, 28))
        losses, scores = [], []
        for _ in range(20):
            rows = rng.permutation(2_000).reshape(20, 100)
            state, values = steps(state, images[rows], labels[rows])
            losses.append(np.mean(np.asarray(values)))
            guesses = np.asarray(apply(state.params, state.state, x_held)[0]).argmax(axis=1)
            scores.append(100 * np.mean(guesses == y_held))
        above.plot(range(1, 21), losses, style, color=color, label=name)
        below.plot(range(1, 21), scores, style, color=color)
    above.set(title="training loss", ylim=(0, None))
    below.set(xlabel="epochs", title="accuracy on held-out digits, %", ylim=(0, 100))
    figure.legend(loc="outside lower center")
    return figure


def update_ratios() -> Figure:
    """Of both matrices, for three learning rates."""
    (ratios,) = computed_on(PAGE, "ratios")
    figure, axes = plt.subplots(figsize=(4.4, 3.6))
    for rate, ratio, marker in zip(("1e-5", "1e-3", "1e-1"), ratios.values(), "os^", strict=True):
        look = {"marker": marker, "markevery": 20, **RING}
        axes.semilogy(ratio[:, 0], label=f"{rate}: W₁", **look)
        axes.semilogy(ratio[:, 1], label=f"{rate}: W₂", linestyle="--", **look)
    axes.axhline(1e-3, color=INK, linewidth=0.8, linestyle=":")
    axes.set(xlabel="step", ylabel="update / weight", xlim=(0, 100))
    figure.legend(title="learning rate", loc="outside lower center", ncols=3)
    return figure


def histograms() -> Figure:
    """Values and derivatives of five layers, for three scales of the weights."""
    (explanations,) = computed_on(PAGE, "explanations")
    figure, grid = plt.subplots(3, 2, figsize=(4.4, 5.6), sharex="col")
    names = "× 1/3", "× 1", "× 3"
    for (left, right), name, e in zip(grid, names, explanations.values(), strict=True):
        for i in range(1, 6):
            values = np.ravel(e[f"A{i}"])
            sizes = np.log10(np.abs(np.ravel(e[f"dZ{i}"])) + 1e-12)
            for axes, numbers, ends, color in (
                (left, values, (-1, 1), FORWARD),
                (right, sizes, (-9, -1), BACKWARD),
            ):
                counts, edges = np.histogram(numbers, bins=24, range=ends)
                middles = (edges[1:] + edges[:-1]) / 2
                axes.plot(middles, counts, color=color, alpha=1.15 - 0.17 * i, linewidth=1.4)
        left.set(title=f"weights {name}", ylim=(0, 6_000), yticks=[])
        right.set(yticks=[])
    grid[2, 0].set(xlabel="value")
    grid[2, 1].set(xlabel="log₁₀ |dZ|")
    return figure
