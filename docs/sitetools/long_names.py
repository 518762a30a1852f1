"""A Markdown extension: a long path in code may go on in the next line.

It breaks after a slash or an underscore, where `<wbr>` allows it, and not in the middle of a word.
The tag is no letter: what a reader copies is the path alone.
"""

import re
from typing import Any
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor
from markdown.util import HTML_PLACEHOLDER_RE

LONG = re.compile(r"(?=[^\s<]*/)[^\s<]{28,}")  # a phone shows some more letters in a line
PLACE = re.compile(r"(?<=\w[/_])(?=\w)")


def breakable(html: str) -> str:
    """The same HTML, with the places where its long paths may break."""
    return LONG.sub(lambda path: PLACE.sub("<wbr>", path[0]), html)


class LongNames(Treeprocessor):
    """Finds such paths outside of blocks of code; `inlinehilite` has put their letters aside."""

    def run(self, root: Element) -> None:
        """Go through the page."""
        aside = self.md.htmlStash.rawHtmlBlocks
        for code in root.iter("code"):
            found = HTML_PLACEHOLDER_RE.fullmatch(code.text or "")
            if found and isinstance(text := aside[int(found[1])], str) and "<" not in text:
                aside[int(found[1])] = breakable(text)


class LongNamesExtension(Extension):
    """Registers it after the inline patterns, which have 20, have made the code."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802, Markdown's own name
        """Register it."""
        md.treeprocessors.register(LongNames(md), "long_names", 15)


def makeExtension(**options: Any) -> LongNamesExtension:  # noqa: N802, Markdown's own name
    """Python-Markdown calls this."""
    return LongNamesExtension(**options)
