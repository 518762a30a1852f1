"""Figures of course/backpropagation.md, on the network 2-3-2 of the page."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from sitetools.figures import marks
from sitetools.figures.practice import computed_on
from sitetools.svg import BACKWARD, FORWARD, INK

X_OF = (50, 210, 370)  # of each layer's units
HEIGHT, STEP, RADIUS = 226, 61, 26
SIZES = (2, 3, 2)  # the units of each layer


def network() -> str:
    """The network of the page, with the letter that counts the units of each layer."""
    parts = []
    for layer in (0, 1):
        for x1, y1 in places(layer, SIZES[layer]):
            for x2, y2 in places(layer + 1, SIZES[layer + 1]):
                parts.append(marks.line(x1, y1, x2, y2, color=marks.FAINT))
        middle = (X_OF[layer] + X_OF[layer + 1]) / 2
        parts.append(marks.text(middle, 14, ("W₁, b₁", "W₂, b₂")[layer]))
    rows = (("X", "inputs", "p"), ("A₁", "hidden units", "j"), ("A₂", "classes", "c"))
    for layer, (name, words, letter) in enumerate(rows):
        x = X_OF[layer]
        for i, (_, y) in enumerate(places(layer, SIZES[layer])):
            parts.append(marks.circle(x, y, RADIUS) + marks.text(x, y, str(i + 1), size=13))
        parts.append(marks.text(x, 14, name))
        parts.append(marks.text(x, HEIGHT - 2, f"{words}, {letter}"))
    return marks.svg(420, HEIGHT + 10, *parts, size=14)


def passes() -> str:
    """The order of both passes, and the values of the forward pass that each step back needs."""
    left, right, width, high, step = 62, 268, 108, 34, 62
    forward = ("X", "Z₁ = X W₁ + b₁", "A₁ = max(0, Z₁)", "Z₂ = A₁ W₂ + b₂", "A₂ = softmax(Z₂)", "L")
    at = [30 + step * i for i in range(len(forward))]
    parts = [marks.text(left + 14, 10, "forward", color=marks.FORWARD)]
    parts.append(marks.text(right, 10, "backward", color=marks.BACKWARD))
    for i, (y, words) in enumerate(zip(at, forward, strict=True)):
        parts.append(boxed(left + 14, y + 16, 2 * left + 10, high, words, marks.FORWARD))
        if i:
            above = at[i - 1] + 16 + high / 2
            parts.append(
                marks.arrow(left + 14, above, left + 14, y + 15 - high / 2, color=marks.FORWARD)
            )
    # the backward pass, from the loss up: height, words, and the value that each step needs
    back = (
        (at[4] + 16, "dZ₂ = (A₂ − Y)/m", 4),
        (at[3] + 16, "dW₂ = A₁ᵀ dZ₂", 2),
        (at[2] + 16, "dA₁ = dZ₂ W₂ᵀ", None),
        (at[1] + 16, "dZ₁ = dA₁ ⊙ (Z₁ > 0)", 1),
        (at[0] + 16, "dW₁ = Xᵀ dZ₁", 0),
    )
    edge, start = left + 14 + left + 5, right - width / 2 - 22
    for y, words, needed in back:
        parts.append(boxed(right, y, width + 44, high, words, marks.BACKWARD))
        if needed is not None:
            parts.append(
                f'<line x1="{edge}" y1="{at[needed] + 16}" x2="{start}" y2="{y}" '
                f'stroke="{marks.INK}" stroke-dasharray="4 4"/>'
            )
    parts.append(elbow(edge, at[5] + 16, right, at[4] + 17 + high / 2))
    for (lower, *_), (upper, *_) in ((back[0], back[1]), (back[2], back[3]), (back[3], back[4])):
        parts.append(
            marks.arrow(right, lower - high / 2, right, upper + 1 + high / 2, color=marks.BACKWARD)
        )
    # dA₁ comes from dZ₂ as well, around the weights' gradient
    out = right + width / 2 + 22
    path = f"M{out} {at[4] + 16}h14V{at[2] + 16}h-6"
    parts.append(f'<path d="{path}" fill="none" stroke="{marks.BACKWARD}" stroke-width="1.5"/>')
    parts.append(marks.arrow(out + 13, at[2] + 16, out + 1, at[2] + 16, color=marks.BACKWARD))
    return marks.svg(364, at[5] + 38, *parts, size=13.5)


def boxed(x: float, y: float, width: float, height: float, words: str, color: str) -> str:
    """Words in a box; `x, y` is its middle."""
    frame = marks.box(x - width / 2, y - height / 2, width, height, color=color, corner=5)
    return frame + marks.text(x, y, words)


def elbow(x1: float, y1: float, x2: float, y2: float) -> str:
    """An arrow to the right and then up."""
    return marks.line(x1, y1, x2, y1, color=marks.BACKWARD) + marks.arrow(
        x2, y1, x2, y2, color=marks.BACKWARD
    )


class Example(NamedTuple):
    """The page's example: one row of each value, and the weights."""

    units: list[np.ndarray]  # X, A1, Z2
    slopes: list[np.ndarray]  # dX, dZ1, dZ2
    weights: list[np.ndarray]


def worked(row: int) -> Example:
    """The example of the page, as its `explain` computed it."""
    e, x, params = computed_on("course/backpropagation", "explanation", "X", "params")
    units = [np.asarray(v)[row] for v in (x, e["A1"], e["Z2"])]
    slopes = [np.asarray(v)[row] for v in (e[0].dx, e["dZ1"], e["dZ2"])]
    return Example(units, slopes, [np.asarray(params[i].w) for i in (0, 2)])


def number(v: float) -> str:
    """Three digits, with a real minus sign."""
    return f"{v:.3g}".replace("-", "−") if abs(v) > 1e-9 else "0"


def places(layer: int, count: int) -> Iterator[tuple[float, float]]:
    """The places of the units of a layer."""
    for i in range(count):
        yield X_OF[layer], HEIGHT / 2 - 2 + (i - (count - 1) / 2) * STEP


def edges(values: list[np.ndarray], largest: float) -> Iterator[str]:
    """A line for each weight, as wide as its value."""
    for layer, matrix in enumerate(values):
        for i, (x1, y1) in enumerate(places(layer, matrix.shape[0])):
            for j, (x2, y2) in enumerate(places(layer + 1, matrix.shape[1])):
                v = matrix[i, j]
                zero = abs(v) < 1e-9
                color = marks.INK if zero else marks.POSITIVE if v > 0 else marks.NEGATIVE
                width = 1 if zero else 1 + 7 * abs(v) / largest
                dashes = ' stroke-dasharray="3 4" stroke-opacity="0.5"' if zero else ""
                yield (
                    f'<line x1="{x1}" y1="{y1:g}" x2="{x2}" y2="{y2:g}" '
                    f'stroke="{color}" stroke-width="{width:.1f}"{dashes}/>'
                )


def units(values: list[np.ndarray], names: tuple[str, ...]) -> Iterator[str]:
    """A circle for each unit with its number, and the name of each layer."""
    for layer, (row, name) in enumerate(zip(values, names, strict=True)):
        for v, (x, y) in zip(row, places(layer, len(row)), strict=True):
            yield marks.circle(x, y, RADIUS) + marks.text(x, y, number(v), size=13)
        yield f'<text x="{X_OF[layer]}" y="{HEIGHT}">{name}</text>'


def panel(
    top: int, title: str, lines: list[np.ndarray], row: list[np.ndarray], names: tuple[str, ...]
) -> str:
    """One network, with a value for each line and a number in each unit."""
    largest = max(float(np.abs(m).max()) for m in lines)
    parts = [*edges(lines, largest), *units(row, names)]
    head = f'<text x="210" y="13" font-weight="bold">{title}</text>'
    return f'<g transform="translate(0 {top})">{head}{"".join(parts)}</g>'


def flow() -> str:
    """Example 2 of the page: its forward pass, its backward pass, and each weight's gradient."""
    example = worked(1)
    a, d, w = example.units, example.slopes, example.weights
    forward = [a[i][:, None] * w[i] for i in (0, 1)]  # x_i w_ij, whose sum over i is z_j
    backward = [w[i] * d[i + 1][None, :] for i in (0, 1)]  # dz_j w_ij, whose sum over j is da_i
    gradients = [np.outer(a[i], d[i + 1]) for i in (0, 1)]  # this example's share of dW
    between = HEIGHT + 26
    panels = (
        panel(0, "forward: input × weight", forward, a, ("X", "A₁", "Z₂")),
        panel(between, "backward: dZ × weight", backward, d, ("dX", "dZ₁", "dZ₂")),
        panel(
            2 * between, "gradient dW: input × dZ", gradients, [a[0], *d[1:]],
            ("X", "dZ₁", "dZ₂"),
        ),
    )  # fmt: skip
    return marks.svg(420, 3 * between, *panels, size=14)


def descent() -> Figure:
    """The loss along the direction against the gradient, and its slope at the start."""
    names = ("loss_of", "params", "explanation")
    loss_of, (first, _, last), e = computed_on("course/backpropagation", *names)
    weights = [np.asarray(v, float) for v in (*first, *last)]
    slopes = [np.asarray(e[name], float) for name in ("dW1", "db1", "dW2", "db2")]

    def after(step):
        return loss_of(*(w - step * d for w, d in zip(weights, slopes, strict=True)))

    steps = np.linspace(0, 0.3, 61)
    falls = sum(float((d**2).sum()) for d in slopes)  # how fast the loss falls at first
    figure = Figure(figsize=(4.8, 2.8), layout="constrained")
    axes = figure.subplots()
    axes.plot(steps, [after(step) for step in steps], color=FORWARD)
    axes.plot(steps, after(0) - falls * steps, "--", color=INK, linewidth=1)
    axes.plot(0.1, after(0.1), "o", color=FORWARD)
    axes.set(xlabel="step", ylabel="loss", ylim=(0, 2))
    return figure


def cost() -> Figure:
    """The forward passes that all derivatives are worth, by nudges and by backpropagation."""
    ours = sum((a + 1) * b for a, b in pairwise(SIZES))
    digits = sum((a + 1) * b for a, b in pairwise((784, 128, 10)))
    parameters = np.geomspace(1, 1e6, 7)
    figure = Figure(figsize=(4.8, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.loglog(parameters, 2 * parameters, "--", color=INK, label="nudges: two per parameter")
    axes.loglog(parameters, 3 + 0 * parameters, color=BACKWARD, label="backpropagation: about 3")
    for count, name in ((ours, "2-3-2"), (digits, "784-128-10")):
        axes.plot([count, count], [2 * count, 3], "o", color=INK)
        axes.annotate(
            name, (count, 2 * count), xytext=(-8, 4), textcoords="offset points", ha="right"
        )
    axes.set(xlabel="parameters", ylabel="forward passes", ylim=(1, 1e7))
    axes.legend(loc="upper left")
    return figure
