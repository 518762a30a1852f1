"""A site that several processes build is the one that a single process builds."""

import json
import logging
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from sitetools import ROOT, share
from sitetools.__main__ import MKDOCS

pytestmark = pytest.mark.filterwarnings("default")  # of the build's own libraries

PAGE = """# Page {n}

A [link](page-{next}.md#a-heading-of-{next}) and $x$.

## A heading of {n}

```python exec="1" source="above" result="text" session="page-{n}"
print("printed by", {n} * 1111)
```

```equation id="dense.dw"
dw = x^\\top dz
```

```figure name="course.road" alt="A road"
```
"""
PAGES = 4


@pytest.fixture
def pages(tmp_path):
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "assets").symlink_to(ROOT / "docs/pages/assets")
    for n in range(PAGES):
        # One page has a figure.
        page = PAGE if n == 1 else PAGE.split("```figure")[0]
        (folder / f"page-{n}.md").write_text(page.format(n=n, next=(n + 1) % PAGES))
    (folder / "index.md").write_text("# First\n\n[On](page-0.md)\n")
    return folder


def config_of(folder: Path, pages: Path, name: str, hooks: str) -> Path:
    path = folder / name
    path.write_text(
        f"INHERIT: {ROOT}/mkdocs.yml\ndocs_dir: {pages}\nnav: [index.md, "
        + ", ".join(f"page-{n}.md" for n in range(PAGES))
        + f"]\ntheme:\n  custom_dir: {ROOT}/docs/theme\nhooks: {hooks}\n"
    )
    return path


def files_of(site: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(site)): path.read_bytes()
        for path in site.rglob("*")
        if path.is_file() and path.suffix not in (".gz", ".inv", ".xml")  # with their time
    }


def test_two_processes_build_what_one_builds(tmp_path, pages, monkeypatch):
    monkeypatch.chdir(ROOT)
    alone = tmp_path / "alone"
    config = load_config(
        str(config_of(tmp_path, pages, "alone.yml", "[]")), site_dir=str(alone), strict=True
    )
    config.plugins.on_startup(command="build", dirty=False)
    logging.getLogger("mkdocs").setLevel(logging.INFO)
    build(config)

    shared = tmp_path / "shared"
    hook = f"[{ROOT}/docs/sitetools/share.py]"
    status = share.build(MKDOCS, shared, 2, config_of(tmp_path, pages, "shared.yml", hook))
    assert status == 0
    one, two = files_of(alone), files_of(shared)
    assert one.keys() == two.keys()
    index = str(share.INDEX)
    entries = [json.loads(files.pop(index))["docs"] for files in (one, two)]
    assert sorted(map(str, entries[0])) == sorted(map(str, entries[1]))
    assert any("printed by 2222" in str(entry) for entry in entries[1])
    assert [name for name in one if one[name] != two[name]] == []


def test_a_fault_stops_all_processes_and_writes_nothing(tmp_path, pages, capfd):
    (pages / "page-2.md").write_text('# Page 2\n\n```python exec="1"\nprint(1 / 0)\n```\n')
    site = tmp_path / "site"
    hook = f"[{ROOT}/docs/sitetools/share.py]"
    assert share.build(MKDOCS, site, 2, config_of(tmp_path, pages, "shared.yml", hook)) != 0
    assert not site.exists()
    assert "ZeroDivisionError" in "".join(capfd.readouterr())
