"""Figures of course/graph.md."""

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
    """The graph, its values and the slope of the loss with respect to each."""
    none = dict.fromkeys(LINES, 0.0)
    slopes, values = jax.jit(jax.grad(forward, has_aux=True))(none)

    def on_line(x: float, y: float, name: str, shown: str, anchor: str = "") -> str:
        label = f"{shown} = {number(values[name])}"
        back = number(slopes[name])
        return marks.text(x, y - 13, label, color=marks.FORWARD, anchor=anchor) + marks.text(
            x, y + 14, back, color=marks.BACKWARD, anchor=anchor
        )

    y, low = 128, 214
    copy, times, plus, larger, last, end = 98, 192, 284, 376, 468, 560
    parts = [
        marks.line(4, y, copy, y),
        on_line(48, y, "x", "x"),
        marks.circle(copy, y, 5, fill=marks.INK),
        marks.line(copy, y, copy, low),
        marks.line(copy, low, last, low),
        marks.arrow(last, low, last, y + 18),
        on_line((copy + last) / 2, low, "x2", "x″"),
    ]
    boxes = (
        (times, "×", "w", "x1", "x′"),
        (plus, "+", "b", "u", "u"),
        (larger, "max", "c", "v", "v"),
        (last, "×", "", "r", "r"),
    )
    for x, sign, above, before, shown in boxes:
        start = copy if before == "x1" else x - 92 + 18
        parts += [
            marks.arrow(start, y, x - 18, y),
            on_line((start + x - 20) / 2, y, before, shown),
            marks.circle(x, y, 18),
            marks.text(x, y, sign, size=16.5 if sign == "max" else 20),
        ]
        if above:
            parts += [
                marks.arrow(x, 12, x, y - 18),
                on_line(x + 6, 50, above, above, anchor="start"),
            ]
    parts += [marks.arrow(last + 18, y, end, y), on_line((last + end + 12) / 2, y, "L", "L")]
    return marks.svg(574, 240, *parts, size=17)


def jacobians() -> str:
    """A dense layer's Jacobian, tanh's and softmax's, at random numbers."""
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
