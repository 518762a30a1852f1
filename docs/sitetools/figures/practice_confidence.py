"""Figures of practice/confidence.md."""

import jax
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import purenn as pn
from sitetools.figures.practice import computed_on
from sitetools.svg import INK, SERIES

PAGE = "practice/confidence"


def no_digits() -> Figure:
    """Noise and letters with the answers of one network."""
    noise, letters, sure = computed_on(PAGE, "noise", "letters", "sure")
    figure, grid = plt.subplots(4, 4, figsize=(4.4, 5.2))
    images = np.concatenate([noise[:8] // 64 * 80, letters])
    for axes, image, top, digit in zip(grid.flat, images, *sure(images), strict=True):
        axes.imshow(image, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
        axes.set_title(f"{digit}: {top:.0%}")
        axes.set_axis_off()
    return figure


def rotated() -> Figure:
    """Accuracy and confidence over the angle."""
    names = "rotated", "logits_of", "softmax", "x_test", "y_test"
    turn, logits_of, softmax, x, y = computed_on(PAGE, *names)
    angles = np.arange(0, 181, 15)
    right, one, eight = [], [], []
    for angle in angles:
        p = np.asarray(softmax(logits_of(turn(x[:1_000], int(angle)))))
        right.append(100 * np.mean(p[0].argmax(1) == y[:1_000]))
        one.append(100 * p[0].max(1).mean())
        eight.append(100 * p.mean(0).max(1).mean())
    figure, axes = plt.subplots(figsize=(4.4, 3.8))
    axes.plot(angles, one, "o--", markersize=4, color=SERIES[1], label="confidence, one network")
    axes.plot(
        angles, eight, "s-.", markersize=4, color=SERIES[2], label="confidence, mean of eight"
    )
    axes.plot(angles, right, "D-", markersize=4, color=SERIES[0], label="accuracy, one network")
    axes.set(xlabel="rotation, degrees", ylabel="%", ylim=(0, 100), xticks=angles[::2])
    figure.legend(loc="outside lower center")
    return figure


def reliability() -> Figure:
    """Share that is right over the probability said."""
    # What stands above the figure on its page: with a name from below it the page would run again.
    names = "reliability", "p", "softmax", "z_test", "logits_of", "x_held", "y_held", "y_test"
    bins_of, p, softmax, z_test, logits_of, x_held, y_held, y_test = computed_on(PAGE, *names)
    z_held = logits_of(x_held)[0]
    temperatures = np.linspace(0.5, 3, 101, dtype=np.float32)
    losses = jax.lax.map(lambda t: pn.softmax_cross_entropy(z_held / t, y_held), temperatures)
    best = temperatures[np.argmin(losses)]
    answers = {
        "one network": (p, SERIES[1], "o--"),
        f"with T = {best:.2f}": (np.asarray(softmax(z_test / best))[0], SERIES[1], "^-."),
        "mean of eight": (np.asarray(softmax(z_test)).mean(0), SERIES[0], "s-"),
    }
    figure, axes = plt.subplots(figsize=(4.4, 4.2))
    axes.plot((30, 100), (30, 100), color=INK, linestyle=":", linewidth=1)
    for name, (probabilities, color, style) in answers.items():
        rows, _ = bins_of(probabilities, y_test, edges=np.linspace(0.2, 1, 9))
        _, said, was = 100 * np.array(rows).T
        axes.plot(said, was, style, color=color, markersize=5, label=name, lw=1.2)
    axes.set(xlabel="claimed probability, %", ylabel="right, %", xlim=(20, 101), ylim=(20, 101))
    axes.legend()
    return figure
