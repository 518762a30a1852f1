"""Drafts of the pages: the Markdown with nothing run, which says so and cannot become the site."""

import pytest
from mkdocs.__main__ import cli
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort
from sitetools import ROOT
from sitetools.__main__ import MKDOCS, main

pytestmark = pytest.mark.filterwarnings("default")  # of the build's own libraries

# What would stop the strict build, were it run, drawn, measured or compared, beside what would not.
PAGE = """# Being written

Prose with $x$ and **bold** words.

```python exec="1" source="above" session="draft"
raise RuntimeError("run")
```

```python exec="1"
print("## A heading out of a block")
```

```equation id="not.registered"
y = x^\\top w
```

```figure name="home.not_there" alt="A curve that rises"
The *caption*, with `code`.
```

```errors
dense conv2d
```

```source
purenn.layers.dense:DenseParams
```

```source
purenn.layers.dense:nothing
```
"""


@pytest.fixture
def draft(tmp_path, monkeypatch):
    """The HTML of the page, as `mkdocs serve -f docs/draft.yml` makes it."""
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "index.md").write_text(PAGE)
    monkeypatch.chdir(ROOT)
    config = load_config(
        "docs/draft.yml", docs_dir=str(pages), site_dir=str(tmp_path / "site"), nav=["index.md"]
    )
    config.plugins.on_startup(command="serve", dirty=False)
    build(config)
    return (tmp_path / "site/index.html").read_text()


def test_a_draft_shows_the_markdown_and_the_place_of_everything_else(draft):
    for shown in (
        "Figures and checks are off",  # on the page itself
        '<h1 id="being-written">',
        "<strong>bold</strong>",
        '<span class="ne">RuntimeError</span>',
        "Not run in a draft. Lines of code: 1.",
        r"\[y = x^\top w\]",
        "not compared in a draft",
        "A curve that rises",
        "with <code>code</code>.</figcaption>",
        "Those of dense, conv2d are not measured in a draft.",
        '<span class="k">class</span>',  # the source that is there
        "there is no &#x27;nothing&#x27;",  # and the one that is not
    ):
        assert shown in draft, shown
    assert "A heading out of a block" not in draft


def test_a_draft_is_only_served(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    options = ["build", "--strict", "-f", "docs/draft.yml", "--site-dir", str(tmp_path / "site")]
    with pytest.raises(Abort, match="drafts are only served"):
        cli.main(options, standalone_mode=False)
    assert not (tmp_path / "site").exists()


def test_the_strict_build_knows_no_draft(capsys):
    # It runs MkDocs anew, so that nothing of this process matters, and reads mkdocs.yml.
    assert MKDOCS[-3:] == ["mkdocs", "build", "--strict"]
    config = load_config(str(ROOT / "mkdocs.yml"))
    assert not config.hooks
    assert main(["--draft"]) == 2 and "--draft" in capsys.readouterr().err
