"""Figures of the how-to pages."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import purenn as pn
from sitetools.figures import marks
from sitetools.figures.practice import computed_on
from sitetools.svg import BACKWARD, DASHES, FAINT, FORWARD, INK, PAPER, SERIES


def early_stopping() -> Figure:
    """The held-out losses of the page's own run."""
    values, patience = computed_on("howto/training-loop", "values", "patience")
    epochs = np.arange(1, len(values) + 1)
    best = int(np.argmin(values))
    figure, axes = plt.subplots(figsize=(4.8, 2.6))
    axes.axvspan(epochs[best], epochs[best] + patience, color=FAINT, alpha=0.6)
    axes.plot(epochs, values, color=SERIES[0], marker="o", markersize=3)
    look = {"markersize": 9, "markerfacecolor": PAPER, "markeredgewidth": 2}
    axes.plot(epochs[best], values[best], color=INK, marker="o", **look)
    axes.set(xlabel="epoch", title="held-out loss")
    return figure


def well() -> Figure:
    """The page's activation and its derivative."""
    forward, backward = computed_on("howto/own-layer", "forward", "backward")
    x = np.linspace(-4, 4, 161)
    y, cache = forward(x)
    figure, axes = plt.subplots(figsize=(4.8, 2.6))
    axes.plot(x, y, color=FORWARD, label="y")
    axes.plot(x, backward(cache, np.ones_like(x)), color=BACKWARD, label="derivative")
    axes.set(xlabel="x")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def log_cosh() -> Figure:
    """Three losses of one error."""
    errors = np.linspace(-4, 4, 161)
    figure, axes = plt.subplots(figsize=(4.8, 2.8))
    losses = {
        "log_cosh": np.log(np.cosh(errors)),
        "half the square": errors**2 / 2,
        "huber": [pn.huber(np.float32([e]), np.float32([0])) for e in errors],
    }
    for (name, loss), color, dashes in zip(losses.items(), SERIES, DASHES, strict=False):
        axes.plot(errors, loss, dashes, color=color, label=name)
    axes.set(xlabel="error", ylim=(-0.2, 5))
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def padded() -> str:
    """The page's batch, with its valid positions."""
    names = ("tokens", "valid", "characters")
    tokens, valid, characters = computed_on("howto/sequences", *names)
    size, parts = 30, []
    for (row, column), token in np.ndenumerate(tokens):
        x, y, real = 5 + size * column, 5 + size * row, valid[row, column]
        fill, opacity = (marks.PAPER, 1) if real else (marks.FAINT, 0.5)
        parts.append(marks.box(x, y, size, size, color=marks.FAINT, fill=fill, opacity=opacity))
        if real:
            parts.append(marks.text(x + size / 2, y + size / 2, characters[token]))
    rows, columns = tokens.shape
    return marks.svg(10 + size * columns, 10 + size * rows, *parts)
