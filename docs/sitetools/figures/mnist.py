"""Figures of course/mnist.md."""

from functools import cache
from typing import Any

import jax
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import purenn as pn
from sitetools import ROOT
from sitetools.figures.practice import computed_on
from sitetools.svg import BLUE, DIVERGING, INK, ORANGE

PAGE, LOSS, KEY = "course/mnist", pn.softmax_cross_entropy, jax.random.key(0)


@cache
def data() -> Any:
    """The digits, read once for all figures."""
    return pn.load_mnist(ROOT / "examples" / "data" / "mnist")


def mosaic(images: Any, columns: int, gap: int = 2) -> Any:
    """Images side by side in one array, with gaps that are NaN."""
    images = np.asarray(images, np.float32)
    count, height, width = images.shape
    rows = -(-count // columns)
    tiles = np.full((rows * columns, height + gap, width + gap), np.nan, np.float32)
    tiles[:count, :height, :width] = images
    tiles = tiles.reshape(rows, columns, height + gap, width + gap)
    return tiles.transpose(0, 2, 1, 3).reshape(rows * (height + gap), -1)[:-gap, :-gap]


def show(axes: Any, image: Any, **options: Any) -> None:
    """An image without axes or smoothing; what is NaN stays transparent."""
    axes.imshow(image, interpolation="nearest", **options)
    axes.set_axis_off()


def digits() -> Figure:
    """Ten rows, one per class."""
    x, y = data().train
    chosen = np.concatenate([x[np.flatnonzero(y == digit)[:10]] for digit in range(10)])
    figure, axes = plt.subplots(figsize=(4.6, 4.6))
    show(axes, mosaic(chosen // 32 * 36, 10), cmap="gray_r", vmin=0, vmax=255)
    return figure


def curves() -> Figure:
    """Loss and accuracy, epoch by epoch."""
    (history,) = computed_on(PAGE, "history")
    epochs = [e.epoch for e in history]
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.8, 3))
    left.plot(epochs, [e.loss for e in history], "o-", label="training, mean of the epoch")
    left.plot(epochs, [e.validation_loss for e in history], "s-", label="held-out digits")
    right.plot(epochs, [100 * e.validation_accuracy for e in history], "s-", color=ORANGE)
    left.set(xlabel="epoch", title="loss", ylim=(0, None))
    right.set(xlabel="epoch", title="right, %")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def mistakes() -> Figure:
    """The surest mistakes and their probabilities."""
    x, y = data().test
    (p,) = computed_on(PAGE, "probabilities")
    guesses, sure = p.argmax(1), p.max(1)
    wrong = np.flatnonzero(guesses != y)
    shown = wrong[np.argsort(-sure[wrong], kind="stable")][:12]
    figure, grid = plt.subplots(4, 6, figsize=(6.8, 4.9), height_ratios=(1.5, 1, 1.5, 1))
    for column, i in enumerate(shown):
        row, column = divmod(column, 6)
        image, bars = grid[2 * row : 2 * row + 2, column]
        show(image, x[i] // 32 * 36, cmap="gray_r", vmin=0, vmax=255)
        image.set_title(f"{guesses[i]}, not {y[i]}", fontsize=9)
        colours = [BLUE if c == y[i] else ORANGE if c == guesses[i] else INK for c in range(10)]
        bars.bar(range(10), p[i], color=colours)
        bars.set(ylim=(0, 1), yticks=[], xticks=sorted({int(guesses[i]), int(y[i])}))
        bars.tick_params(labelsize=8, length=0, pad=2)
        bars.grid(visible=False)
        bars.spines["left"].set_visible(False)
    return figure


def confusion() -> Figure:
    """True digit by predicted digit."""
    y = data().test.y
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (y, computed_on(PAGE, "guesses")[0]), 1)
    most = (counts * (1 - np.eye(10, dtype=int))).max()
    figure, axes = plt.subplots(figsize=(5.2, 4.4))
    for row, column in np.ndindex(10, 10):
        count, right = counts[row, column], row == column
        alpha = 0.35 if right else 0.85 * count / most
        square = Rectangle(
            (column - 0.5, row - 0.5), 1, 1, color=BLUE if right else ORANGE, alpha=alpha, lw=0
        )
        if count:
            axes.add_patch(square)
            axes.text(column, row, count, ha="center", va="center", fontsize=8)
    axes.set(xlim=(-0.5, 9.5), ylim=(9.5, -0.5), xticks=range(10), yticks=range(10))
    axes.set(xlabel="what the network says", ylabel="what it is")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    return figure


def weights() -> Figure:
    """Columns of W1 as images, before and after."""
    model, optimizer, after = computed_on(PAGE, "model", "optimizer", "train_state")
    before = pn.TrainState.create(model, optimizer, KEY, (28, 28))
    figure, both = plt.subplots(1, 2, figsize=(6.8, 4.2))
    for axes, state, title in zip(both, (before, after), ("before", "after"), strict=True):
        w = np.asarray(state.params[2].w).T[:12].reshape(-1, 28, 28)
        w = np.round(32 * w) / 32  # few colours make a small file
        show(axes, mosaic(w, 3), cmap=DIVERGING, vmin=-0.25, vmax=0.25)
        axes.set_title(title)
    return figure


def linear() -> Figure:
    """The ten images of weights of the page's network with no hidden layer."""
    (end,) = computed_on(PAGE, "linear_end")
    w = np.round(32 * np.asarray(end.params[2][0].w).T.reshape(-1, 28, 28)) / 32
    figure, axes = plt.subplots(figsize=(6.4, 2.7))
    show(axes, mosaic(w, 5), cmap=DIVERGING, vmin=-0.35, vmax=0.35)
    return figure


def raw_pixels() -> Figure:
    """The loss and the living units over an epoch, with scaled and with raw pixels."""
    model, optimizer = pn.serial(pn.flatten(), pn.mlp((128,), 10)), pn.sgd(0.1)
    step = jax.jit(pn.train_step(model, LOSS, optimizer))
    living = jax.jit(lambda p, x: (x.reshape(len(x), -1) @ p[1][0].w + p[1][0].b > 0).any(0).mean())
    x, y = data().train
    steps = sorted({round(t) for t in np.geomspace(1, 468, 60)})
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.8, 3))
    for name, scale in (("0 … 1", 1 / 255), ("0 … 255", 1.0)):
        state = pn.TrainState.create(model, optimizer, KEY, (28, 28))
        looked_at = np.float32(scale) * x[-500:]
        losses, alive = [], []
        for t in range(468):
            if t + 1 in steps:
                alive.append(100 * float(living(state.params, looked_at)))
            rows = slice(128 * t, 128 * t + 128)
            state, value = step(state, np.float32(scale) * x[rows], y[rows])
            losses.append(float(value))
        left.loglog(range(1, 469), losses, label=name, linewidth=1.2)
        right.semilogx(steps, alive, linewidth=1.6)
    left.set(title="loss", xlabel="step")
    right.set(title="hidden units alive, %", xlabel="step", ylim=(-3, 103))
    figure.legend(title="pixels from", loc="outside lower center", ncols=2)
    return figure
