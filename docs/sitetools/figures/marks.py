"""The marks of figures drawn by hand: SVG text, lines, and boxes in the colors of the theme."""

from html import escape

INK, FAINT, PAPER = (f"var(--figure-{name})" for name in ("ink", "faint", "paper"))
# Two pairs with one meaning on the whole site (assets/site.css), direction and sign; and mistakes.
FORWARD, BACKWARD, POSITIVE, NEGATIVE, WRONG = (
    f"var(--{name})" for name in ("forward", "backward", "positive", "negative", "wrong")
)


def svg(width: float, height: float, *parts: str, size: float = 15) -> str:
    """The whole drawing, no wider than its own units are pixels; `size` is the letters'."""
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" style="max-width: {width:g}px" '
        f'fill="{INK}" font-size="{size:g}" text-anchor="middle">{"".join(parts)}</svg>'
    )


def text(
    x: float, y: float, words: str, *, color: str = "", size: float = 0, anchor: str = ""
) -> str:
    """Words; `y` is their middle."""
    more = "".join(
        f' {name}="{value}"'
        for name, value in (("fill", color), ("font-size", size), ("text-anchor", anchor))
        if value
    )
    return f'<text x="{x:g}" y="{y:g}" dy=".35em"{more}>{escape(words)}</text>'


def line(
    x1: float, y1: float, x2: float, y2: float, *, color: str = INK, width: float = 1.5
) -> str:
    """A straight line."""
    return (
        f'<line x1="{x1:.5g}" y1="{y1:.5g}" x2="{x2:.5g}" y2="{y2:.5g}" '
        f'stroke="{color}" stroke-width="{width:.3g}"/>'
    )


def arrow(
    x1: float, y1: float, x2: float, y2: float, *, color: str = INK, width: float = 1.5
) -> str:
    """A line with a head at its end."""
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    size = 7 + width
    bx, by = x2 - size * ux, y2 - size * uy
    side = 0.4 * size
    points = ((x2, y2), (bx - side * uy, by + side * ux), (bx + side * uy, by - side * ux))
    head = " ".join(f"{x:.5g},{y:.5g}" for x, y in points)
    shaft = line(x1, y1, bx, by, color=color, width=width)
    return f'{shaft}<polygon points="{head}" fill="{color}"/>'


def circle(x: float, y: float, radius: float, *, color: str = INK, fill: str = PAPER) -> str:
    """A node."""
    return (
        f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{fill}" stroke="{color}" '
        f'stroke-width="1.5"/>'
    )


def box(
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    color: str = INK,
    fill: str = PAPER,
    opacity: float = 1,
    corner: float = 0,
) -> str:
    """A rectangle; `opacity` is its filling's."""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{corner:g}" '
        f'fill="{fill}" fill-opacity="{opacity:.2g}" stroke="{color}"/>'
    )


def number(value: float) -> str:
    """Three digits, with a real minus sign."""
    rounded = f"{float(value):.3g}"
    return "0" if rounded in ("-0", "0") else rounded.replace("-", "−")
