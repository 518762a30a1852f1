"""The notebooks made from the pages: they run from top to bottom, with purenn alone."""

import base64
import contextlib
import importlib.util
import io
import re
import shutil
import socket
import subprocess
import zipfile

import matplotlib
import nbformat
import pytest
from sitetools import ROOT
from sitetools.notebooks import SETUP, ProseReader, name_of, notebook, pages
from sitetools.pages import PAGES, fences

# The pages' own code has run when the site was built, and a notebook has the same: so these stand
# for all, with data and without, with a setup that finds the clone.
RUN = ("quick-start.md", "course/neuron.md", "course/backpropagation.md", "course/losses.md")


@pytest.fixture
def no_network(monkeypatch):
    def fail(*arguments, **options):
        raise AssertionError("a notebook asked for the network")

    monkeypatch.setattr(socket.socket, "connect", fail)


@pytest.mark.parametrize("source", pages(), ids=lambda source: source.stem)
def test_notebook_has_the_code_of_its_page(source, site):
    written = nbformat.read(site / "notebooks" / name_of(source), as_version=4)
    nbformat.validate(written)
    title, setup, *cells = written.cells
    assert title.cell_type == "markdown" and title.source.startswith("# ")
    assert "MNIST = " in setup.source
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    shown = [f for f in fences(source) if f.options.get("exec") and "sitetools" not in f.body]
    assert code == [f.body.replace('"examples/data/mnist"', "MNIST") for f in shown]


@pytest.mark.parametrize("source", RUN)
def test_notebook_runs(source, site, no_network, monkeypatch):
    page = PAGES / source
    written = nbformat.read(site / "notebooks" / name_of(page), as_version=4)
    monkeypatch.chdir(ROOT)
    matplotlib.use("agg")
    namespace = {"__name__": "__main__"}
    printed = io.StringIO()
    for number, cell in enumerate(written.cells):
        if cell.cell_type == "code":
            with contextlib.redirect_stdout(printed):
                exec(compile(cell.source, f"{page.stem}, cell {number}", "exec"), namespace)
    assert printed.getvalue().strip()


def test_no_notebook_needs_the_tools_of_the_site(site):
    for page in pages():
        written = nbformat.read(site / "notebooks" / name_of(page), as_version=4)
        for cell in written.cells:
            assert cell.cell_type == "markdown" or "sitetools" not in cell.source, page
            assert "](../" not in cell.source, (page, cell.source)


def test_prose_loses_what_only_the_site_can_show():
    text = """
## Two { #two }

??? success "Solution"
    See [the layer](layer.md#x) and [JAX](https://docs.jax.dev).

Out again.
"""
    assert ProseReader().read(text) == (
        "## Two\n\n**Solution**\nSee the layer and [JAX](https://docs.jax.dev).\n\nOut again."
    )


def test_a_figure_comes_along_in_light_colors(tmp_path, monkeypatch):
    page = PAGES / "quick-start.md"
    svg = '<svg role="img"><path stroke="var(--wrong)" fill="var(--forward)"/></svg>'
    svg = f'<figure style="--width: 9px"><div class="drawing">{svg}</div></figure>'
    text = '# T\n\n```figure name="a.b" alt="A line."\nIt.\n```\n'
    monkeypatch.setattr(type(page), "read_text", lambda self: text)
    *_, cell = notebook(page, svg).cells
    assert cell.source == "![A line.](attachment:figure.svg)\n\nIt."
    (data,) = cell.attachments["figure.svg"].values()
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", data)
    assert b"var(" not in base64.b64decode(data)


def test_in_place_of_a_widget_stand_its_words(monkeypatch):
    page = PAGES / "quick-start.md"
    text = '# T\n\n```widget name="graph" alt="A graph."\n{}\n```\n'
    monkeypatch.setattr(type(page), "read_text", lambda self: text)
    *_, cell = notebook(page, "").cells
    assert cell.cell_type == "markdown" and cell.source.endswith("A graph.")


def test_the_setup_installs_purenn_from_the_students_archive(site, tmp_path, monkeypatch):
    """Where purenn is missing; pip itself is not run."""
    ran = []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(subprocess, "run", lambda command, check: ran.append(command))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"purenn is not installed.*purenn-exercises\.zip"):
        exec(SETUP, {})
    archive = shutil.copy(site / "handouts" / "purenn-exercises.zip", tmp_path)
    exec(SETUP, {})
    [[*_, source]] = ran
    assert source == f"purenn @ file://{archive}#subdirectory=library"
    with zipfile.ZipFile(archive) as packed:
        assert "purenn-exercises/library/pyproject.toml" in packed.namelist()
