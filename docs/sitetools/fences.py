r"""The fences that the pages use besides plain code.

    ```equation id="dense.dw"          a displayed equation that the package implements
    dw = x^\top dz
    ```
    ```source                          code as it stands in the repository
    purenn.layers.dense:dense.forward
    ```
    ```errors                          measured errors of rows of tests/table.py
    dense
    ```
    ```figure name="graph.cube" alt="…"    a figure of sitetools.figures; below it, its caption
    The cube.
    ```
    ```widget name="graph" alt="…"     a figure to touch, assets/widgets/graph.js; settings as JSON
    {"caption": "A graph of $x$.", "values": {"x": 2}}
    ```

Each raises when what it shows is missing or wrong, which fails the build. What computes is imported
where it is used, since drafts (sitetools/draft.py) do without.
"""

import gc
import importlib
import json
import re
import shlex
from functools import cache, wraps
from html import escape
from typing import Any

import markdown as python_markdown
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pymdownx.superfences import SuperFencesException
from quickly import compile_quickly

from sitetools import ROOT, handouts
from sitetools.reading import reading, without_machine
from sitetools.sources import line_of, source_of, without_docstrings

WIDGETS = ROOT / "docs" / "pages" / "assets" / "widgets"
LETTERS = 10  # pixels: the smallest that a figure's words get, which scrolls where it is too wide

gc.set_threshold(100_000, 20, 20)  # JAX makes many objects; the search for cycles takes a tenth
compile_quickly()  # for every way to make the pages, since each imports these fences first


def failing(formatter: Any) -> Any:
    """Superfences prints a fence as it is when its formatter raises; here that stops the build."""

    @wraps(formatter)  # zensical pickles its configuration: the name has to lead here
    def format_or_stop(*arguments: Any, **keywords: Any) -> str:
        try:
            return formatter(*arguments, **keywords)
        except Exception as error:
            raise SuperFencesException(f"{formatter.__name__}: {error}") from error

    return format_or_stop


def options_of_equation(language: str, given: Any, options: Any, attrs: Any, md: Any) -> bool:
    """An equation has an id."""
    return taken(language, given, options, {"id"})


def options_of_figure(language: str, given: Any, options: Any, attrs: Any, md: Any) -> bool:
    """A figure has a name and a text for readers who cannot see it."""
    return taken(language, given, options, {"name", "alt"})


def options_of_widget(language: str, given: Any, options: Any, attrs: Any, md: Any) -> bool:
    """A widget has a name and a text for readers who cannot see it."""
    return taken(language, given, options, {"name", "alt"})


def taken(language: str, given: Any, options: Any, expected: set[str]) -> bool:
    """Hands the options on; a fence with others would be printed as it is, so the build stops."""
    if set(given) != expected:
        raise SuperFencesException(f"{language}: expected {sorted(expected)}, got {sorted(given)}")
    options.update(given)
    return True


@failing
def equation(latex: str, language: str, css: str, options: Any, md: Any, **_: Any) -> str:
    """The equation, and a mark in its margin that opens its code, its NumPy form, and its check."""
    from sitetools.equations import EQUATIONS, worst

    name = options["id"]
    if name not in EQUATIONS:
        raise LookupError(f"there is no equation {name!r} in sitetools.equations")
    entry = EQUATIONS[name]
    places, shown = [], []
    for where, text in ((entry.source, entry.line), *entry.also):
        code = source_of(where)
        line = line_of(code, text)
        places.append(f"<code>{code.path}</code>, line {line}")
        shown.append(code.text.splitlines()[line - code.first_line].strip())
    both, mark = ("Both", ",") if len(places) == 1 else ("All", ";")
    difference = worst(name)
    agreement = f"within {difference:.1e} of" if difference else "equal to"
    transcription = source_of(f"{entry.numpy.__module__}:{entry.numpy.__name__}").text
    transcription = transcription[transcription.index("\ndef ") + 1 :]
    return displayed(
        name,
        latex,
        f'<details><summary><span aria-hidden="true">✓</span>'
        f"<span>Checked: {agreement} its NumPy form. Code of {name}</span></summary><div>"
        f"<p>{'; '.join(places)}{mark} and the equation in NumPy:</p>"
        f"{''.join(map(highlighted, shown))}{highlighted(transcription)}"
        f"<p>{both} are evaluated in float64 on random numbers each time this page is built, and "
        f"purenn's result is {agreement} NumPy's. The test is "
        f"<code>docs/tests/test_equations.py -k {name}</code>.</p></div></details>",
    )


def displayed(name: str, latex: str, below: str) -> str:
    """An equation, and what stands below it."""
    return (
        f'<div class="equation" id="eq-{name}">'
        f'<div class="arithmatex">\\[{escape(latex)}\\]</div>{below}</div>'
    )


@failing
def source(body: str, language: str, css: str, options: Any, md: Any, **_: Any) -> str:
    """Code of the repository with its place above it; of a definition, without its docstring.

    Below definitions stands what to read their helpers as.
    """
    parts, shown = [], []
    for name in body.split("\n"):
        found = source_of(name.strip())
        if ":" not in name:  # a whole file
            link = handouts.address(found.path, md)
            parts.append(highlighted(found.text, title=found.path, link=link))
            continue
        place = f"{found.path}, line {found.first_line}"
        code = without_machine(without_docstrings(found.text))
        shown.append(code)
        parts.append(highlighted(code, title=place))
    words = reading("\n\n".join(shown))
    return "".join(parts) + (f"<p>{code_words(words)}</p>" if words else "")


@failing
def errors(body: str, language: str, css: str, options: Any, md: Any, **_: Any) -> str:
    """A table of measured errors."""
    from sitetools.errors import markdown

    table = markdown(shlex.split(body))
    html = python_markdown.markdown(table, extensions=["tables"])
    return f'<div class="errors">{html}</div>'


@failing
def figure(body: str, language: str, css: str, options: Any, md: Any, **_: Any) -> str:
    """A figure and its caption."""
    picture = drawn(options["name"], options["alt"])
    style = "; ".join(f"{name}: {value:.0f}px" for name, value in widths(picture).items())
    opening = f'<figure style="{style}">' if style else "<figure>"
    return f'{opening}<div class="drawing">{picture}</div>{caption(body)}</figure>'


def widths(picture: str) -> dict[str, float]:
    """How wide an SVG is drawn, and the `--least` width, where its smallest words have 10 px."""
    units = re.search(r'viewBox="0 0 ([\d.]+) ', picture)
    width = re.search(r"max-width: ([\d.]+)px", picture)
    if not (units and width):
        return {}
    size = r'font(?:-size)?(?:="|: )([\d.]+)'
    inherited = re.findall(size, picture[: picture.index(">")])
    texts = [re.findall(size, text) for text in re.findall(r"<text.*?</text>", picture, re.DOTALL)]
    sizes = [min(map(float, found or inherited)) for found in texts if found or inherited]
    least = LETTERS * float(units[1]) / min(sizes) if sizes else 0
    return {"--width": float(width[1]), "--least": least}


@cache
def drawn(name: str, alt: str) -> str:
    """`module.function` of sitetools.figures: a Matplotlib figure, or an SVG already."""
    import matplotlib.pyplot as plt

    from sitetools import svg

    module, function = name.rsplit(".", 1)
    draw = getattr(importlib.import_module(f"sitetools.figures.{module}"), function)
    with plt.rc_context(svg.STYLE):
        result = draw()
    if isinstance(result, str):
        return result.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1)
    return svg.themed(result, alt)


@failing
def widget(body: str, language: str, css: str, options: Any, md: Any, **_: Any) -> str:
    """The place of a widget: assets/widgets.js runs its module with the settings."""
    name, alt = options["name"], escape(options["alt"])
    if not (WIDGETS / f"{name}.js").is_file():
        raise LookupError(f"there is no widget {name!r} in {WIDGETS.relative_to(ROOT)}")
    settings = json.loads(body.strip() or "{}")
    words = caption(settings.pop("caption", ""))
    data = json.dumps(settings).replace("<", "\\u003c")
    place = f'<div class="widget-body"><p class="says">{alt}</p></div>'
    # What there is to do is read before it is done; only a picture that opens a page goes first.
    opens = not settings.get("fullScreen", True) and name != "predict"
    parts = place + words if opens else words + place
    return (
        f'<figure class="widget" data-widget="{name}" role="group" aria-label="{alt}">'
        f'<script type="application/json">{data}</script>{parts}</figure>'
    )


def caption(body: str) -> str:
    """Plain text with `$…$` and `code`."""
    text = escape(body.strip())
    text = re.sub(r"\$(.+?)\$", r'<span class="arithmatex">\\(\1\\)</span>', text)
    return f"<figcaption>{code_words(text)}</figcaption>" if text else ""


def code_words(text: str) -> str:
    """Words between backticks as code."""
    return re.sub(r"`(.+?)`", r"<code>\1</code>", text)


def highlighted(code: str, title: str = "", link: str = "") -> str:
    """Python as HTML, with the theme's own classes; `link` leads to the file, to save it."""
    name = escape(title.rsplit("/", 1)[-1])
    save = f'<a href="{link}" download aria-label="Download {name}">Download</a>' if link else ""
    save = save and f'<span class="save"> · {save}</span>'
    head = f'<span class="filename">{escape(title)}{save}</span>' if title else ""
    formatter = HtmlFormatter(cssclass="highlight", wrapcode=True, filename="")
    html = highlight(code, PythonLexer(), formatter)
    return html.replace('<div class="highlight">', f'<div class="highlight">{head}', 1)
