"""What an extension of Python-Markdown knows about the page that it works on.

MkDocs hands its page, its files, and its configuration to one of its own tree processors, the
one that resolves links; it goes into the Markdown of docstrings too.
"""

from typing import Any, NamedTuple


class MarkdownPage(NamedTuple):
    """The page, as MkDocs knows it."""

    file: Any  # mkdocs.structure.files.File
    config: Any  # mkdocs.config.defaults.MkDocsConfig


def page_of_markdown(md: Any) -> MarkdownPage | None:
    """The page that is being converted, or nothing outside of MkDocs."""
    if "relpath" not in md.treeprocessors:
        return None
    links = md.treeprocessors["relpath"]
    return MarkdownPage(links.file, links.config)
