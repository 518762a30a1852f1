"""Figures of course/hidden-layer.md."""

from functools import cache
from typing import Any

import jax
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import purenn as pn
from sitetools.svg import BLUE, INK, ORANGE, PAPER, PURPLE

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
Y = np.array([[0], [1], [1], [0]], np.float32)


@cache
def best_of_twenty(hidden: tuple[int, ...], examples: int = 4) -> tuple[pn.Layer, Any]:
    """The model and the parameters of the run with the lowest last loss, of twenty keys.

    It is shown the first `examples` of the four.
    """
    model = pn.mlp(hidden, 1)
    optimizer = pn.adam(0.05)

    @jax.jit
    @jax.vmap
    def start(key: Any) -> pn.TrainState:
        return pn.TrainState.create(model, optimizer, key, (2,))

    step = pn.train_step(model, pn.sigmoid_binary_cross_entropy, optimizer)
    step = jax.jit(jax.vmap(step, (0, None, None)))
    runs = start(jax.random.split(jax.random.key(0), 20))
    for _ in range(500):
        runs, losses = step(runs, X[:examples], Y[:examples])
    best = int(losses.argmin())
    return model, jax.tree.map(lambda leaf: leaf[best], runs.params)


def grid(low: float, high: float, points: int = 61) -> tuple[np.ndarray, np.ndarray]:
    """The two axes of a square as columns of a batch, and one axis."""
    axis = np.linspace(low, high, points, dtype=np.float32)
    across, up = np.meshgrid(axis, axis)
    return np.stack([across.ravel(), up.ravel()], axis=1), axis


def regions(axes: Axes, axis: np.ndarray, logits: np.ndarray) -> None:
    """Where a network says 1 and where 0, and the line between them."""
    values = np.asarray(logits).reshape(len(axis), -1)
    axes.contourf(axis, axis, values, [-1e9, 0, 1e9], colors=[BLUE, ORANGE], alpha=0.22)
    if values.min() < 0 < values.max():
        axes.contour(axis, axis, values, [0], colors=[INK], linewidths=1.4)
    axes.set_aspect("equal")
    axes.grid(visible=False)


def corners(axes: Axes, places: np.ndarray, names: Any = ("00", "01", "10", "11")) -> None:
    """The four examples in the colour of their target."""
    for place, target, name in zip(np.asarray(places), Y[:, 0], names, strict=True):
        colour = ORANGE if target else BLUE
        axes.plot(*place, "o", color=colour, markeredgecolor=PAPER, markersize=11, zorder=3)
        axes.annotate(
            name,
            place,
            xytext=(8, -14 if " " in name else 6),
            textcoords="offset points",
            fontsize=10,
        )


def folds(axes: Axes, params: Any, low: float, high: float) -> None:
    """The line of each hidden unit, on one side of which it is off, where it crosses the square."""
    axis = np.linspace(low, high, 2)
    for (w1, w2), b in zip(np.asarray(params[0].w).T, np.asarray(params[0].b), strict=True):
        if abs(w1) > abs(w2):
            axes.plot(-(b + w2 * axis) / w1, axis, "--", color=PURPLE, linewidth=1.1)
        else:
            axes.plot(axis, -(b + w1 * axis) / w2, "--", color=PURPLE, linewidth=1.1)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)


def decision_regions() -> Figure:
    """What one neuron says of every point of the plane, and what eight hidden units say."""
    figure = Figure(figsize=(5.4, 2.9), layout="constrained")
    points, axis = grid(-0.5, 1.5)
    for axes, hidden, examples in zip(figure.subplots(1, 2), ((), (8,)), (3, 4), strict=True):
        model, params = best_of_twenty(hidden, examples)
        logits, _ = model.apply(params, tuple(() for _ in params), points)
        at_corners, _ = model.apply(params, tuple(() for _ in params), X)
        regions(axes, axis, logits)
        if hidden:
            folds(axes, params, -0.5, 1.5)
        corners(axes, X)
        right = int(np.sum((np.asarray(at_corners) > 0) == (Y > 0.5)))
        who = f"{hidden[0]} hidden units" if hidden else "one neuron"
        axes.set_title(f"{who}: {right} of 4 right")
        axes.set_xlabel("x₁")
        axes.set_ylabel("x₂")
        axes.set_xticks([0, 1])
        axes.set_yticks([0, 1])
    return figure


def features() -> Figure:
    """The four examples before and after the hidden layer of two units."""
    model, params = best_of_twenty((2,))
    hidden = pn.serial(pn.dense(2), pn.relu)
    a, _ = hidden.apply(params[:2], ((), ()), X)
    figure = Figure(figsize=(5.4, 2.9), layout="constrained")
    before, after = figure.subplots(1, 2)

    points, axis = grid(-0.5, 1.5)
    logits, _ = model.apply(params, ((), (), ()), points)
    regions(before, axis, logits)
    folds(before, params, -0.5, 1.5)
    corners(before, X)
    before.set_title("the inputs")
    before.set_xlabel("x₁")
    before.set_ylabel("x₂")
    before.set_xticks([0, 1])
    before.set_yticks([0, 1])

    high = 1.25 * float(np.max(a))
    points, axis = grid(-0.12 * high, high)
    logits, _ = pn.dense(1).apply(params[2], (), points)
    regions(after, axis, logits)
    places: dict[tuple[float, ...], list[str]] = {}
    for name, place in zip(("00", "01", "10", "11"), np.asarray(a).round(2), strict=True):
        places.setdefault(tuple(place), []).append(name)
    names = [" ".join(places.pop(tuple(place), [])) for place in np.asarray(a).round(2)]
    corners(after, a, names)
    after.set_title("the hidden layer's outputs")
    after.set_xlabel("a₁")
    after.set_ylabel("a₂")
    return figure
