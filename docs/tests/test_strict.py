"""What must stop the strict build does: each fault is planted on a page, and built."""

import logging

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort, BuildError
from pymdownx.superfences import SuperFencesException
from sitetools import ROOT
from sitetools.__main__ import MKDOCS

pytestmark = pytest.mark.filterwarnings("default")  # of the build's own libraries

FAULTS = {
    "a block that raises": '```python exec="1" source="above" session="planted"\nprint(1 / 0)\n```',
    "a link to no page": "[there](nowhere.md)",
    "a link to no heading": "[there](#nowhere)",
    "an unknown equation": '```equation id="none"\nx\n```',
    "an equation without an id": "```equation\nx\n```",
    "a source that is not there": "```source\npurenn.layers.dense:nothing\n```",
    "a figure without words": '```figure name="home.digits"\nx\n```',
    "a figure that is not there": '```figure name="home.none" alt="x"\n\n```',
    "a public name that is not there": "::: purenn.nothing",
    "errors of no row": "```errors\nnothing\n```",
}


@pytest.fixture
def built(tmp_path, monkeypatch):
    """Builds a site of one page with the project's own settings."""

    def build_page(markdown):
        pages = tmp_path / "pages"
        pages.mkdir()
        (pages / "index.md").write_text(f"# Planted\n\n{markdown}\n")
        (pages / "assets").symlink_to(ROOT / "docs/pages/assets")
        monkeypatch.chdir(ROOT)
        config = load_config(
            str(ROOT / "mkdocs.yml"),
            docs_dir=str(pages),
            site_dir=str(tmp_path / "site"),
            nav=["index.md"],
            strict="--strict" in MKDOCS,
        )
        config.plugins.on_startup(command="build", dirty=False)
        build(config)

    logging.getLogger("mkdocs").setLevel(logging.ERROR if "--quiet" in MKDOCS else logging.INFO)
    return build_page


def test_a_page_without_a_fault_is_built(built):
    built("$x$ [here](#planted)\n\n```source\npurenn.layers.dense:DenseParams\n```")


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_stops_the_build(fault, built):
    with pytest.raises((Abort, BuildError, SuperFencesException)):
        built(FAULTS[fault])
