"""Pictures of a trained language model, for `language.py`. Each function writes one PNG file."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure  # used by itself: no display, no global state
from matplotlib.ticker import MaxNLocator

BLUE, ORANGE = "#0072B2", "#D55E00"  # Okabe and Ito's: distinct for every kind of color vision


def curves(path: Path, history: Any, steps: int) -> None:
    """Draw the bits per character, epoch by epoch."""
    epochs = [e.epoch for e in history]
    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    axes = figure.subplots()
    training = [e.loss / math.log(2) for e in history]
    held = [e.validation_loss / math.log(2) for e in history]
    axes.plot(epochs, training, "o-", color=BLUE, markersize=3, label="training, epoch's mean")
    axes.plot(epochs, held, "s--", color=ORANGE, markersize=3, label="held out, after the epoch")
    axes.set(
        title=f"Bits per character: {held[-1]:.3f} held out at the end",
        xlabel=f"epoch of {steps:,} steps",
        ylabel="bits per character",
        xlim=(0.5, epochs[-1] + 0.5),
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


def attention(path: Path, weights: Any, text: str, block: int) -> None:
    """Draw where each character looks, one panel per head.

    Args:
        path: the file.
        weights: `(heads, time, time)`; each row sums to one.
        text: the sentence, one character per position.
        block: which block of the network they belong to, counted from 0.
    """
    weights = np.asarray(weights)
    heads, time, _ = weights.shape
    columns = math.ceil(math.sqrt(heads))
    rows = math.ceil(heads / columns)
    inches = max(3.0, 0.135 * time)
    size = (columns * inches + 1, rows * (inches + 0.3) + 0.6)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    marks = [{"\n": "¶", " ": "·"}.get(character, character) for character in text]
    for head, axes in enumerate(grid):
        if head >= heads:
            axes.set_visible(False)
            continue
        image = axes.imshow(weights[head], cmap="Blues", norm=PowerNorm(0.5, 0, 1))
        axes.set_title(f"head {head + 1}", fontsize=9)
        axes.set_xticks(range(time), marks, fontsize=7, family="monospace")
        axes.set_yticks(range(time), marks, fontsize=7, family="monospace")
        axes.tick_params(length=0, pad=1)
        axes.spines[:].set(color="0.8", linewidth=0.5)
    figure.supylabel("this character …", fontsize=9)
    figure.supxlabel("… looks at these (· is a space, ¶ the end of a line)", fontsize=9)
    figure.suptitle(f"Attention of block {block + 1}: the weights of each row sum to one")
    figure.colorbar(image, ax=list(grid[:heads]), label="weight", shrink=0.7)
    figure.savefig(path, dpi=120)
