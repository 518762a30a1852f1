"""The figure of course/graph.md."""

from typing import Any

import jax
import jax.numpy as jnp

from sitetools.figures import marks
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
    slopes, values = jax.grad(forward, has_aux=True)(none)

    def on_line(x: float, y: float, name: str, shown: str, anchor: str = "") -> str:
        label = f"{shown} = {number(values[name])}"
        back = number(slopes[name])
        return marks.text(x, y - 13, label, colour=marks.BLUE, anchor=anchor) + marks.text(
            x, y + 14, back, colour=marks.ORANGE, anchor=anchor
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
            marks.text(x, y, sign, size=13 if sign == "max" else 20),
        ]
        if above:
            parts += [
                marks.arrow(x, 12, x, y - 18),
                on_line(x + 6, 50, above, above, anchor="start"),
            ]
    parts += [marks.arrow(last + 18, y, end, y), on_line((last + end + 12) / 2, y, "L", "L")]
    return marks.svg(574, 240, *parts, size=17)
