"""Figures of course/batch-size.md."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from sitetools.figures.practice import computed_on
from sitetools.svg import BACKWARD, INK

PAGE = "course/batch-size"


def spread() -> Figure:
    """The noise of the page's batches at the start and later, beside the formula."""
    sizes, at_start, later = computed_on(PAGE, "sizes", "at_start", "later")
    figure, axes = plt.subplots(figsize=(4.2, 3.4))
    for (length, found), name, mark in (
        (later, "after 200 steps", "s"),
        (at_start, "at the start", "o"),
    ):
        (points,) = axes.plot(sizes, found[:, 0] / length, mark, label=name)
        axes.plot(sizes, found[:, 1] / length, color=points.get_color(), linewidth=1.2)
    axes.axhline(1, color=INK, linestyle=":", linewidth=1.2)
    axes.set_xscale("log", base=4)
    axes.set_yscale("log")
    axes.set(xticks=sizes, xlabel="batch size m", ylabel="spread / length of the gradient")
    axes.set_xticklabels([str(m) for m in sizes])
    axes.minorticks_off()
    axes.legend()
    return figure


def valleys() -> Figure:
    """The loss after the page's passes, by the rate, for each batch size."""
    rates, losses = computed_on(PAGE, "rates", "losses")
    figure, axes = plt.subplots(figsize=(4.2, 3.4))
    for (m, found), mark in zip(losses.items(), "os^v", strict=True):
        shown = np.where(np.isfinite(found), found, np.inf)
        axes.plot(rates, shown, marker=mark, markersize=4, label=f"m = {m}")
    axes.set(xscale="log", xlabel="learning rate", ylabel="loss after one pass", ylim=(0, 3))
    axes.minorticks_off()
    axes.legend()
    return figure


def cliff() -> Figure:
    """The loss of w to the power of 20 and its gradient, with the page's clipped walk."""
    (places,) = computed_on(PAGE, "steps_down")
    w = np.linspace(0.6, 1.22, 200)
    y = w**20
    figure, (above, below) = plt.subplots(2, 1, figsize=(4.2, 5), sharex=True)
    above.plot(w, (y - 1) ** 2 / 2, color=INK)
    places = np.array(places[:21:2])
    above.plot(places, (places**20 - 1) ** 2 / 2, "o", color=BACKWARD, markersize=5)
    above.set(title="loss", ylim=(-20, 720))
    below.semilogy(w, np.abs((y - 1) * 20 * w**19), color=BACKWARD)
    below.axhline(1, color=INK, linestyle=":", linewidth=1.2)
    below.minorticks_off()
    below.set(title="length of the gradient", xlabel="w", ylim=(1e-3, 1e5))
    return figure
