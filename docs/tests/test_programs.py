"""The programs made from the how-to pages: all blocks of a page, which run as one file."""

import os
import subprocess
import sys

import pytest
from html_page import parse
from sitetools import ROOT
from sitetools.pages import PAGES, fences
from sitetools.programs import address, blocks, pages, program

# The blocks themselves have run when the site was built, so these stand for all.
RUN = ("checkpoints", "data", "from-flax")


@pytest.mark.parametrize("source", pages(), ids=lambda source: source.stem)
def test_a_program_has_the_code_that_its_page_shows(source, site):
    written = (site / address(source)).read_text()
    assert written == program(source)
    compile(written, source.stem, "exec")
    place = 0
    shown = [f for f in fences(source) if f.options.get("exec") and f.options.get("source")]
    assert shown
    for fence in shown:
        place = written.index(fence.body.strip(), place) + len(fence.body.strip())


@pytest.mark.parametrize("source", pages(), ids=lambda source: source.stem)
def test_a_page_links_to_its_program(source, site):
    built = site / "howto" / source.stem / "index.html"
    links = [a.get("href") for a in parse(built.read_text()).walk("a")]
    assert f"../../{address(source)}" in links


@pytest.mark.parametrize("name", RUN)
def test_a_program_runs(name, site, tmp_path):
    file = site / address(PAGES / "howto" / f"{name}.md")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    ran = subprocess.run(
        [sys.executable, str(file)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()


def test_a_run_of_the_page_about_checkpoints_resumes(tmp_path):
    (_, first), *_ = blocks((PAGES / "howto/checkpoints.md").read_text())
    command, env = [sys.executable, "-c", first], {**os.environ, "PYTHONPATH": str(ROOT)}
    once, again = (
        subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
        for _ in range(2)
    )
    assert once.stdout == again.stdout
    assert "resume" in first and "tempfile" not in first


def test_blocks_stand_below_their_headings():
    text = """# T

```python exec="1" session="a"
hidden = 1
```

## One { #one }

```python exec="1" source="above" session="a"
a = 1
```

More.

```python exec="1" source="above" session="a"
b = 2
```

## Two

```text
no code
```

### Three

```python exec="1" source="above" session="a"
c = 3
```
"""
    assert blocks(text) == [("One", "a = 1"), ("", "b = 2"), ("Three", "c = 3")]
