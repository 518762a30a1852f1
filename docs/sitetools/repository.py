"""A Markdown extension: the repository's address, and links, `[line 33](source:purenn/mlp.py#L33)`.

Links lead there once `repo_url` is set in mkdocs.yml; until then their text stands alone. Where a
line of code says `git clone REPOSITORY`, the address takes the word's place, and without one the
line is left out.
"""

from typing import Any
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor

from sitetools.page_of_markdown import page_of_markdown

SCHEME = "source:"
CLONE = "git clone REPOSITORY"


def repository_address(md: Markdown) -> str:
    """The repository's address, or nothing if it has none yet."""
    page = page_of_markdown(md)
    return (page.config.repo_url or "").rstrip("/") if page else ""


class Clone(Preprocessor):
    """Writes the address into the command that copies the repository."""

    def run(self, lines: list[str]) -> list[str]:
        """Go through the page, before it is cut into blocks."""
        base = repository_address(self.md)
        return [
            line.replace(CLONE, f"git clone {base}") for line in lines if base or CLONE not in line
        ]


class Sources(Treeprocessor):
    """Resolves the links of one page."""

    def run(self, root: Element) -> None:
        """Lead each link into the repository, or make it plain text."""
        base = repository_address(self.md)
        for link in root.iter("a"):
            address = link.get("href", "")
            if not address.startswith(SCHEME):
                continue
            if base:
                link.set("href", f"{base}/blob/main/{address.removeprefix(SCHEME)}")
            else:
                link.tag = "span"
                del link.attrib["href"]


class Repository(Extension):
    """Registers both, the links' resolver before MkDocs looks at the links."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802, Markdown's own name
        """Register them."""
        md.preprocessors.register(Clone(md), "clone", 35)  # superfences has 25
        md.treeprocessors.register(Sources(md), "repository", 1)


def makeExtension(**options: Any) -> Repository:  # noqa: N802, Markdown's own name
    """Python-Markdown calls this."""
    return Repository(**options)
