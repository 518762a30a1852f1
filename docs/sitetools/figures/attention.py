"""Figures of course/attention.md."""

import numpy as np

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
