"""Figures of course/hidden-layer.md."""

from typing import Any

import jax
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import purenn as pn
from sitetools.figures.practice import computed_on
from sitetools.svg import BLUE, INK, ORANGE, PAPER, PURPLE

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
Y = np.array([[0], [1], [1], [0]], np.float32)


def neuron_on_three() -> tuple[pn.Layer, Any]:
    """One neuron and its best parameters of twenty keys, when shown three of the four."""
    model = pn.mlp((), 1)
    optimizer = pn.adam(0.05)

    @jax.jit
    @jax.vmap
    def start(key: Any) -> pn.TrainState:
        return pn.TrainState.create(model, optimizer, key, (2,))

    step = pn.train_step(model, pn.sigmoid_binary_cross_entropy, optimizer)
    step = jax.jit(jax.vmap(step, (0, None, None)))
    runs = start(jax.random.split(jax.random.key(0), 20))
    for _ in range(500):
        runs, losses = step(runs, X[:3], Y[:3])
    return model, best_of(runs.params, losses)


def best_of(params: Any, losses: Any) -> Any:
    """Of many runs the parameters of the one with the lowest last loss."""
    best = int(np.argmin(np.asarray(losses)))
    return jax.tree.map(lambda leaf: np.asarray(leaf)[best], params)


def best_on_the_page(units: int) -> tuple[pn.Layer, Any]:
    """The page's network with so many hidden units, and its best parameters."""
    networks, learned = computed_on("course/hidden-layer", "networks", "learned")
    return networks[units], best_of(*learned[units])


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
    shown = neuron_on_three(), best_on_the_page(8)
    for axes, units, (model, params) in zip(figure.subplots(1, 2), (0, 8), shown, strict=True):
        apply = jax.jit(model.apply)
        logits, _ = apply(params, tuple(() for _ in params), points)
        at_corners, _ = apply(params, tuple(() for _ in params), X)
        regions(axes, axis, logits)
        if units:
            folds(axes, params, -0.5, 1.5)
        corners(axes, X)
        right = int(np.sum((np.asarray(at_corners) > 0) == (Y > 0.5)))
        who = f"{units} hidden units" if units else "one neuron"
        axes.set_title(f"{who}: {right} of 4 right")
        axes.set_xlabel("x₁")
        axes.set_ylabel("x₂")
        axes.set_xticks([0, 1])
        axes.set_yticks([0, 1])
    return figure


def features() -> Figure:
    """The four examples before and after the hidden layer of two units."""
    model, params = best_on_the_page(2)
    hidden = pn.serial(pn.dense(2), pn.relu)
    a = np.asarray(jax.jit(hidden.apply)(params[:2], ((), ()), X)[0])
    figure = Figure(figsize=(5.4, 2.9), layout="constrained")
    before, after = figure.subplots(1, 2)

    points, axis = grid(-0.5, 1.5)
    logits, _ = jax.jit(model.apply)(params, ((), (), ()), points)
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
    logits, _ = jax.jit(pn.dense(1).apply)(params[2], (), points)
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
