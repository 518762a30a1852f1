"""The page of every rule: the worst error of each row of the tests' table, in every dtype."""

import re

import jax.numpy as jnp
import table

from sitetools.errors import DTYPES, measured
from sitetools.reference import page_of

GROUPS = {
    "Layers": table.LAYERS,
    "Activations": table.ACTIVATIONS,
    "Losses": table.LOSSES,
    "Penalties": table.PENALTIES,
}


def name_of(row: table.LayerRow | table.OpRow) -> str:
    """The public name of a row: `conv2d` of `conv2d-(3, 3)-(1, 1)-SAME`."""
    return re.split(r"-(?!\d)|-\(|-\d", row.name)[0]


def names() -> frozenset[str]:
    """The public names that have a row, each with an anchor on the page."""
    return frozenset(map(name_of, table.ROWS))


def linked(row: table.LayerRow | table.OpRow) -> str:
    """A row's name, leading to its place in the reference."""
    name = name_of(row)
    if name not in page_of():
        raise LookupError(f"errors: {row.name}: purenn.{name} has no page in the reference")
    return f"[`{row.name}`][purenn.{name}]"


def columns() -> list[tuple[str, int]]:
    """Each dtype twice: the value, and the derivatives."""
    return [(dtype, part) for dtype in DTYPES for part in (0, 1)]


def errors_of(row: table.LayerRow | table.OpRow) -> list[float]:
    """The errors of a row, one per column."""
    return [measured(row.name)[dtype][part] for dtype, part in columns()]


def every_error() -> str:
    """Markdown: the largest errors in words, and a table for each group."""
    rows = [row for group in GROUPS.values() for row in group]
    if len(rows) != len(table.ROWS):
        raise LookupError("errors: a row of tests/table.py is in no group")
    parts = [largest(rows)]
    head = ["Rule", *(f"{dtype} {('y', 'dx, dw')[part]}" for dtype, part in columns())]
    for title, group in GROUPS.items():
        lines = [f"## {title}", "", f"| {' | '.join(head)} |", "|---|" + "---:|" * len(columns())]
        anchored = set()
        for row in group:
            name = name_of(row)
            anchor = "" if name in anchored else f'<span id="{name}"></span>'
            anchored.add(name)
            lines.append(f"| {anchor}{linked(row)} | {' | '.join(map(written, errors_of(row)))} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def largest(rows: list[table.LayerRow | table.OpRow]) -> str:
    """State the largest error of each column, with its rule."""
    said = [f"These are the largest errors of all {len(rows)} rules:\n"]
    for dtype in DTYPES:
        parts = []
        for part, what in enumerate(("for a value", "for a derivative")):
            i = columns().index((dtype, part))
            worst = max(rows, key=lambda row, i=i: errors_of(row)[i])
            parts.append(f"**{written(errors_of(worst)[i])}** {what} ({linked(worst)})")
        unit = float(jnp.finfo(DTYPES[dtype]).eps)
        said.append(f"- {dtype} (numbers near 1 are {unit:.1e} apart): {' and '.join(parts)}.")
    return "\n".join(said)


def written(error: float) -> str:
    """An error as the tables have it."""
    return f"{error:.1e}" if error else "0"
