"""The Markdown of the site, cut into its parts: prose and fences."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sitetools import ROOT

PAGES = ROOT / "docs" / "pages"
FENCE = re.compile(
    r"^(?P<indent> *)(?P<ticks>`{3,})(?P<info>[^`\n]*)\n"
    r"(?P<body>.*?)"
    r"^(?P=indent)(?P=ticks) *$",
    re.MULTILINE | re.DOTALL,
)


class Prose(NamedTuple):
    """Markdown between two fences."""

    text: str


class Fence(NamedTuple):
    """A fenced block: ```` ```language key="value" ````."""

    language: str
    options: dict[str, str]
    body: str
    indent: int  # spaces before it, inside an admonition


def title_of(page: Path) -> str:
    """The page's first heading, without an id."""
    return re.search(r"^# (.+?)(?: *\{.*\})?$", page.read_text(), re.MULTILINE)[1]


def parts(text: str) -> Iterator[Prose | Fence]:
    """The prose and the fences of a page, in order."""
    end = 0
    for match in FENCE.finditer(text):
        if match.start() > end:
            yield Prose(text[end : match.start()])
        end = match.end() + 1
        indent = len(match["indent"])
        lines = match["body"].splitlines()
        body = "\n".join(line[indent:] for line in lines)
        language, _, rest = match["info"].strip().partition(" ")
        yield Fence(language, dict(re.findall(r'([\w-]+)="([^"]*)"', rest)), body, indent)
    if end < len(text):
        yield Prose(text[end:])


def fences(path: Path) -> list[Fence]:
    """All fences of a page."""
    return [part for part in parts(path.read_text()) if isinstance(part, Fence)]


def all_pages() -> list[Path]:
    """Every page's file, in order of its name."""
    return sorted(PAGES.rglob("*.md"))
