"""Figures of practice/validation.md."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from sitetools.figures.practice import computed_on
from sitetools.svg import BLUE, INK, ORANGE

PAGE = "practice/validation"


def overfitting() -> Figure:
    """Loss and accuracy on both sets."""
    (history,) = computed_on(PAGE, "history")
    epochs = range(1, 41)
    held = [e.validation_loss for e in history]
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.8, 3.1))
    left.semilogy(epochs, [e.loss for e in history], color=BLUE, label="training digits")
    left.semilogy(epochs, held, color=ORANGE, label="held-out digits")
    left.axvline(1 + int(np.argmin(held)), color=INK, linestyle="--", linewidth=0.8)
    right.plot(epochs, [100 * e.validation_accuracy for e in history], color=ORANGE)
    left.set(xlabel="epochs", title="loss")
    right.set(xlabel="epochs", title="right, %")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def choosing() -> Figure:
    """The page's networks from 24 keys, on a few held-out digits and on the test set."""
    few, test = (100 * values for values in computed_on(PAGE, "few", "test"))
    best = few.argmax()
    figure, axes = plt.subplots(figsize=(5.2, 3.4))
    axes.scatter(few, test, color=BLUE, s=22)
    axes.scatter(few[best], test[best], color=ORANGE, s=60, label="best of them on 200 digits")
    middle = (few.mean() + test.mean()) / 2
    ends = (middle - 3.2, middle + 3.2)
    axes.plot(ends, ends, color=INK, linestyle=":", linewidth=1, label="the same on both")
    axes.set(xlabel="right of 200 held-out digits, %", ylabel="right of the test set, %")
    axes.legend(fontsize=8)
    return figure
