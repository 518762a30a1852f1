"""Figures of course/neuron.md."""

from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import purenn as pn
from sitetools.figures import marks
from sitetools.figures.marks import number
from sitetools.svg import BACKWARD, FORWARD, INK

NEURON = pn.serial(pn.dense(1), pn.sigmoid)
PARAMS = (pn.DenseParams(w=jnp.array([[0.5], [-1.0]]), b=jnp.array([1.5])), ())
X, TARGET = jnp.array([[1.0, 2.0]]), jnp.array([[1.0]])


@cache
def explained() -> Any:
    """Every number of the page's example."""
    return pn.explain(NEURON, pn.mse, PARAMS, ((), ()), X, TARGET)


def pair(x: float, y: float, name: str, value: Any, derivative: Any, rise: int = 0) -> str:
    """A number above a line and the derivative with respect to it below, at a point of the line."""
    before, after = ("", "") if rise == 0 else ("end", "start") if rise > 0 else ("start", "end")
    dx, dy = (0, 14) if rise == 0 else (6, 17)
    shift = dx if before == "start" else -dx
    above = marks.text(
        x + shift, y - dy, f"{name} = {number(value)}", color=marks.FORWARD, anchor=before
    )
    words = f"d{name} = {number(derivative)}"
    return above + marks.text(x - shift, y + dy, words, color=marks.BACKWARD, anchor=after)


def drawn() -> str:
    """The neuron with its numbers, from the model's parameters and its explanation."""
    e = explained()
    (w, b), _ = PARAMS
    middle, sum_x, bend_x, loss_x = 192, 232, 392, 544
    parts = [
        pair(114, 98, "w₁", w[0, 0], e["dW1"][0, 0], rise=-1),
        pair(118, middle, "w₂", w[1, 0], e["dW1"][1, 0]),
        pair(114, 286, "b", b[0], e["db1"][0], rise=1),
    ]
    for i, (words, name) in enumerate(((X[0, 0], "x₁"), (X[0, 1], "x₂"), (1, ""))):
        y = middle + 150 * (i - 1)
        parts += [
            marks.circle(26, y, 21),
            marks.text(26, y, number(words)),
            marks.text(26, y - 32, name),
            marks.arrow(47, y, sum_x - 24, middle + 12 * (i - 1)),
        ]
    parts += [
        marks.circle(sum_x, middle, 23),
        marks.text(sum_x, middle, "Σ", size=20),
        marks.arrow(sum_x + 23, middle, bend_x - 23, middle),
        pair((sum_x + bend_x) / 2, middle, "z", e["Z1"][0, 0], e["dZ1"][0, 0]),
        marks.circle(bend_x, middle, 23),
        marks.text(bend_x, middle, "σ", size=20),
        marks.arrow(bend_x + 23, middle, loss_x - 36, middle),
        pair((bend_x + loss_x - 13) / 2, middle, "a", e["A1"][0, 0], e["dA1"][0, 0]),
        marks.box(loss_x - 36, middle - 22, 76, 44, corner=6),
        marks.text(loss_x + 2, middle, "(a − t)²"),
        marks.text(loss_x + 2, middle - 38, f"t = {number(TARGET[0, 0])}"),
        marks.text(loss_x + 2, middle + 38, f"L = {number(e.value)}", color=marks.FORWARD),
    ]
    return marks.svg(590, 368, *parts, size=17)


def slope() -> Figure:
    """The loss along the first weight, its tangent, and one step along that weight."""
    (w, b), _ = PARAMS
    e = explained()
    here, slope_here = float(w[0, 0]), float(e["dW1"][0, 0])
    there = here - slope_here
    rest = float(X[0, 1] * w[1, 0] + b[0])

    def loss(w1: Any) -> Any:
        return (1 / (1 + np.exp(-(float(X[0, 0]) * w1 + rest))) - float(TARGET[0, 0])) ** 2

    figure = Figure(figsize=(4.6, 3.2), layout="constrained")
    axes = figure.subplots()
    along = np.linspace(-3.5, 4.5, 81)
    axes.plot(along, loss(along), color=FORWARD, label="loss")
    near = np.array([here - 1.6, here + 1.3])
    tangent = float(e.value) + slope_here * (near - here)
    axes.plot(near, tangent, "--", color=BACKWARD, label=f"tangent, slope {number(slope_here)}")
    for at, marker, label in ((here, "o", "before the step"), (there, "s", "after the step")):
        axes.plot(at, loss(at), marker, color=INK if at == here else FORWARD, label=label)
    axes.set_xlabel("w₁")
    axes.set_ylabel("L")
    axes.legend()
    return figure
