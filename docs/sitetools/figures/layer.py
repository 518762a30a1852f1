"""Figures of course/layer.md."""

from typing import Any

import jax
import numpy as np

import purenn as pn
from sitetools.figures import marks

M, N, K = 6, 4, 3  # examples, inputs, neurons
CELL = 17


def computed() -> dict[str, np.ndarray]:
    """Every array of a dense layer's two passes."""
    layer = pn.dense(K, b_init=jax.nn.initializers.normal(1.0))
    params, state = layer.init(jax.random.key(3), (N,))
    x = jax.random.normal(jax.random.key(4), (M, N))
    dz = jax.random.normal(jax.random.key(5), (M, K))
    z, _, cache = layer.forward(params, state, x)
    dparams, dx = layer.backward(params, cache, dz)
    arrays = {"x": x, "w": params.w, "b": params.b[None], "z": z, "dz": dz}
    arrays |= {"dw": dparams.w, "db": dparams.b[None], "dx": dx}
    return {name: np.asarray(value) for name, value in arrays.items()}


def matrix(left: float, middle: float, values: Any, name: str) -> str:
    """A grid of cells, to scale, colored by sign and size; its name above, its shape below."""
    values = np.asarray(values)
    rows, columns = values.shape
    top = middle - rows * CELL / 2
    parts = []
    for (r, c), value in np.ndenumerate(values / np.abs(values).max()):
        parts.append(
            marks.box(
                left + c * CELL,
                top + r * CELL,
                CELL,
                CELL,
                color=marks.FAINT,
                fill=marks.POSITIVE if value > 0 else marks.NEGATIVE,
                opacity=abs(value),
            )
        )
    center = left + columns * CELL / 2
    bottom = top + rows * CELL
    return (
        "".join(parts)
        + marks.text(center, top - 14, name)
        + marks.text(center, bottom + 13, f"({rows}, {columns})", size=13)
    )


def line_up(x: float, middle: float, *things: Any) -> str:
    """Matrices `(name, values)` and signs between them, from left to right."""
    parts = []
    for thing in things:
        if isinstance(thing, str):
            parts.append(marks.text(x + 9, middle, thing, size=18))
            x += 18 + 8
        else:
            name, values = thing
            parts.append(matrix(x, middle, values, name))
            x += max(values.shape[1] * CELL, 40) + 8
    return "".join(parts)


def shapes() -> str:
    """The layer's four products."""
    v = computed()
    forward = (("z", v["z"]), "=", ("x", v["x"]), "·", ("w", v["w"]), "+", ("b", v["b"]))
    by_w = (("dw", v["dw"]), "=", ("xᵀ", v["x"].T), "·", ("dz", v["dz"]))
    by_b = (("db", v["db"]), "=", ("1 … 1", np.ones((1, M))), "·", ("dz", v["dz"]))
    by_x = (("dx", v["dx"]), "=", ("dz", v["dz"]), "·", ("wᵀ", v["w"].T))
    gap = M * CELL + 62
    return marks.svg(
        372,
        4 * gap,
        *(line_up(6, gap * (i + 0.5), *row) for i, row in enumerate((forward, by_w, by_b, by_x))),
    )


def neurons() -> str:
    """The layer as a network, the lines into one neuron stronger, and its weights as a grid."""
    w, which = computed()["w"], 1
    left, right, gap, middle = 26, 176, 46, 92
    inputs = [middle + (i - (N - 1) / 2) * gap for i in range(N)]
    units = [middle + (j - (K - 1) / 2) * gap for j in range(K)]
    parts = []
    for (i, j), value in np.ndenumerate(w / np.abs(w).max()):
        color = marks.POSITIVE if value > 0 else marks.NEGATIVE
        if j != which:
            color = marks.FAINT
        parts.append(
            marks.line(left, inputs[i], right, units[j], color=color, width=1 + 4 * abs(value))
        )
    parts += [marks.circle(left, y, 16) for y in inputs]
    parts += [marks.text(left, y, f"x{'₁₂₃₄'[i]}") for i, y in enumerate(inputs)]
    parts += [marks.circle(right, y, 16) for y in units]
    parts += [marks.text(right, y, f"z{'₁₂₃'[j]}") for j, y in enumerate(units)]
    grid = 246
    parts += [
        matrix(grid, middle, w, "w"),
        outline(grid + which * CELL, middle - N * CELL / 2, 1, N),
    ]
    return marks.svg(320, 184, *parts)


def outline(left: float, top: float, columns: int, rows: int) -> str:
    """A frame around some cells."""
    width, height = columns * CELL, rows * CELL
    return marks.box(left, top, width, height, color=marks.INK, opacity=0, fill=marks.INK)


def layouts() -> str:
    """The forward product in rows, and its transpose in columns, with one example framed."""
    v = computed()
    rows = (("z", v["z"]), "=", ("x", v["x"]), "·", ("w", v["w"]), "+", ("b", v["b"]))
    columns = (
        ("Z", v["z"].T),
        "=",
        ("W", v["w"].T),
        "·",
        ("A", v["x"].T),
        "+",
        ("b", v["b"].T),
    )
    up, low, which = 90, 246, 2
    example_top = up - M * CELL / 2 + which * CELL
    x_left = 6 + K * CELL + 8 + 26
    w_left = 6 + M * CELL + 8 + 26
    a_left = w_left + N * CELL + 8 + 26
    return marks.svg(
        424,
        310,
        line_up(6, up, *rows),
        line_up(6, low, *columns),
        outline(6, example_top, K, 1),
        outline(x_left, example_top, N, 1),
        outline(6 + which * CELL, low - K * CELL / 2, 1, K),
        outline(a_left + which * CELL, low - N * CELL / 2, 1, N),
    )
