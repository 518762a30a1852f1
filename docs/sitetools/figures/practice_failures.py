"""Figures of practice/failures.md."""

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jax import lax
from matplotlib.figure import Figure

import purenn as pn
from sitetools.figures.mnist import KEY, LOSS, data
from sitetools.svg import BLUE, GREEN, INK, ORANGE, RED

MODEL = pn.mlp((128,), 10)


@cache
def digits() -> tuple[Any, Any]:
    """The page's hundred batches."""
    x, y = data().train
    x = x[:12_800].reshape(100, 128, 784) / np.float32(255)
    return x, y[:12_800].reshape(100, 128)


@cache
def held_out() -> tuple[Any, Any]:
    """The page's held-out digits."""
    x, y = data().train
    return x[-2_000:].reshape(2_000, 784) / np.float32(255), y[-2_000:]


@cache
def initial() -> Any:
    """The page's initial parameters."""
    return MODEL.init(KEY, (784,))[0]


@partial(jax.jit, static_argnums=(0, 1))
def train(model: pn.Layer, loss: Any, params: Any, rate: Any, x: Any, y: Any) -> Any:
    """The page's run; besides the losses, the living units and the size of the last bias."""
    optimizer = pn.sgd(rate)
    step = pn.train_step(model, loss, optimizer)
    start = pn.TrainState.create(model, optimizer, KEY, x.shape[2:])._replace(params=params)

    def one(before: Any, batch: Any) -> Any:
        after, value = step(before, *batch)
        w, b = before.params[0]
        alive = (batch[0] @ w + b > 0).any(0).mean()
        last = [layer for layer in before.params if layer][-1]
        return after, (value, alive, jnp.linalg.norm(last.b))

    return lax.scan(one, start, (x, y))


def healthy(rate: float = 0.1) -> Any:
    """The run that works."""
    return train(MODEL, LOSS, initial(), rate, *digits())[1]


def zero_initialization() -> Figure:
    """Three initializations."""
    params = initial()
    starts = {
        "he_normal": (params, GREEN),
        "all zero": (jax.tree.map(jnp.zeros_like, params), RED),
        "all 0.01": (jax.tree.map(lambda p: jnp.full_like(p, 0.01), params), ORANGE),
    }
    figure, axes = plt.subplots(figsize=(6.4, 2.8))
    for name, (start, colour) in starts.items():
        losses = train(MODEL, LOSS, start, 0.1, *digits())[1][0]
        axes.plot(losses, label=name, color=colour)
    axes.set(xlabel="step", ylabel="loss", ylim=(0, None))
    axes.legend()
    return figure


def dead_relus() -> Figure:
    """A good rate and one that kills."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.8, 3))
    for rate, colour in ((0.1, GREEN), (2.0, RED)):
        losses, alive, _ = healthy(rate)
        left.semilogy(losses, color=colour, label=f"rate {rate:g}")
        right.plot(100 * alive, color=colour)
    left.set(xlabel="step", title="loss")
    right.set(xlabel="step", title="hidden units alive, %", ylim=(-3, 103))
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def raw_pixels() -> Figure:
    """Scaled and raw."""
    x, y = digits()
    figure, axes = plt.subplots(figsize=(6.4, 2.8))
    for name, factor, colour in (("pixels from 0 to 1", 1, GREEN), ("0 to 255", 255, RED)):
        losses = train(MODEL, LOSS, initial(), 0.1, np.float32(factor) * x, y)[1][0]
        axes.semilogy(losses, label=name, color=colour)
    axes.set(xlabel="step", ylabel="loss")
    axes.legend()
    return figure


def learning_rates() -> Figure:
    """The last losses over the rate."""
    rates = np.geomspace(1e-4, 1e2, 19)
    last = [float(healthy(rate)[0][-10:].mean()) for rate in rates]
    figure, axes = plt.subplots(figsize=(6.4, 2.8))
    axes.loglog(rates, last, marker="o", markersize=4)
    axes.axhline(np.log(10), color=INK, linestyle=":", linewidth=1)
    axes.annotate("ln 10", (1.3e-4, 2.7))
    axes.set(xlabel="learning rate", ylabel="loss at the end", ylim=(0.25, 30))
    return figure


def bias_without_axis() -> Figure:
    """The length of the output bias."""
    right = pn.dense(10)

    def forward(params: Any, state: Any, x: Any, *, train: bool = False, key: Any = None) -> Any:
        return x @ params.w + params.b, state, x

    def backward(params: Any, x: Any, dz: Any) -> Any:
        return pn.DenseParams(x.T @ dz, jnp.full_like(params.b, jnp.sum(dz))), dz @ params.w.T

    broken = pn.serial(pn.dense(128), pn.relu, pn.Layer(right.init, forward, backward))
    figure, axes = plt.subplots(figsize=(6.4, 2.6))
    axes.plot(healthy()[2], color=GREEN, label="summed over the examples")
    lengths = train(broken, LOSS, initial(), 0.1, *digits())[1][2]
    axes.plot(lengths, color=RED, label="summed over everything")
    axes.set(xlabel="step", ylabel="length of b₂")
    axes.legend()
    return figure


def labels_out_of_range() -> Figure:
    """How many of each label."""
    y = data().train.y[:12_800]
    figure, both = plt.subplots(1, 2, figsize=(6.4, 2.4), sharey=True)
    for axes, labels, title in zip(both, (y, y + 1), ("right", "counted from 1"), strict=True):
        counts = np.bincount(labels, minlength=11)
        axes.bar(range(11), counts, color=[RED if c > 9 else BLUE for c in range(11)])
        axes.set(title=title, xlabel="label", xticks=range(11))
        axes.grid(visible=False)
    both[0].set_ylabel("examples")
    return figure


def evaluated_as_in_training() -> Figure:
    """Accuracy by the size of the batch."""
    model = pn.serial(pn.dense(128), pn.batch_norm(), pn.relu, pn.dense(10))
    start, _ = model.init(KEY, (784,))
    end, _ = train(model, LOSS, start, 0.1, *digits())
    x, y = held_out()
    order = np.argsort(y, kind="stable")

    def percent(x: Any, y: Any, size: int, mode: bool) -> float:
        batches = x.reshape(-1, size, 784)
        apply = jax.vmap(lambda batch: model.apply(end.params, end.state, batch, train=mode)[0])
        return 100 * float(pn.accuracy(apply(batches).reshape(len(y), 10), y))

    sizes = (2, 20, 100, 500)
    curves = {
        "train=False": ([percent(x, y, 500, False)] * len(sizes), GREEN),
        "train=True": ([percent(x, y, size, True) for size in sizes], ORANGE),
        "train=True, sorted by class": (
            [percent(x[order], y[order], size, True) for size in sizes],
            RED,
        ),
    }
    figure, axes = plt.subplots(figsize=(6.4, 3))
    for name, (values, colour) in curves.items():
        axes.semilogx(sizes, values, marker="o", markersize=4, color=colour, label=name)
    axes.set(xlabel="images in a batch", ylabel="right, %", ylim=(0, 100))
    axes.set_xticks(sizes, sizes)
    axes.minorticks_off()
    axes.legend()
    return figure


def softmax_twice() -> Figure:
    """Once and twice, and the floor."""
    twice = pn.serial(*MODEL.parts, pn.softmax)
    x, y = (np.concatenate([part] * 3) for part in digits())
    figure, axes = plt.subplots(figsize=(6.4, 2.8))
    for model, params, name, colour in (
        (MODEL, initial(), "softmax once", GREEN),
        (twice, (*initial(), ()), "softmax twice", RED),
    ):
        axes.plot(train(model, LOSS, params, 0.5, x, y)[1][0], label=name, color=colour, lw=1.2)
    axes.axhline(-np.log(np.e / (np.e + 9)), color=INK, linestyle="--", linewidth=1)
    axes.set(xlabel="step", ylabel="loss", ylim=(0, None))
    axes.legend()
    return figure


def divided_twice() -> Figure:
    """Right, and divided by m in the loss and once more."""

    def forward(logits: Any, targets: Any) -> Any:
        return LOSS(logits, targets), (logits, targets)

    def backward(cache: Any, dy: Any) -> Any:
        logits, targets = cache
        return (pn.softmax(logits) - jax.nn.one_hot(targets, 10)) / len(logits) ** 2 * dy

    slow = pn.Op(forward, backward, name="softmax_cross_entropy")
    figure, axes = plt.subplots(figsize=(6.4, 2.8))
    axes.plot(healthy()[0], color=GREEN, label="right, rate 0.1", linewidth=3, alpha=0.5)
    for rate, colour, style in ((0.1, RED, "-"), (12.8, BLUE, "--")):
        losses = train(MODEL, slow, initial(), rate, *digits())[1][0]
        axes.plot(losses, style, color=colour, label=f"divided twice, rate {rate:g}", lw=1.4)
    axes.set(xlabel="step", ylabel="loss", ylim=(0, None))
    axes.legend()
    return figure
