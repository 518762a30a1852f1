"""Figures of practice/failures.md, from the page's networks and its compiled `train`."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jax import lax
from matplotlib.figure import Figure

import purenn as pn
from sitetools.figures.mnist import LOSS, data
from sitetools.figures.practice import computed_on
from sitetools.svg import INK, SERIES, WRONG

PAGE = "practice/failures"


def losses_of(
    model: pn.Layer, params: Any, loss: Any = LOSS, rate: float = 0.1, scale: float = 1
) -> Any:
    """Of the page's hundred steps."""
    train, x, y = computed_on(PAGE, "train", "images", "labels")
    return np.asarray(train(model, loss, params, rate, np.float32(scale) * x, y)[1])


def healthy(**settings: float) -> Any:
    """The losses of the network that works, perhaps at another rate or scale."""
    return losses_of(*computed_on(PAGE, "model", "params"), **settings)


@partial(jax.jit, static_argnums=0)
def watched(model: pn.Layer, params: Any, rate: Any, x: Any, y: Any) -> Any:
    """By steps the loss, the share of living units and the length of the last bias."""
    backpropagate = pn.value_and_grad(model, LOSS)

    def one(params: Any, batch: Any) -> Any:
        (value, _), grads = backpropagate(params, ((), (), ()), *batch)
        w, b = params[0]
        alive = (batch[0] @ w + b > 0).any(0).mean()
        after = jax.tree.map(lambda p, g: p - rate * g, params, grads)
        return after, (value, alive, jnp.linalg.norm(params[2].b))

    return lax.scan(one, params, (x, y))[1]


def zero_initialization() -> Figure:
    """Three initializations."""
    model, starts = computed_on(PAGE, "model", "starts")
    figure, axes = plt.subplots(figsize=(4.4, 2.9))
    looks = (INK, "-"), (WRONG, "-"), (WRONG, "--")
    for (name, start), (color, style) in zip(starts.items(), looks, strict=True):
        axes.plot(losses_of(model, start), style, label=name, color=color)
    axes.set(xlabel="step", ylabel="loss", ylim=(0, None))
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def dead_relus() -> Figure:
    """A good rate and one that kills."""
    model, *given = computed_on(PAGE, "model", "params", "images", "labels")
    figure, (above, below) = plt.subplots(2, 1, figsize=(4.4, 4.8), sharex=True)
    for rate, color in ((0.1, INK), (2.0, WRONG)):
        losses, alive, _ = np.asarray(watched(model, given[0], rate, *given[1:]))
        above.semilogy(losses, color=color, label=f"rate {rate:g}")
        below.plot(100 * alive, color=color)
    above.set(title="loss")
    below.set(xlabel="step", title="hidden units alive, %", ylim=(-3, 103))
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def raw_pixels() -> Figure:
    """Scaled and raw."""
    figure, axes = plt.subplots(figsize=(4.4, 2.9))
    for name, scale, color in (("pixels from 0 to 1", 1, INK), ("0 to 255", 255, WRONG)):
        axes.semilogy(healthy(scale=scale), label=name, color=color)
    axes.set(xlabel="step", ylabel="loss")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def learning_rates() -> Figure:
    """The last losses over the rate."""
    rates = np.geomspace(1e-4, 1e2, 13)
    last = [healthy(rate=float(rate))[-10:].mean() for rate in rates]
    figure, axes = plt.subplots(figsize=(4.4, 2.9))
    axes.loglog(rates, last, marker="o", markersize=4)
    axes.axhline(np.log(10), color=INK, linestyle=":", linewidth=1)
    axes.annotate("ln 10", (1.3e-4, 2.7))
    axes.set(xlabel="learning rate", ylabel="loss at the end", ylim=(0.25, 30))
    return figure


def bias_without_axis() -> Figure:
    """The length of the output bias."""
    params, x, y = computed_on(PAGE, "params", "images", "labels")
    right, broken = computed_on(PAGE, "model", "broken")
    figure, axes = plt.subplots(figsize=(4.4, 2.9))
    for model, color, over in ((right, INK, "the examples"), (broken, WRONG, "everything")):
        lengths = watched(model, params, 0.1, x, y)[2]
        axes.plot(lengths, color=color, label=f"summed over {over}")
    axes.set(xlabel="step", ylabel="length of b₂")
    figure.legend(loc="outside lower center")
    return figure


def labels_out_of_range() -> Figure:
    """How many of each label."""
    y = data().train.y[:12_800]
    figure, both = plt.subplots(2, 1, figsize=(4.4, 4.2), sharex=True)
    for axes, labels, title in zip(both, (y, y + 1), ("correct", "counted from 1"), strict=True):
        counts = np.bincount(labels, minlength=11)
        axes.bar(range(11), counts, color=[WRONG if c > 9 else INK for c in range(11)])
        axes.set(title=title, ylabel="examples", xticks=range(11))
        axes.grid(visible=False)
    both[1].set_xlabel("label")
    return figure


def evaluated_as_in_training() -> Figure:
    """Accuracy by the size of the batch."""
    outputs, x, y, order = computed_on(PAGE, "outputs", "x_held", "y_held", "by_class")

    def percent(x: Any, y: Any, size: int, mode: bool) -> float:
        guesses = np.asarray(outputs(x.reshape(-1, size, 784), mode)).argmax(axis=2)
        return 100 * np.mean(guesses.ravel() == y)

    sizes = (2, 20, 100, 500)
    curves = {
        "train=False": ([percent(x, y, 20, False)] * len(sizes), INK, "-"),
        "train=True": ([percent(x, y, size, True) for size in sizes], SERIES[1], "--"),
        "train=True, sorted by class": (
            [percent(x[order], y[order], size, True) for size in sizes],
            WRONG,
            "-",
        ),
    }
    figure, axes = plt.subplots(figsize=(4.4, 3.6))
    for name, (values, color, style) in curves.items():
        axes.semilogx(sizes, values, style, marker="o", markersize=4, color=color, label=name)
    axes.set(xlabel="images in a batch", ylabel="accuracy, %", ylim=(0, 100))
    axes.set_xticks(sizes, sizes)
    axes.minorticks_off()
    figure.legend(loc="outside lower center")
    return figure


def softmax_twice() -> Figure:
    """Once and twice, and the floor."""
    train, params, x, y = computed_on(PAGE, "train", "params", "images", "labels")
    once, twice = computed_on(PAGE, "model", "twice")
    figure, axes = plt.subplots(figsize=(4.4, 2.9))
    for model, now, name, color in (
        (once, params, "softmax once", INK),
        (twice, (*params, ()), "softmax twice", WRONG),
    ):
        curve = []
        for _ in range(3):
            end, losses = train(model, LOSS, now, 0.5, x, y)
            now = end.params
            curve.append(losses)
        axes.plot(np.concatenate(curve), label=name, color=color, lw=1.2)
    axes.axhline(-np.log(np.e / (np.e + 9)), color=INK, linestyle="--", linewidth=1)
    axes.set(xlabel="step", ylabel="loss", ylim=(0, None))
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def divided_twice() -> Figure:
    """Right, and divided by m in the loss and once more."""
    model, params, slow = computed_on(PAGE, "model", "params", "slow")
    figure, axes = plt.subplots(figsize=(4.4, 3.6))
    axes.plot(healthy(), color=INK, label="right, rate 0.1", linewidth=3, alpha=0.5)
    for rate, color, style in ((0.1, WRONG, "-"), (12.8, WRONG, "--")):
        losses = losses_of(model, params, slow, rate)
        axes.plot(losses, style, color=color, label=f"divided twice, rate {rate:g}", lw=1.4)
    axes.set(xlabel="step", ylabel="loss", ylim=(0, None))
    figure.legend(loc="outside lower center")
    return figure
