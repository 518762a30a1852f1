"""Notebooks out of the pages, after the site is built.

Prose and formulas become Markdown cells, executed blocks code cells; figures and tables of errors
are taken from the built page. What is written to SITE/notebooks needs purenn alone, and no network.
"""

import re
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from sitetools import svg
from sitetools.pages import PAGES, Fence, parts
from sitetools.reading import reading, without_machine
from sitetools.sources import source_of, without_docstrings

SECTIONS = ("quick-start.md", "course/*.md", "practice/*.md")
SETUP = """# Finds purenn and MNIST. Where purenn is not installed, such as in Colab, it comes
# from ARCHIVE, the students' archive: download it from the page on teaching, and put it beside
# this notebook.
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ARCHIVE = Path("purenn-exercises.zip")
if importlib.util.find_spec("purenn") is None:
    if not ARCHIVE.is_file():
        raise FileNotFoundError(f"purenn is not installed, and there is no {ARCHIVE.resolve()}")
    source = f"purenn @ {ARCHIVE.resolve().as_uri()}#subdirectory=library"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)

here = Path.cwd()
for clone in (here, *here.parents):
    if (clone / "examples/data/mnist").is_dir():
        os.chdir(clone)
        break
MNIST = "examples/data/mnist" if Path("examples/data/mnist").is_dir() else None  # downloaded"""
CSS = (PAGES / "assets/site.css").read_text().partition('[data-md-color-scheme="slate"]')[0]
LIGHT = dict(re.findall(r"(--[\w-]+): (#\w+);", CSS))


def pages() -> list[Path]:
    """The pages that have a notebook."""
    return [path for pattern in SECTIONS for path in sorted(PAGES.glob(pattern))]


def name_of(page: Path) -> str:
    """The notebook's file name: the page's, with its section's."""
    place = page.relative_to(PAGES).with_suffix("")
    return "-".join(place.parts).removesuffix("-index") + ".ipynb"


def notebook(page: Path, built: str) -> nbformat.NotebookNode:
    """One page's notebook; `built` is its HTML."""
    figures = iter(re.findall(r'<div class="drawing">(<svg.*?</svg>|<img.*?>)', built, re.DOTALL))
    tables = iter(re.findall(r'<div class="errors">(.*?)</div>', built, re.DOTALL))
    cells = [new_code_cell(SETUP)]
    reader = ProseReader()
    for part in parts(page.read_text()):
        if isinstance(part, Fence):
            cells += of_fence(part, figures, tables)
        elif text := reader.read(part.text):
            cells.append(new_markdown_cell(text))
    cells[0], cells[1] = cells[1], cells[0]  # the title first
    for i, cell in enumerate(cells):
        cell["id"] = f"cell-{i}"
    result = new_notebook(cells=cells)
    result.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    nbformat.validate(result)
    return result


def of_fence(fence, figures, tables) -> list[nbformat.NotebookNode]:
    """The cells of one fenced block."""
    if fence.options.get("exec"):
        if "sitetools" in fence.body:  # a table that the site alone can make
            return []
        code = fence.body.replace('"examples/data/mnist"', "MNIST")
        return [new_code_cell(code)]
    if fence.language == "figure":
        return [of_figure(next(figures), fence)]
    if fence.language == "errors":
        return [new_markdown_cell(next(tables).strip())]
    if fence.language == "equation":
        return [new_markdown_cell(f"$$\n{fence.body}\n$$")]
    if fence.language == "widget":
        return [
            new_markdown_cell(
                f"*On the site, there is something to touch here.* {fence.options['alt']}"
            )
        ]
    if fence.language == "source":
        found = [source_of(name.strip()) for name in fence.body.split("\n")]
        shown = [(s.path, without_machine(without_docstrings(s.text))) for s in found]
        parts = [f"`{path}`:\n\n```python\n{code}\n```" for path, code in shown]
        words = reading("\n\n".join(code for _, code in shown))
        return [new_markdown_cell("\n\n".join([*parts, words] if words else parts))]
    return [new_markdown_cell(f"```{fence.language}\n{fence.body}\n```")]


def of_figure(drawn: str, fence: Fence) -> nbformat.NotebookNode:
    """A figure as an attachment, in the light theme's colors, with its caption."""
    alt = fence.options["alt"]
    if drawn.startswith("<img"):
        kind, data = re.search(r"data:(image/\w+);base64,([^\"]+)", drawn).groups()
    else:
        for variable, color in LIGHT.items():
            drawn = drawn.replace(f"var({variable})", color)
        if "xmlns=" not in drawn:
            drawn = drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
        kind, data = "image/svg+xml", svg.base64_of(drawn)
    file = f"figure.{kind[6:9]}"
    cell = new_markdown_cell(f"![{alt}](attachment:{file})\n\n{fence.body.strip()}")
    cell["attachments"] = {file: {kind: data}}
    return cell


class ProseReader:
    """Markdown of the site as Markdown of a notebook; an admonition may go on behind a fence."""

    def __init__(self) -> None:
        self.inside = False

    def read(self, text: str) -> str:
        """Titles of admonitions bold, their text not indented, no links into the site."""
        text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
        text = re.sub(r"(?<!!)\[([^\]]+)\]\((?!https?:)[^)]+\)", r"\1", text)
        return "\n".join(self.line(line) for line in text.splitlines()).strip()

    def line(self, line: str) -> str:
        """One line."""
        if start := re.match(r'(?:\?\?\?\+?|!!!) \w+(?: "(?P<title>.*)")?$', line):
            self.inside = True
            return f"**{start['title'] or 'Note'}**"
        if line.strip() and not line.startswith("    "):
            self.inside = False
        if self.inside:
            line = line.removeprefix("    ")
        line = re.sub(r"</?div[^>]*>", "", line)
        return re.sub(r" *\{ *[#.][^}]*\}$", "", line)  # attr_list


def write(site: Path) -> list[Path]:
    """All notebooks into SITE/notebooks."""
    folder = site / "notebooks"
    folder.mkdir(exist_ok=True)
    written = []
    for page in pages():
        place = page.relative_to(PAGES).with_suffix("")
        built = site / (place.parent if place.name == "index" else place) / "index.html"
        target = folder / name_of(page)
        nbformat.write(notebook(page, built.read_text()), target)
        written.append(target)
    return written
