"""Tables of text, whose long cells are shortened to fit the width of a page."""

from purenn.core.text import columns, cut, padded, printable

WIDEST = 100  # columns that the table may take
SHORTEST = 20  # columns that a name and a formula get in any case


def table(rows: list[tuple[str, ...]], formulas: bool) -> list[str]:
    """Lay out rows as lines, with a rule below the first and one above the last.

    If the table would be too wide, names and any formulas are cut. A star at the end of a name is
    kept.

    Args:
        rows: a name, a formula if `formulas`, a shape, and numbers.
        formulas: whether the second column holds formulas.
    """
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    texts = 1 + formulas
    room = WIDEST - sum(2 + width for width in widths[texts:]) - 2 * formulas
    if formulas:
        widths[0] = min(widths[0], max(room // 2, room - widths[1], SHORTEST))
        widths[1] = min(widths[1], max(room - widths[0], SHORTEST))
    else:
        widths[0] = min(widths[0], max(room, SHORTEST))
    lines = []
    for name, *others in rows:
        star = "*" * name.endswith("*")
        cells = [cut(name.removesuffix("*"), widths[0] - len(star)) + star, *others]
        if formulas:
            cells[1] = cut(cells[1], widths[1])
        left = [padded(*each) for each in zip(cells[: texts + 1], widths, strict=False)]
        right = [
            cell.rjust(width)
            for cell, width in zip(cells[texts + 1 :], widths[texts + 1 :], strict=True)
        ]
        lines.append("  ".join(left + right).rstrip())
    rule = printable("─") * max(map(columns, lines))
    return [lines[0], rule, *lines[1:-1], rule, lines[-1]]
