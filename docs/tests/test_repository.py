"""Links into the repository and "edit this page", with a `repo_url` and without one."""

import re

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from sitetools import ROOT
from sitetools.glossary import glossary
from sitetools.llms import with_address

pytestmark = pytest.mark.filterwarnings("default")  # of the build's own libraries

REPOSITORY = "https://github.com/someone/purenn"
PAGE = """# Page

[line 33](source:purenn/layers/dense.py#L33). A logit is a score, and logits are scores. `logit`

# Another logit

```text
git clone REPOSITORY purenn
cd purenn
```
"""


def built(tmp_path, monkeypatch, repo_url):
    """The HTML of a page, built with the project's own settings."""
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "index.md").write_text(PAGE)
    (pages / "glossary.md").write_text("# Glossary\n\n### Logit { #logit }\n\nA score.\n")
    (pages / "assets").symlink_to(ROOT / "docs/pages/assets")
    monkeypatch.chdir(ROOT)
    config = load_config(
        str(ROOT / "mkdocs.yml"),
        docs_dir=str(pages),
        site_dir=str(tmp_path / "site"),
        nav=["index.md", "glossary.md"],
        strict=True,
        repo_url=repo_url,
    )
    config.plugins.on_startup(command="build", dirty=False)
    build(config)
    return (tmp_path / "site" / "index.html").read_text()


def test_with_a_repository_sources_and_pages_lead_there(tmp_path, monkeypatch):
    html = built(tmp_path, monkeypatch, REPOSITORY)
    assert f'href="{REPOSITORY}/blob/main/purenn/layers/dense.py#L33"' in html
    assert f'href="{REPOSITORY}/edit/main/docs/pages/index.md"' in html
    assert f"git clone {REPOSITORY} purenn\ncd purenn" in html
    assert 'data-md-component="source"' not in html  # which would ask GitHub


@pytest.mark.parametrize("none", ["", None])
def test_without_a_repository_the_words_stand_alone(none, tmp_path, monkeypatch):
    html = built(tmp_path, monkeypatch, none)
    assert "<span>line 33</span>" in html
    assert "source:" not in html
    assert "cd purenn" in html and "git clone" not in html
    assert 'rel="edit"' not in html


def test_the_first_occurrence_of_a_term_has_its_definition(tmp_path, monkeypatch):
    html = built(tmp_path, monkeypatch, "")
    (found,) = re.findall(r'<a class="term" [^>]*>([^<]*)</a>', html)
    assert found == "logit"
    assert 'href="glossary/#logit"' in html
    (definition,) = [term.definition for term in glossary() if term.id == "logit"]
    assert f'data-definition="{definition}"' in html


def test_the_glossary_has_each_form_once_and_plain_definitions():
    forms = [form.lower() for term in glossary() for form in term.forms]
    assert len(forms) == len(set(forms))
    assert 40 <= len(glossary()) <= 90
    for term in glossary():
        assert not re.search(r"[$\[\]*]", term.definition), term.id
        assert len(term.definition) < 260, term.id


def test_copied_markdown_has_the_address_or_no_command():
    page = "```text\ngit clone REPOSITORY purenn\ncd purenn\n```\n"
    assert with_address(page, "") == "```text\ncd purenn\n```\n"
    assert f"git clone {REPOSITORY} purenn\ncd purenn" in with_address(page, REPOSITORY)
