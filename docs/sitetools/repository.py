"""A Markdown extension: links into the repository, `[line 33](source:purenn/layers/dense.py#L33)`.

They lead there once `repo_url` is set in mkdocs.yml; until then their text stands alone.
"""

from typing import Any
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

from sitetools.page_of_markdown import page_of_markdown

SCHEME = "source:"


class Sources(Treeprocessor):
    """Resolves the links of one page."""

    def run(self, root: Element) -> None:
        """Lead each link into the repository, or make it plain text."""
        page = page_of_markdown(self.md)
        base = (page.config.repo_url or "").rstrip("/") if page else ""
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
    """Registers the resolver before MkDocs looks at the links."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802, Markdown's own name
        """Register it."""
        md.treeprocessors.register(Sources(md), "repository", 1)


def makeExtension(**options: Any) -> Repository:  # noqa: N802, Markdown's own name
    """Python-Markdown calls this."""
    return Repository(**options)
