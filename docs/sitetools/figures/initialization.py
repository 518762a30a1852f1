"""Figures of course/initialization.md."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from sitetools.figures.mnist import data, mosaic, show
from sitetools.figures.practice import computed_on
from sitetools.svg import DIVERGING, FORWARD

PAGE = "course/initialization"
DEPTH, WIDTH = 12, 128


def units() -> Figure:
    """Incoming weights of the page's networks, one image per unit; few colors make a small file."""
    (learned,) = computed_on(PAGE, "learned")
    figure, rows = plt.subplots(2, 1, figsize=(4.2, 2.9))
    for axes, name in zip(rows, ("all 0.05", "he_normal"), strict=True):
        w = learned[name][0].T[:4].reshape(-1, 28, 28)
        show(axes, mosaic(np.round(w * 32) / 32, 4), cmap=DIVERGING, vmin=-0.2, vmax=0.2)
        axes.set_title(f"all units started {'at 0.05' if name == 'all 0.05' else 'at random'}")
    return figure


def signals(scale: float) -> list[np.ndarray]:
    """The outputs of twelve layers of tanh on digits, by Glorot's deviation times `scale`."""
    rng = np.random.default_rng(0)
    a, outputs = data().train.x[:256].reshape(256, -1) / 255, []
    for _ in range(DEPTH):
        deviation = scale * np.sqrt(2 / (a.shape[1] + WIDTH))
        a = np.tanh(a @ rng.normal(scale=deviation, size=(a.shape[1], WIDTH)))
        outputs.append(a)
    return outputs


def histograms() -> Figure:
    """The activations under three initializations: faded, alive, saturated."""
    figure, grid = plt.subplots(3, 3, figsize=(4.4, 4.6), sharex=True)
    scales = {"Glorot's / 10": 0.1, "Glorot's": 1.0, "5 × Glorot's": 5.0}
    for row, (name, scale) in zip(grid, scales.items(), strict=True):
        outputs = signals(scale)
        for axes, layer in zip(row, (1, 4, 12), strict=True):
            values = outputs[layer - 1].ravel()
            axes.hist(
                values,
                bins=np.linspace(-1, 1, 31),
                density=True,
                histtype="stepfilled",
                color=FORWARD,
            )
            axes.set(yticks=[], xticks=[-1, 0, 1])
            axes.set_title(f"layer {layer}: {values.std():.1g}", fontsize=10.5)
        row[0].set_ylabel(name, fontsize=10.5)
    return figure
