"""llms.txt, the site's list of pages for language models, after the site is built.

Each link leads to the page's Markdown, which is copied beside its HTML.
"""

import os
import re
from pathlib import Path

import yaml

from sitetools import ROOT
from sitetools.pages import PAGES, Prose, parts, title_of
from sitetools.repository import CLONE

HEAD = """# purenn

> {description}

A layer is a value that holds pure functions: `init(key, in_shape) -> (params, state)`,
`forward(params, state, x, *, train=False, key=None) -> (y, state, cache)` and, worked out by hand,
`backward(params, cache, dy) -> (dparams, dx)`. Rows are examples; losses are means over the batch.
"""


class _Loader(yaml.SafeLoader):
    """Reads mkdocs.yml without importing what its tags name."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: None)
_Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: None)


def llms_txt() -> str:
    """The text, in the order of the navigation."""
    config = yaml.load((ROOT / "mkdocs.yml").read_text(), _Loader)
    text = HEAD.format(description=config["site_description"])
    for section in config["nav"]:
        ((title, content),) = section.items()
        text += f"\n## {title}\n\n"
        for page in files_of(content):
            text += f"- [{title_of(PAGES / page)}]({page}): {first_sentence(page)}\n"
    return text


def files_of(content: object) -> list[str]:
    """The pages below a part of the navigation."""
    if isinstance(content, str):
        return [content]
    below = content.values() if isinstance(content, dict) else content
    return [file for inner in below for file in files_of(inner)]


def first_sentence(page: str) -> str:
    """The first sentence of the first paragraph of prose."""
    prose = "\n".join(
        part.text for part in parts((PAGES / page).read_text()) if isinstance(part, Prose)
    )
    prose = re.sub(r"\A---\n.*?\n---\n", "", prose, flags=re.DOTALL)
    for paragraph in re.split(r"\n\s*\n", prose):
        if re.match(r"[A-Za-z`*]", paragraph):
            plain = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", " ".join(paragraph.split()))
            return re.match(r".+?[.:?](?= |$)|.+", plain)[0]
    return ""


def with_address(text: str, address: str) -> str:
    """A page whose command that copies the repository has its address, or is left out."""
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if address or CLONE not in line]
    return "".join(kept).replace(CLONE, f"git clone {address.rstrip('/')}")


def write(site: Path) -> None:
    """llms.txt and the Markdown of every page."""
    (site / "llms.txt").write_text(llms_txt())
    for page in PAGES.rglob("*.md"):
        target = site / page.relative_to(PAGES)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(with_address(page.read_text(), os.environ.get("REPO_URL", "")))
