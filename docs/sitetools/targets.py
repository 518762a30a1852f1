"""A Markdown extension: the targets of links, `[](){ #kingma2015 }`, are no links themselves.

The autorefs plugin reads them as links without an address, where the Tab key would stop.
"""

from typing import Any
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor


class Targets(Treeprocessor):
    """Makes each of them a span with its id."""

    def run(self, root: Element) -> None:
        """Go through the page."""
        for link in list(root.iter("a")):
            if link.get("id") and link.get("href") == "":
                link.tag = "span"
                del link.attrib["href"]


class TargetsExtension(Extension):
    """Registers it after autorefs, which has 0, has seen the targets."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802, Markdown's own name
        """Register it."""
        md.treeprocessors.register(Targets(md), "targets", -10)


def makeExtension(**options: Any) -> TargetsExtension:  # noqa: N802, Markdown's own name
    """Python-Markdown calls this."""
    return TargetsExtension(**options)
