"""Figures of course/graph.md and course/jacobians.md."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sitetools.figures import marks
from sitetools.figures.layer import CELL, line_up, matrix
from sitetools.figures.marks import number

INPUTS = {"x": 2.0, "w": 3.0, "b": -1.0, "c": 4.0}
LINES = ("x", "x1", "x2", "w", "u", "b", "v", "c", "r", "L")


def forward(nudges: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The loss and the number on every line, each nudged on its own line alone."""
    on: dict[str, Any] = {}

    def put(name: str, value: Any) -> Any:
        on[name] = value + nudges[name]
        return on[name]

    x, w, b, c = (put(name, value) for name, value in INPUTS.items())
    first, second = put("x1", x), put("x2", x)
    u = put("u", first * w)
    v = put("v", u + b)
    r = put("r", jnp.maximum(v, c))
    return put("L", second * r), on


def drawn() -> str:
    """The graph, its values, and the slope of the loss with respect to each."""
    none = dict.fromkeys(LINES, 0.0)
    slopes, values = jax.jit(jax.grad(forward, has_aux=True))(none)

    def beside(x: float, y: float, name: str, shown: str) -> str:
        """The value on the left of a line that goes down, and the derivative on its right."""
        value, slope = f"{shown} = {number(values[name])}", number(slopes[name])
        return marks.text(x - 10, y, value, color=marks.FORWARD, anchor="end") + marks.text(
            x + 10, y, slope, color=marks.BACKWARD, anchor="start"
        )

    def along(x: float, y: float, name: str, shown: str) -> str:
        """The value above a line that goes across, and the derivative below it."""
        value, slope = f"{shown} = {number(values[name])}", number(slopes[name])
        return marks.text(x, y - 13, value, color=marks.FORWARD) + marks.text(
            x, y + 14, slope, color=marks.BACKWARD
        )

    x, rail, edge, copy, end, radius = 190, 30, 318, 48, 462, 21
    times, plus, larger, last = 122, 208, 294, 380
    parts = [
        marks.line(x, 4, x, copy),
        beside(x, 20, "x", "x"),
        marks.circle(x, copy, 5, fill=marks.INK),
        marks.line(x, copy, rail, copy),
        marks.line(rail, copy, rail, last),
        marks.arrow(rail, last, x - radius, last),
        along((rail + x - radius) / 2, last, "x2", "x″"),
    ]
    boxes = (
        (times, "×", "w", "x1", "x′"),
        (plus, "+", "b", "u", "u"),
        (larger, "max", "c", "v", "v"),
        (last, "×", "", "r", "r"),
    )
    for y, sign, aside, before, shown in boxes:
        start = copy if before == "x1" else y - 86 + radius
        parts += [
            marks.arrow(x, start, x, y - radius),
            beside(x, (start + y - radius) / 2 - 3, before, shown),
            marks.circle(x, y, radius),
            marks.text(x, y, sign, size=15 if sign == "max" else 20),
        ]
        if aside:
            parts += [
                marks.arrow(edge, y, x + radius, y),
                along((edge + x + radius) / 2, y, aside, aside),
            ]
    parts += [marks.arrow(x, last + radius, x, end), beside(x, last + radius + 22, "L", "L")]
    return marks.svg(330, 468, *parts, size=17)


def jacobians() -> str:
    """A dense layer's Jacobian, tanh's, and softmax's, at random numbers."""
    rng = np.random.default_rng(2)
    z, w = rng.normal(size=5), rng.normal(size=(5, 3))
    a = np.exp(z) / np.exp(z).sum()
    shown = {
        "dense": w.T,
        "tanh": np.diag(1 - np.tanh(z) ** 2),
        "softmax": np.diag(a) - np.outer(a, a),
    }
    wide = 5 * CELL + 28
    parts = [matrix(14 + i * wide, 74, J, name) for i, (name, J) in enumerate(shown.items())]
    return marks.svg(3 * wide, 140, *parts)


def orders() -> str:
    """The chain of three Jacobians multiplied from the left, and from the right."""
    rng = np.random.default_rng(1)
    inputs, hidden, outputs = 6, 3, 2
    dy = rng.normal(size=(1, outputs))
    j3, j1 = rng.normal(size=(outputs, hidden)), rng.normal(size=(hidden, inputs))
    slopes = rng.uniform(0.2, 1, size=hidden)
    j2 = np.diag(slopes)
    by_2, by_1 = dy @ j3 @ j2, j2 @ j1
    left = ((("dy", dy), ("J₃", j3)), (("", dy @ j3), ("J₂", j2)), (("", by_2), ("J₁", j1)))
    right = ((("J₂", j2), ("J₁", j1)), (("J₃", j3), ("", by_1)), (("dy", dy), ("", j3 @ by_1)))
    high, y = hidden * CELL + 52, 0.0
    parts = []
    orders = (
        ("Backward, from the left", left, marks.BACKWARD),
        ("Forward, from the right", right, marks.FORWARD),
    )
    for words, steps, color in orders:
        counts = [multiplications(a, b) for (_, a), (_, b) in steps]
        total = f"{words}: {' + '.join(map(str, counts))} = {sum(counts)}"
        parts.append(marks.text(6, y + 14, total, anchor="start"))
        y += 30
        for i, (a, b) in enumerate(steps):
            result = a[1] @ b[1]
            name = "dx" if i == len(steps) - 1 else ""
            parts.append(line_up(6, y + high / 2, a, "·", b, "=", (name, result)))
            x = 6 + sum(max(part.shape[1] * CELL, 40) + 34 for _, part in (a, b))
            rows, columns = result.shape
            top = y + high / 2 - rows * CELL / 2
            frame = (columns * CELL, rows * CELL)
            parts.append(marks.box(x, top, *frame, color=color, opacity=0))
            y += high
        y += 12
    return marks.svg(356, y, *parts)


def multiplications(a: np.ndarray, b: np.ndarray) -> int:
    """How many it takes to multiply two matrices, of which one may be diagonal."""
    for diagonal, other in ((a, b), (b, a)):
        square = diagonal.shape[0] == diagonal.shape[1]
        if square and not np.any(diagonal - np.diag(np.diag(diagonal))):
            return other.size
    return a.shape[0] * a.shape[1] * b.shape[1]
