"""Pictures of a trained MNIST model, for `mnist.py`. Each function writes one PNG file."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure  # used by itself: no display, no global state
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

import purenn as pn

BLUE, ORANGE = "#0072B2", "#D55E00"  # Okabe and Ito's: distinct for every kind of color vision


def draw(folder: Path, model: Any, learned: Any, history: Any, test: Any) -> None:
    """Draw all four."""
    x, y = test
    curves(folder / "curves.png", history)
    weights(folder / "weights.png", next(part.w for part in learned[0] if part))
    probabilities = np.asarray(pn.softmax(pn.predict(model, *learned, x)))
    confusion(folder / "confusion.png", probabilities, y)
    mistakes(folder / "mistakes.png", x, probabilities, y)


def curves(path: Path, history: Any) -> None:
    """Draw loss and accuracy, epoch by epoch."""
    epochs = [e.epoch for e in history]
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(epochs, [e.loss for e in history], "o-", color=BLUE, label="training, epoch's mean")
    left.plot(epochs, [e.validation_loss for e in history], "s--", color=ORANGE, label="validation")
    left.set(title="Loss", ylabel="cross-entropy", ylim=(0, None))
    percent = [100 * e.validation_accuracy for e in history]
    right.plot(epochs, percent, "s--", color=ORANGE)
    right.set(title=f"Accuracy: {percent[-1]:.2f} % at the end", ylabel="right (%)")
    right.set_ylim(top=min(100, right.get_ylim()[1]))
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    for axes in (left, right):
        axes.set(xlabel="epoch", xlim=(0.5, epochs[-1] + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def confusion(path: Path, probabilities: Any, y: Any) -> None:
    """Draw how often each digit was taken for each other. Mistakes are colored."""
    guesses = np.argmax(probabilities, axis=-1)
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (y, guesses), 1)
    mistakes = counts * (1 - np.eye(10, dtype=int))
    figure = Figure(figsize=(7.5, 6.8), layout="constrained")
    axes = figure.subplots()
    most = max(mistakes.max(), 1)
    image = axes.imshow(mistakes, cmap="Oranges", vmin=0, vmax=most)
    for row, column in np.ndindex(10, 10):
        count = counts[row, column]
        if row == column:
            axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, color=BLUE, linewidth=0))
        axes.text(
            column,
            row,
            f"{count}" if count else "·",
            ha="center",
            va="center",
            color="white" if row == column or count > 0.7 * most else "black",
            weight="bold" if row == column else "normal",
        )
    axes.set(
        title=f"{len(y):,} test images: {mistakes.sum():,} mistakes, "
        f"{100 * np.mean(guesses == y):.2f} % right",
        xlabel="predicted digit",
        ylabel="true digit",
        xticks=range(10),
        yticks=range(10),
    )
    axes.tick_params(length=0)
    figure.colorbar(image, label="mistakes (blue: right)", shrink=0.8)
    figure.savefig(path, dpi=120)


def weights(path: Path, w: Any, most: int = 128) -> None:
    """Draw the first layer's weights, one image per unit: where ink speaks for or against it.

    A dense layer's `w` is `(784, units)`; a convolution's is `(3, 3, 1, features)`.
    """
    size = (28, 28, -1) if w.ndim == 2 else (3, 3, -1)
    units = np.asarray(w, np.float32).reshape(size).transpose(2, 0, 1)
    height, width = units.shape[1:]
    count = min(len(units), most)
    columns = min(16, math.ceil(math.sqrt(2 * count)))
    rows = math.ceil(count / columns)
    # One picture of all the units, with gaps between them: NaN stays white.
    gap = 2 if height > 10 else 1
    tiles = np.full((rows, columns, height + gap, width + gap), np.nan, np.float32)
    tiles.reshape(-1, *tiles.shape[2:])[:count, :height, :width] = units[:count]
    picture = np.block([list(row) for row in tiles])
    # A few extreme weights would make the rest pale; the color bar's points say "and beyond".
    limit = max(float(np.nanquantile(np.abs(picture), 0.995)), 1e-12)
    inches = max(0.75, 6 / columns)
    size = (max(columns * inches + 1, 7), rows * inches + 0.6)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(picture, cmap="PRGn", vmin=-limit, vmax=limit, interpolation="nearest")
    axes.set_axis_off()
    which = "all" if count == len(units) else f"the first {count} of"
    title = f"Weights of the first layer: {which} {len(units)} units, {height}×{width} pixels each"
    axes.set_title(title)
    figure.colorbar(image, label="weight", extend="both", shrink=0.8, pad=0.02)
    figure.savefig(path, dpi=120)


def mistakes(path: Path, x: Any, probabilities: Any, y: Any, most: int = 40) -> None:
    """Draw the digits that the network got wrong, the most confident mistakes first."""
    probabilities = np.asarray(probabilities)
    guesses, sure = np.argmax(probabilities, axis=-1), np.max(probabilities, axis=-1)
    wrong = np.flatnonzero(guesses != y)
    shown = wrong[np.argsort(-sure[wrong], kind="stable")][:most]
    rows = max(1, math.ceil(len(shown) / 8))
    figure = Figure(figsize=(11.4, 1.7 * rows + 0.6), layout="constrained")
    grid = figure.subplots(rows, 8, squeeze=False).ravel()
    for i, axes in enumerate(grid):
        axes.set(xticks=[], yticks=[], visible=i < len(shown))
        axes.spines[:].set(color="0.8", linewidth=0.5)
    for axes, i in zip(grid, shown, strict=False):
        axes.imshow(x[i], cmap="gray_r", vmin=0, vmax=255)
        axes.set_title(
            f"predicted {guesses[i]} ({100 * sure[i]:.1f} %)\ntrue {y[i]}", fontsize=8, pad=3
        )
    figure.suptitle(
        f"{len(wrong):,} mistakes in {len(y):,} test images: the {len(shown)} most confident, "
        "each with the probability of its prediction"
    )
    figure.savefig(path, dpi=120)
