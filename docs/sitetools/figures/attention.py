"""Figures of course/attention.md."""

from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np

import purenn as pn
from sitetools.figures import marks
from sitetools.figures.marks import BACKWARD, FAINT, FORWARD

TABLE = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]])  # those of the page
TOKENS = (2, 0, 2)
DY = np.array([[1.0, 0.0], [10.0, 0.0], [100.0, 0.0]])
WIDE, HIGH = 46, 30  # a cell


def grid(left: float, top: float, rows: np.ndarray, color: str, lit: tuple[int, ...] = ()) -> str:
    """A matrix with its numbers; the rows in `lit` have a frame in color."""
    parts = []
    for (r, c), value in np.ndenumerate(rows):
        x, y = left + c * WIDE, top + r * HIGH
        parts.append(marks.box(x, y, WIDE, HIGH, color=FAINT))
        number = marks.number(value)
        shown = color if value or color == FORWARD else marks.INK
        parts.append(marks.text(x + WIDE / 2, y + HIGH / 2, number, color=shown))
    width = rows.shape[1] * WIDE
    parts += [marks.box(left, top + r * HIGH, width, HIGH, color=color, opacity=0) for r in lit]
    return "".join(parts)


def look_up() -> str:
    """A table, the rows that three tokens look up, and the rows that get something back."""
    dw = np.zeros_like(TABLE)
    np.add.at(dw, list(TOKENS), DY)
    left, right, parts = 40, 228, []
    panels = (
        (34, "w", TABLE, "y", TABLE[list(TOKENS)], FORWARD),
        (214, "dw", dw, "dy", DY, BACKWARD),
    )
    for top, name, table, other, rows, color in panels:
        parts += [
            marks.text(left + WIDE, top - 16, name),
            marks.text(right + WIDE, top - 16, other),
            grid(left, top, table, color, tuple(sorted(set(TOKENS)))),
            grid(right, top + HIGH / 2, rows, color),
        ]
        for v in range(len(table)):
            parts.append(marks.text(left - 8, top + HIGH * (v + 0.5), f"{v}", anchor="end"))
        for p, token in enumerate(TOKENS):
            y = top + HIGH * (p + 1)
            ends = (left + 2 * WIDE + 5, top + HIGH * (token + 0.5)), (right - 5, y)
            start, end = ends if color == FORWARD else ends[::-1]
            parts.append(marks.arrow(*start, *end, color=color))
            words = f"token {token}"
            parts.append(marks.text(right + 2 * WIDE + 8, y, words, anchor="start", size=14))
    return marks.svg(390, 346, *parts, size=16)


@cache
def worked_example() -> Any:
    """Both passes of the page's example."""
    of_features = (
        [[[2, 0], [0, 2]], [[0, 2], [2, 0]]],
        [[[1, 0], [0, 1]], [[1, 0], [0, -1]]],
        [[[1, 0], [0, 2]], [[0, 1], [1, 0]]],
    )
    moved = (jnp.swapaxes(jnp.array(w, float), 0, 1) for w in of_features)
    params = pn.AttentionParams(*moved, jnp.array([[[1.0, 0], [0, 1]], [[1, 1], [0, 1]]]))
    x = jnp.array([[[1.0, 0], [0, 1], [1, 1]]])
    layer = pn.attention(2, head_features=2, causal=True)
    return pn.explain(layer, pn.mse, params, (), x, jnp.zeros_like(x))


def weights() -> str:
    """The attention weights of both heads, darker where they are larger."""
    cell, parts = 52, []
    for head_number, left in ((1, 60), (2, 256)):
        p = np.asarray(worked_example()["P1"])[0, head_number - 1]
        parts.append(marks.text(left + 1.5 * cell, 14, f"head {head_number}"))
        for (t, j), value in np.ndenumerate(p):
            x, y = left + j * cell, 50 + t * cell
            shade = 0.45 * float(value)
            parts.append(marks.box(x, y, cell, cell, color=FAINT, fill=FORWARD, opacity=shade))
            shown = f"{value:.2f}" if j <= t else "·"
            parts.append(marks.text(x + cell / 2, y + cell / 2, shown))
        parts += [marks.text(left + (j + 0.5) * cell, 38, f"k{j + 1}", size=14) for j in range(3)]
        parts += [
            marks.text(left - 14, 50 + (t + 0.5) * cell, f"q{t + 1}", size=14) for t in range(3)
        ]
    return marks.svg(420, 216, *parts, size=16)


def softmax_row() -> str:
    """The second row of head 1 in the worked example: weights, their derivatives, the scores'."""
    explained = worked_example()
    p, dp, ds = (np.asarray(explained[name])[0, 0, 1] for name in ("P1", "dP1", "dS1"))
    mean = float(np.sum(p * dp))
    rows = (
        ("P, the weights", p, 60, lambda value: FORWARD),
        ("dP (dashed: its mean D, weighted by P)", dp, 40, lambda value: BACKWARD),
        ("dS = P ⊙ (dP − D)", ds, 60, lambda v: marks.POSITIVE if v > 0 else marks.NEGATIVE),
    )
    parts, places = [], ((100, 14), (240, 134), (318, 268))
    for (bottom, above), (title, values, scale, color) in zip(places, rows, strict=True):
        parts.append(marks.text(160, above, title))
        for i, value in enumerate(values):
            high, left = scale * abs(value), 50 + 80 * i
            top = bottom - high if value > 0 else bottom
            parts.append(marks.box(left, top, 60, high, fill=color(value), color="none"))
            label = bottom - high - 10 if value >= 0 else bottom + high + 11
            parts.append(marks.text(left + 30, label, marks.number(value), size=13))
        parts.append(marks.line(30, bottom, 290, bottom, width=1))
    level = places[1][0] - rows[1][2] * mean
    parts.append(
        f'<line x1="30" y1="{level:g}" x2="290" y2="{level:g}" stroke="{marks.INK}" '
        f'stroke-dasharray="5 4"/>'
    )
    names = "key 1", "key 2", "key 3 (masked)"
    parts += [marks.text(80 + 80 * i, 366, name, size=13) for i, name in enumerate(names)]
    return marks.svg(320, 380, *parts)


def turned() -> str:
    """A query and a key, each at two positions; the angle between them stays."""
    radius, parts = 96, []
    query, key, step = 0.35, 2.4, 0.5  # their angles at position 0, and what a position adds
    panels = ((112, 1, 3), (322, 3, 5))
    for middle, m, j in panels:
        low = 120
        parts += [
            marks.circle(middle, low, radius, color=FAINT, fill="none"),
            marks.text(middle, low + radius + 20, f"key at {m}, query at {j}"),
        ]
        ends = ((query + j * step, "q", FORWARD), (key + m * step, "k", marks.INK))
        for angle, name, color in ends:
            x, y = np.cos(angle), -np.sin(angle)
            end = middle + (radius - 14) * x, low + (radius - 14) * y
            parts.append(marks.arrow(middle, low, *end, color=color, width=2.5))
            name_at = middle + (radius + 2) * x, low + (radius + 2) * y
            parts.append(marks.text(*name_at, name, color=color, size=18))
    return marks.svg(434, 250, *parts, size=16)


def blocks() -> str:
    """Which blocks of the scores are computed under a causal mask, and which one exists now."""
    cell, count, left, top, parts = 44, 6, 96, 40, []
    for i in range(count):
        for j in range(count):
            x, y = left + j * cell, top + i * cell
            seen, now = j <= i, (i, j) == (3, 1)
            fill = marks.PAPER if not seen else FORWARD
            opacity = 1 if now or not seen else 0.22
            parts.append(marks.box(x, y, cell, cell, color=FAINT, fill=fill, opacity=opacity))
            if i == j:
                corner = f"{x:g},{y:g} {x + cell:g},{y:g} {x + cell:g},{y + cell:g}"
                parts.append(f'<polygon points="{corner}" fill="{marks.PAPER}"/>')
    side = count * cell
    parts += [
        marks.text(left + side / 2, top - 20, "keys, block by block →"),
        marks.text(left - 12, top + cell / 2, "queries ↓", anchor="end"),
    ]
    return marks.svg(left + side + 10, top + side + 12, *parts, size=16)


def forward() -> str:
    """One head from its input to the sum over the heads."""
    words = "X", "Q", "K", "V", "S = Q Kᵀ / √d", "P = softmax(S)", "O = P V", "H"
    return head(words, back=False)


def backward() -> str:
    """The same from the sum over the heads to the input."""
    words = "dX", "dQ = dS K / √d", "dK = dSᵀ Q / √d", "dV = Pᵀ dO"
    return head((*words, "dS = P ⊙ (dP − D)", "dP = dO Vᵀ", "dO", "dH"), back=True)


def head(words: tuple[str, ...], *, back: bool) -> str:
    """The boxes of a head with arrows in one direction."""
    color = BACKWARD if back else FORWARD
    middles = (190, 22), (62, 98), (190, 98), (318, 98), (126, 174), (126, 250), (254, 326)
    places = (*middles, (254, 402))

    def way(x1: float, y1: float, x2: float, y2: float) -> str:
        ends = (x2, y2, x1, y1) if back else (x1, y1, x2, y2)
        return marks.arrow(*ends, color=color, width=2)

    parts = [
        *(way(190 + 0.15 * (x - 190), 38, x, 82) for x in (62, 190, 318)),
        way(62, 114, 104, 158),
        way(190, 114, 148, 158),
        way(126, 190, 126, 234),
        way(148, 266, 226, 310),
        way(318, 114, 278, 310),
        way(254, 342, 254, 386),
    ]
    for (x, y), name in zip(places, words, strict=True):
        wide = 54 if len(name) < 3 else 84 if len(name) < 8 else 122 if y == 98 else 150
        parts.append(marks.box(x - wide / 2, y - 16, wide, 32, corner=6))
        parts.append(marks.text(x, y, name, size=15 if y != 98 else 14))
    parts += [
        marks.text(224, 22, "(T, n)", anchor="start", color=color),
        marks.text(204, 174, "(T, T)", anchor="start", color=color),
        marks.text(204, 250, "(T, T)", anchor="start", color=color),
        marks.text(300, 326, "(T, d)", anchor="start", color=color),
        marks.text(288, 402, "(T, n)", anchor="start", color=color),
    ]
    return marks.svg(380, 422, *parts)
