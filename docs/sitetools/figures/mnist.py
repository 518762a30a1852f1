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
from sitetools.figures import marks
from sitetools.figures.practice import computed_on
from sitetools.svg import DIVERGING, FAINT, FORWARD, INK, SERIES, WRONG

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
    """An image without axes or smoothing; NaN stays transparent."""
    axes.imshow(image, interpolation="nearest", **options)
    axes.set_axis_off()


def digits() -> Figure:
    """Ten rows, one per class."""
    x, y = data().train
    chosen = np.concatenate([x[np.flatnonzero(y == digit)[:8]] for digit in range(10)])
    figure, axes = plt.subplots(figsize=(3.8, 4.7))
    show(axes, mosaic(chosen // 64 * 85, 8), cmap="gray_r", vmin=0, vmax=255)
    return figure


def curves() -> Figure:
    """Loss and accuracy, epoch by epoch."""
    (history,) = computed_on(PAGE, "history")
    epochs = [e.epoch for e in history]
    figure, (above, below) = plt.subplots(2, 1, figsize=(4.2, 5), sharex=True)
    above.plot(
        epochs,
        [e.loss for e in history],
        "o--",
        color=SERIES[1],
        label="training digits, mean of the epoch",
    )
    above.plot(
        epochs, [e.validation_loss for e in history], "s-", color=SERIES[0], label="held-out digits"
    )
    below.plot(epochs, [100 * e.validation_accuracy for e in history], "s-", color=SERIES[0])
    above.set(title="loss", ylim=(0, None))
    below.set(xlabel="epoch", xticks=epochs, title="accuracy, %")
    figure.legend(loc="outside lower center")
    return figure


def mistakes() -> Figure:
    """The most confident mistakes and their probabilities."""
    x, y = data().test
    (p,) = computed_on(PAGE, "probabilities")
    guesses, sure = p.argmax(1), p.max(1)
    wrong = np.flatnonzero(guesses != y)
    shown = wrong[np.argsort(-sure[wrong], kind="stable")][:8]
    figure, grid = plt.subplots(4, 4, figsize=(4.6, 4.6), height_ratios=2 * (1.9, 1))
    for column, i in enumerate(shown):
        row, column = divmod(column, 4)
        image, bars = grid[2 * row : 2 * row + 2, column]
        show(image, x[i] // 32 * 36, cmap="gray_r", vmin=0, vmax=255)
        image.set_title(f"{guesses[i]}, not {y[i]}", fontsize=11)
        both = [int(guesses[i]), int(y[i])]
        bars.barh([1, 0], [1, 1], height=0.62, color=FAINT)
        bars.barh([1, 0], p[i][both], height=0.62, color=FORWARD, edgecolor=(INK, "none"))
        for place, value in zip((1, 0), p[i][both], strict=True):
            bars.text(1.05, place, f"{value:.3f}", va="center", fontsize=11)
        bars.set(xlim=(0, 2.1), ylim=(-0.6, 1.6), xticks=[], yticks=[1, 0], yticklabels=both)
        bars.tick_params(labelsize=11, length=0, pad=3)
        bars.grid(visible=False)
        bars.spines["bottom"].set_visible(False)
    return figure


def confusion() -> Figure:
    """True digit by predicted digit."""
    y = data().test.y
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (y, computed_on(PAGE, "guesses")[0]), 1)
    most = (counts * (1 - np.eye(10, dtype=int))).max()
    figure, axes = plt.subplots(figsize=(4.4, 4.2))
    for row, column in np.ndindex(10, 10):
        count, right = counts[row, column], row == column
        alpha = 0.12 if right else 0.15 + 0.6 * count / most
        square = Rectangle(
            (column - 0.5, row - 0.5), 1, 1, color=INK if right else WRONG, alpha=alpha, lw=0
        )
        if count:
            axes.add_patch(square)
            axes.text(column, row, count, ha="center", va="center", fontsize=10.5)
    axes.set(xlim=(-0.5, 9.5), ylim=(9.5, -0.5), xticks=range(10), yticks=range(10))
    axes.set(xlabel="predicted digit", ylabel="true digit")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    return figure


def weights() -> Figure:
    """Columns of W1 as images, before and after."""
    model, optimizer, after = computed_on(PAGE, "model", "optimizer", "train_state")
    before = pn.TrainState.create(model, optimizer, KEY, (28, 28))
    figure, both = plt.subplots(1, 2, figsize=(4, 4.3))
    for axes, state, title in zip(both, (before, after), ("before", "after"), strict=True):
        w = np.asarray(state.params[2].w).T[:8].reshape(-1, 28, 28)
        w = np.round(16 * w) / 16  # few colors make a small file
        show(axes, mosaic(w, 2), cmap=DIVERGING, vmin=-0.25, vmax=0.25)
        axes.set_title(title)
    return figure


def linear() -> Figure:
    """The ten images of weights of the page's network with no hidden layer."""
    (end,) = computed_on(PAGE, "linear_end")
    w = np.round(16 * np.asarray(end.params[2][0].w).T.reshape(-1, 28, 28)) / 16
    figure, axes = plt.subplots(figsize=(4.4, 1.9))
    show(axes, mosaic(w, 5), cmap=DIVERGING, vmin=-0.35, vmax=0.35)
    return figure


def raw_pixels() -> Figure:
    """The loss and the living units over the page's 200 steps, with scaled and with raw pixels."""
    (runs,) = computed_on(PAGE, "runs")
    figure, (above, below) = plt.subplots(2, 1, figsize=(4.2, 4.8), sharex=True)
    for (name, ((losses, alive), _)), color in zip(runs.items(), (INK, WRONG), strict=True):
        steps = range(1, len(losses) + 1)
        above.loglog(steps, losses, label=name, color=color, linewidth=1.2)
        below.semilogx(steps, 100 * np.asarray(alive), color=color, linewidth=1.6)
    above.set(title="loss")
    above.legend()
    below.set(title="hidden units alive, %", xlabel="step", ylim=(-3, 103))
    for axes in (above, below):
        axes.minorticks_off()
    return figure


def passes() -> str:
    """The network from top to bottom, with the values forward and the derivatives backward."""
    boxes = ("A₀  (m, 784)", "Z₁  (m, 128)", "A₁  (m, 128)", "Z₂  (m, 10)", "loss L")
    forward = ("· W₁ + b₁", "relu", "· W₂ + b₂", "softmax, −ln")
    back = ("dW₁ db₁", "dZ₁", "dA₁  dW₂ db₂", "dZ₂")
    parts = []
    for i, name in enumerate(boxes):
        y = 20 + 84 * i
        parts += [marks.box(110, y - 17, 140, 34, corner=5), marks.text(180, y, name)]
    for i, (down, up) in enumerate(zip(forward, back, strict=True)):
        y = 20 + 84 * i
        end = y + (30 if i == 0 else 18)  # nothing flows back into the images
        parts += [
            marks.arrow(150, y + 17, 150, y + 66, color=marks.FORWARD, width=2),
            marks.text(138, y + 41, down, color=marks.FORWARD, anchor="end"),
            marks.arrow(210, y + 67, 210, end, color=marks.BACKWARD, width=2),
            marks.text(222, y + 41, up, color=marks.BACKWARD, anchor="start"),
        ]
    return marks.svg(360, 376, *parts)
