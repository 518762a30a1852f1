"""HTML tables for notebooks."""

from collections.abc import Iterable, Sequence
from html import escape

LEFT, RIGHT = "text-align: left", "text-align: right"


class Section(str):
    """A title between the rows of a table."""

    __slots__ = ()


def table(
    head: Sequence[str], rows: Iterable[Section | Sequence[str]], numbers: Sequence[int] = ()
) -> str:
    """Write a table; its cells are text.

    Args:
        head: the names of the columns.
        rows: the cells of each row, or a title between two rows.
        numbers: the columns that are right-aligned.
    """
    styles = [RIGHT if column in numbers else LEFT for column in range(len(head))]
    lines = [_line("th", head, styles)]
    for row in rows:
        if isinstance(row, Section):
            title = f'<th colspan="{len(head)}" style="{LEFT}">{escape(row)}</th>'
            lines.append(f"<tr>{title}</tr>")
        else:
            lines.append(_line("td", row, styles))
    first, *rest = lines
    return f"<table><thead>{first}</thead><tbody>{''.join(rest)}</tbody></table>"


def paragraph(text: str) -> str:
    """Write a paragraph and keep its line breaks."""
    return f"<p>{escape(text).replace(chr(10), '<br>')}</p>" if text else ""


def _line(tag: str, cells: Sequence[str], styles: Sequence[str]) -> str:
    written = [
        f'<{tag} style="{style}">{escape(cell)}</{tag}>'
        for cell, style in zip(cells, styles, strict=True)
    ]
    return f"<tr>{''.join(written)}</tr>"
