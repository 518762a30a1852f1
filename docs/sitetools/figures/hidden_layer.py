"""Figures of course/hidden-layer.md."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sitetools.figures.practice import computed_on
from sitetools.svg import INK, NEGATIVE, PAPER, POSITIVE, WRONG

PAGE = "course/hidden-layer"
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
Y = np.array([0, 1, 1, 0])
NAMES = ("00", "01", "10", "11")
# The page's network by pencil: both units add the bits, and the second starts a whole bit later.
PENCIL = np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([0.0, -1.0])


def neuron_on_three() -> Callable[[np.ndarray], np.ndarray]:
    """A neuron that gradient descent taught three of the four examples."""
    w, b = np.zeros(2), 0.0
    for _ in range(2000):
        dz = (1 / (1 + np.exp(-(X[:3] @ w + b))) - Y[:3]) / 3
        w, b = w - X[:3].T @ dz, b - dz.sum()
    return lambda points: points @ w + b


def grid(low: float, high: float, points: int = 101) -> tuple[np.ndarray, np.ndarray]:
    """The points of a square as rows of a batch, and one axis."""
    axis = np.linspace(low, high, points, dtype=np.float32)
    across, up = np.meshgrid(axis, axis)
    return np.stack([across.ravel(), up.ravel()], axis=1), axis


def regions(axes: Axes, axis: np.ndarray, z: np.ndarray) -> None:
    """Where a network says 1 and where 0, and the line between them."""
    values = np.asarray(z).reshape(len(axis), -1)
    axes.contourf(axis, axis, values, [-1e9, 0, 1e9], colors=[NEGATIVE, POSITIVE], alpha=0.2)
    axes.contour(axis, axis, values, [0], colors=[INK], linewidths=1.4)
    axes.set_aspect("equal")
    axes.set_xlim(axis[0], axis[-1])
    axes.set_ylim(axis[0], axis[-1])
    axes.grid(visible=False)


def corners(axes: Axes, places: np.ndarray) -> None:
    """The four examples in the color of their target; those at one place share their label."""
    at: dict[tuple[float, ...], list[int]] = {}
    for i, place in enumerate(np.asarray(places).round(6)):
        at.setdefault(tuple(place), []).append(i)
    for place, found in at.items():
        color = POSITIVE if Y[found[0]] else NEGATIVE
        axes.plot(*place, "o", color=color, markeredgecolor=PAPER, markersize=12, zorder=3)
        label = " and ".join(NAMES[i] for i in found)
        axes.annotate(label, place, xytext=(9, 7), textcoords="offset points")


def folds(axes: Axes, w: np.ndarray, b: np.ndarray, low: float, high: float) -> None:
    """The line of each hidden unit, on one side of which it is off, where it crosses the square."""
    axis = np.linspace(low, high, 2)
    for (w1, w2), bias in zip(np.asarray(w).T, np.asarray(b), strict=True):
        if abs(w1) > abs(w2):
            axes.plot(-(bias + w2 * axis) / w1, axis, "--", color=INK, linewidth=1.1)
        elif w2:
            axes.plot(axis, -(bias + w1 * axis) / w2, "--", color=INK, linewidth=1.1)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)


def bits(axes: Axes, title: str) -> None:
    """The axes of the inputs."""
    axes.set(title=title, xlabel="x₁", ylabel="x₂", xticks=[0, 1], yticks=[0, 1])


def two_panels() -> tuple[Figure, Any]:
    """One above the other, so that the letters stay readable on a phone."""
    figure = Figure(figsize=(3.6, 6.6), layout="constrained")
    return figure, figure.subplots(2, 1)


def decision_regions() -> Figure:
    """What one neuron says of every point of the plane, and what eight hidden units say."""
    model, trained = computed_on(PAGE, "model", "trained")
    apply = jax.jit(model.apply)

    def eight(points: np.ndarray) -> np.ndarray:
        return np.asarray(apply(trained.params, trained.state, points)[0])[:, 0]

    figure, panels = two_panels()
    points, axis = grid(-0.5, 1.5)
    networks = {"one neuron": neuron_on_three(), "8 hidden units": eight}
    for axes, (name, network) in zip(panels, networks.items(), strict=True):
        regions(axes, axis, network(points))
        corners(axes, X)
        right = int(np.sum((network(X) > 0) == (Y == 1)))
        bits(axes, f"{name}: {right} of 4 right")
    folds(panels[1], trained.params[0].w, trained.params[0].b, -0.5, 1.5)
    return figure


def features() -> Figure:
    """The four examples before and after the hidden layer of the pencil's network."""
    w, b = PENCIL

    def hidden(points: np.ndarray) -> np.ndarray:
        return np.maximum(0, points @ w + b)

    def last(a: np.ndarray) -> np.ndarray:
        return a[:, 0] - 2 * a[:, 1] - 0.5

    figure, (before, after) = two_panels()
    points, axis = grid(-0.5, 1.5)
    regions(before, axis, last(hidden(points)))
    folds(before, w, b, -0.5, 1.5)
    corners(before, X)
    bits(before, "the inputs")
    points, axis = grid(-0.4, 2.6)
    regions(after, axis, last(points))
    corners(after, hidden(X))
    after.set(title="the hidden layer's outputs", xlabel="a₁", ylabel="a₂")
    after.set(xticks=[0, 1, 2], yticks=[0, 1, 2])
    return figure


def luck() -> Figure:
    """The losses of the page's twenty runs, with two hidden units and with eight."""
    networks, learned, right = computed_on(PAGE, "networks", "learned", "right")
    figure = Figure(figsize=(4.4, 4.8), layout="constrained")
    for axes, units in zip(figure.subplots(2, 1, sharex=True), (2, 8), strict=True):
        params, losses = learned[units]
        count = right(networks[units], params)
        for curve, found in zip(losses, count, strict=True):
            color = INK if found == 4 else WRONG
            axes.plot(curve, color=color, linewidth=1.1, alpha=0.75)
        axes.set_title(f"{units} hidden units: {np.sum(count == 4)} of {len(count)} learn XOR")
        axes.set_ylabel("loss")
        axes.set_ylim(0, 1.05)
    axes.set_xlabel("step")
    return figure
