"""The notebook's table of an explanation, with a row for each value."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import jax.numpy as jnp

from purenn.core import html
from purenn.inspect.page import (
    foot,
    head,
    lines_of,
    pieces_of,
    several,
    shape_of,
    show,
    title_of,
    units_off,
)

if TYPE_CHECKING:
    from purenn.inspect.explanation import Explanation


def explanation_table(e: "Explanation") -> str:
    """Write the lines of the page as a table: symbol, formula, shape, and numbers."""
    if jnp.ndim(e.value):
        return html.paragraph(several(e))
    table = html.table(("", "formula", "shape", "value"), _rows(e))
    return html.paragraph(head(e)) + table + html.paragraph("\n".join(foot(e)))


def _rows(e: "Explanation") -> Iterator[html.Section | tuple[str, ...]]:
    section = ""
    for line in lines_of(e):
        if line.section != section:
            section = line.section
            yield html.Section(title_of(e, section))
        pieces = pieces_of(line.value, line.apart)
        number = "" if pieces else show(line.value)
        if off := units_off(line.formula, line.value):
            number += f" ({off})"
        yield line.symbol, line.formula, shape_of(line.value), number
        yield from (("", name, "", piece) for name, piece in pieces)
