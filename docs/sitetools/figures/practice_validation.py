"""Figures of practice/validation.md."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from sitetools.figures.practice import computed_on
from sitetools.svg import INK, PAPER, SERIES

PAGE = "practice/validation"


def overfitting() -> Figure:
    """Loss and accuracy on both sets."""
    (history,) = computed_on(PAGE, "history")
    epochs = range(1, 41)
    held = [e.validation_loss for e in history]
    figure, (above, below) = plt.subplots(2, 1, figsize=(4.4, 5), sharex=True)
    above.semilogy(
        epochs, [e.loss for e in history], "--", color=SERIES[1], label="training digits"
    )
    above.semilogy(epochs, held, color=SERIES[0], label="held-out digits")
    above.axvline(1 + int(np.argmin(held)), color=INK, linestyle="--", linewidth=0.8)
    below.plot(epochs, [100 * e.validation_accuracy for e in history], color=SERIES[0])
    above.set(title="loss")
    below.set(xlabel="epochs", title="accuracy, %")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def choosing() -> Figure:
    """The page's networks from 24 keys, on a few held-out digits and on the test set."""
    few, test = (100 * values for values in computed_on(PAGE, "few", "test"))
    best = few.argmax()
    figure, axes = plt.subplots(figsize=(4.4, 3.8))
    axes.scatter(few, test, color=SERIES[1], s=22)
    look = {"color": PAPER, "edgecolor": INK, "linewidth": 2, "zorder": 3}
    axes.scatter(few[best], test[best], marker="D", s=60, label="best on 200 digits", **look)
    middle = (few.mean() + test.mean()) / 2
    ends = (middle - 3.2, middle + 3.2)
    axes.plot(ends, ends, color=INK, linestyle=":", linewidth=1, label="the same on both")
    axes.set(xlabel="accuracy on 200 held-out digits, %", ylabel="accuracy on the test set, %")
    figure.legend(loc="outside lower center")
    return figure
