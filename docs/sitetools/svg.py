"""Matplotlib figures as SVG inside the page, in the colors of the page's theme."""

import base64
import io
import itertools
import re
from html import escape, unescape

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter
from PIL import Image

# Colors that stand for the theme's. Matplotlib writes them into the SVG as they are, and there
# they become CSS variables, which assets/site.css sets for light and for dark.
INK = "#010101"  # text and axes
FAINT = "#020202"  # grid lines
PAPER = "#030303"  # the page's background
# Two pairs with one meaning on the whole site, direction and sign, and the color of mistakes.
FORWARD, BACKWARD, POSITIVE, NEGATIVE = "#040406", "#040407", "#040408", "#040409"
WRONG = "#040410"
# Several curves that mean none of this are ink and grays, told apart by dashes and marks.
SERIES = (INK, "#040412", "#040413", "#040414")
DASHES = ("-", "--", "-.", ":")
# Matplotlib starts again with the first color where a panel has more curves than the cycle has
# colors. So the cycle ends with one that no finished figure may contain.
EXHAUSTED = "#040499"
VARIABLES = {
    INK: "--figure-ink",
    FAINT: "--figure-faint",
    PAPER: "--figure-paper",
    FORWARD: "--forward",
    BACKWARD: "--backward",
    POSITIVE: "--positive",
    NEGATIVE: "--negative",
    WRONG: "--wrong",
} | {color: f"--series-{i}" for i, color in enumerate(SERIES[1:], 2)}
# For images and surfaces, whose colors are computed. Of DIVERGING the ends are the colors of sign:
# purple is negative, green is positive. SEQUENTIAL is ink on paper, and follows the page's theme.
# Both are clear where they are paper, so that nothing shines in the dark.
SEQUENTIAL = "gray_r"
PURPLE, GREEN = (0.52, 0.31, 0.72), (0.16, 0.58, 0.26)
DIVERGING = LinearSegmentedColormap.from_list(
    "sign",
    [(0, (*PURPLE, 1)), (0.5, (*PURPLE, 0)), (0.5, (*GREEN, 0)), (1, (*GREEN, 1))],
)
# Of all letters. A figure as wide as the text has to be read on a phone, where it is drawn smaller.
SIZE = 11.2

STYLE = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.prop_cycle": matplotlib.cycler(color=(*SERIES, EXHAUSTED)),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": SIZE,
    "figure.facecolor": "none",
    "figure.figsize": (6.4, 3.2),
    # The name of an axis is nearer to its own panel than to the next one.
    "figure.constrained_layout.hspace": 0.07,
    "figure.constrained_layout.use": True,
    "font.family": "sans-serif",
    "font.size": SIZE,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",  # text stays text: it is searched, copied, and read aloud
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
# A letter of a formula, such as x, σ or the x of dx₁; not the article.
VARIABLE = re.compile(r"(?<![\w.;’'])(d?[A-Za-zα-ωΣ])(?=[₀-₉ᵢⱼₜ²′ᵀ]*(?!\w))(?!(?<=[aA]) [a-z]{2})")
IMAGE = re.compile(r'<image( [^>]*?base64,)([^"]*)"')
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_serial = itertools.count()


def plain(value: float) -> str:
    """A number in full: 0.01, 1, 100."""
    return f"{value:.10g}".replace("-", "−")


def power(value: float) -> str:
    """A number with a power of ten, in letters of one size: 10⁻⁶, 2·10⁻⁶."""
    mantissa, exponent = f"{value:.1e}".split("e")
    whole = f"10{str(int(exponent)).translate(SUPERSCRIPTS)}"
    return whole if float(mantissa) == 1 else f"{float(mantissa):g}·{whole}"


class OneFormatter(LogFormatter):
    """The numbers of a logarithmic axis: all in full, or all with powers of ten."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The number, or nothing where Matplotlib shows none."""
        if not super().__call__(x, pos):
            return ""
        low, high = sorted(self.axis.get_view_interval())
        shown = [tick for tick in self.axis.get_majorticklocs() if low <= tick <= high]
        short = all(0.999e-3 <= tick <= 1.001e4 for tick in shown)
        return plain(x) if short or self._base != 10 else power(x)


def with_one_format(figure: Figure) -> None:
    """Replaces the formatter of each logarithmic axis, except for one that a figure has chosen."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_scale() != "log":
                continue
            for which in ("major", "minor"):
                old = getattr(axis, f"get_{which}_formatter")()
                if isinstance(old, LogFormatter):
                    base, labels_only_base = old._base, old.labelOnlyBase
                    new = OneFormatter(base, labels_only_base, old.minor_thresholds)
                    getattr(axis, f"set_{which}_formatter")(new)


def words_of(figure: Figure) -> set[str]:
    """What is written in a figure, but for single letters at ticks: they are data, no variables."""
    ticks = [
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if len(label.get_text()) == 1
    ]
    return {text.get_text() for text in set(figure.findobj(Text)) - set(ticks)}


def with_variables(svg: str, words: set[str]) -> str:
    """Variables in italics, as in the formulas."""

    def slanted(match: re.Match[str]) -> str:
        if unescape(match[2]) not in words:
            return match[0]
        return match[1] + VARIABLE.sub(r'<tspan font-style="italic">\1</tspan>', match[2])

    return re.sub(r"(<text\b[^>]*>)([^<]*)(?=</text>)", slanted, svg)


def with_inks(svg: str) -> str:
    """Images without a hue, such as digits, as ink on paper in both themes."""

    def inked(match: re.Match[str]) -> str:
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(match[2]))).convert("RGBA"))
        if np.ptp(pixels[..., :3], axis=-1).any():
            return match[0]
        gray, alpha = pixels[..., 0].astype(int), pixels[..., 3]
        return f'<image class="ink"{match[1]}{ink((255 - gray) * alpha // 255)}"'

    return IMAGE.sub(inked, svg)


def ink(amount: np.ndarray) -> str:
    """A PNG, in letters, of black with so much opacity, 0 to 255; site.css turns it around."""
    out = io.BytesIO()
    both = np.stack([np.zeros_like(amount), amount], axis=-1).astype(np.uint8)
    Image.fromarray(both, "LA").save(out, "png", optimize=True)
    return base64.b64encode(out.getvalue()).decode()


def themed(figure: Figure, alt: str) -> str:
    """One `<svg>` element of a figure, which is closed."""
    with_one_format(figure)
    serial = next(_serial)  # ids are the page's, and a page has several figures
    out = io.StringIO()
    with plt.rc_context(STYLE | {"svg.hashsalt": str(serial)}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    svg = out.getvalue()
    if EXHAUSTED in svg:
        raise ValueError(f"a panel has more curves than there are colors, {len(SERIES)}")
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # What makes a page heavy and no picture better: a hundredth of a pixel is exact enough. Numbers
    # between the tags are text, such as a rate of 0.003, and stay.
    svg = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\d\.\d\d)\d+", r"\1", tag[0]), svg)
    svg = re.sub(r' transform="rotate\(-0 [^)]*\)"', "", svg)
    svg = re.sub(r" *\n(?=[LCQMz])", "", svg)
    svg = with_inks(with_variables(svg, words_of(figure)))
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)
    svg = re.sub(r"font-family: '[^;]*sans-serif; ", "", svg)
    ticks = f"fill: {INK}; stroke: {INK}; stroke-width: 0.8"  # as the mark that is used says
    svg = re.sub(rf'(<use [^>]*?) style="{ticks}"', r"\1", svg)
    svg = re.sub(r'\bid="', f'id="f{serial}-', svg)
    svg = re.sub(r"url\(#", f"url(#f{serial}-", svg)
    svg = re.sub(r'href="#', f'href="#f{serial}-', svg)
    for color, variable in VARIABLES.items():
        svg = svg.replace(color, f"var({variable})")
    width = re.search(r'width="([\d.]+)pt"', svg)[1]
    svg = re.sub(r'<svg height="[\d.]+pt"|<svg ', "<svg ", svg, count=1)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    style = f"max-width: {float(width) * 4 / 3:.0f}px"  # and the letters are the page's
    start = f'<svg role="img" aria-label="{escape(alt)}" style="{style}" '
    return re.sub(r"\n\s*", "\n", svg.replace("<svg ", start, 1)).strip()


def base64_of(text: str) -> str:
    """Text as the data of an attachment or an address."""
    return base64.b64encode(text.encode()).decode()
