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
from sitetools.svg import BLUE, GREEN, INK, ORANGE, RED

PAGE = "practice/sanity-checks"
MODEL = pn.serial(pn.rescale(), pn.flatten(), pn.dense(128), pn.relu, pn.dense(10))


@cache
def steps_of(model: pn.Layer, optimizer: Any) -> Any:
    """`(train_state, x, y) -> (train_state, losses)`, compiled: a step for each batch."""
    step = pn.train_step(model, LOSS, optimizer)
    return jax.jit(lambda start, x, y: lax.scan(lambda s, batch: step(s, *batch), start, (x, y)))


def first_loss() -> Figure:
    """Over the scale of the last layer's weights."""
    x, y = data().train
    params, state = MODEL.init(KEY, (28, 28))

    def loss(factor: Any) -> Any:
        last = params[4]._replace(w=factor * params[4].w)
        return LOSS(MODEL.apply((*params[:4], last), state, x[:500])[0], y[:500])

    factors = np.geomspace(0.01, 100, 41, dtype=np.float32)
    figure, axes = plt.subplots()
    axes.loglog(factors, jax.jit(jax.vmap(loss))(factors))
    axes.axhline(np.log(10), color=INK, linestyle=":", linewidth=1)
    axes.annotate("ln 10", (30, 1.6))
    axes.set(xlabel="factor on the weights of the last layer", ylabel="first loss", ylim=(1, None))
    return figure


def twenty_digits() -> Figure:
    """Right, and with two mistakes, of which the check finds one."""

    def no_mask(cache: Any, dy: Any) -> Any:
        return dy

    forgetful = pn.Op(pn.relu.forward, no_mask, name="relu")
    layers = MODEL.parts
    models = {
        "right": MODEL,
        "ReLU after the last layer": pn.serial(*layers, pn.relu),
        "no mask in ReLU's backward": pn.serial(*layers[:3], forgetful, layers[4]),
    }
    x, y = data().train
    figure, axes = plt.subplots()
    for (name, model), colour in zip(models.items(), (BLUE, RED, ORANGE), strict=True):
        optimizer = pn.adam(1e-3)
        start = pn.TrainState.create(model, optimizer, KEY, (28, 28))
        batches = np.broadcast_to(x[:20], (300, 20, 28, 28)), np.broadcast_to(y[:20], (300, 20))
        _, losses = steps_of(model, optimizer)(start, *batches)
        axes.semilogy(losses, label=name, color=colour)
    axes.set(xlabel="step", ylabel="loss of 20 digits")
    axes.legend()
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
        "true labels": (x, y, GREEN),
        "shuffled labels": (x, rng.permutation(y), RED),
        "blank images": (np.zeros_like(x), y, BLUE),
    }
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.8, 3.2))
    for name, (images, labels, colour) in runs.items():
        state = pn.TrainState.create(MODEL, optimizer, KEY, (28, 28))
        losses, scores = [], []
        for _ in range(20):
            rows = rng.permutation(2_000).reshape(20, 100)
            state, values = steps(state, images[rows], labels[rows])
            losses.append(np.mean(np.asarray(values)))
            guesses = np.asarray(apply(state.params, state.state, x_held)[0]).argmax(axis=1)
            scores.append(100 * np.mean(guesses == y_held))
        left.plot(range(1, 21), losses, color=colour, label=name)
        right.plot(range(1, 21), scores, color=colour)
    left.set(xlabel="epochs", title="training loss", ylim=(0, None))
    right.set(xlabel="epochs", title="right on held-out digits, %", ylim=(0, 100))
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def update_ratios() -> Figure:
    """Of both matrices, for three learning rates."""
    (ratios,) = computed_on(PAGE, "ratios")
    figure, axes = plt.subplots()
    for rate, ratio, colour in zip(
        ("1e-5", "1e-3", "1e-1"), ratios.values(), (BLUE, GREEN, RED), strict=True
    ):
        axes.semilogy(ratio[:, 0], color=colour, label=f"{rate}: $W_1$")
        axes.semilogy(ratio[:, 1], color=colour, linestyle="--", label=f"{rate}: $W_2$")
    axes.axhline(1e-3, color=INK, linewidth=0.8, linestyle=":")
    axes.set(xlabel="step", ylabel="update / weight", xlim=(0, 100))
    figure.legend(title="learning rate", loc="outside right center")
    return figure


def histograms() -> Figure:
    """Values and derivatives of five layers, for three scales of the weights."""
    (explanations,) = computed_on(PAGE, "explanations")
    figure, grid = plt.subplots(2, 3, figsize=(6.8, 3.8), sharex="row")
    names = "× 1/3", "× 1", "× 3"
    for column, (name, e) in enumerate(zip(names, explanations.values(), strict=True)):
        for i in range(1, 6):
            options = {"alpha": 1.15 - 0.17 * i, "linewidth": 1.4}
            values = np.ravel(e[f"A{i}"])
            sizes = np.log10(np.abs(np.ravel(e[f"dZ{i}"])) + 1e-12)
            for axes, numbers, ends, colour in (
                (grid[0, column], values, (-1, 1), BLUE),
                (grid[1, column], sizes, (-9, -1), ORANGE),
            ):
                counts, edges = np.histogram(numbers, bins=24, range=ends)
                axes.plot((edges[1:] + edges[:-1]) / 2, counts, color=colour, **options)
        grid[0, column].set(title=f"weights {name}", ylim=(0, 6_000), xlabel="value")
        grid[1, column].set(xlabel="log₁₀ |dZ|")
        for axes in grid[:, column]:
            axes.set(yticks=[])
    return figure
