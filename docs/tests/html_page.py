"""A built page as a tree, as much of it as the checks ask for."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

# Tags without an end tag.
VOID = ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr")


@dataclass
class Element:
    """A tag, its attributes and what is in it, text being plain strings."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    parent: "Element | None" = None
    children: list["Element | str"] = field(default_factory=list)

    def __str__(self) -> str:
        shown = {n: v[:60] for n, v in self.attributes.items() if n in ("id", "class", "href")}
        return f"<{' '.join([self.tag, *(f'{n}={v!r}' for n, v in shown.items())])}>"

    def get(self, name: str) -> str:
        """The attribute, or nothing."""
        return self.attributes.get(name, "")

    def classes(self) -> set[str]:
        """Its CSS classes."""
        return set(self.get("class").split())

    def walk(self, *tags: str) -> Iterator["Element"]:
        """The elements in it, all or those with one of the tags, in the order of the page."""
        for child in self.children:
            if isinstance(child, Element):
                if not tags or child.tag in tags:
                    yield child
                yield from child.walk(*tags)

    def ancestors(self) -> Iterator["Element"]:
        """The elements that it is in, the nearest first."""
        element = self.parent
        while element is not None:
            yield element
            element = element.parent

    def text(self) -> str:
        """The text in it, without code, which is not text to read."""
        if self.tag in ("script", "style", "template"):
            return ""
        return "".join(c if isinstance(c, str) else c.text() for c in self.children)


class TreeBuilder(HTMLParser):
    """Builds the tree; an end tag closes what was left open inside."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.open = Element("document")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.open)
        self.open.children.append(element)
        if tag not in VOID:
            self.open = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.open)
        self.open.children.append(element)

    def handle_endtag(self, tag: str) -> None:
        for element in (self.open, *self.open.ancestors()):
            if element.tag == tag and element.parent is not None:
                self.open = element.parent
                return

    def handle_data(self, data: str) -> None:
        self.open.children.append(data)


def parse(html: str) -> Element:
    """The tree of a page."""
    builder = TreeBuilder()
    builder.feed(html)
    builder.close()
    return builder.root


def pages_of(site: Path) -> list[str]:
    """The paths of all pages, in a fixed order: `course/dense/index.html`. Sheets are not pages."""
    paths = (path.relative_to(site) for path in site.rglob("*.html"))
    return sorted(path.as_posix() for path in paths if path.parts[0] != "handouts")


def address_of(page: str) -> str:
    """What a browser asks for: `course/dense/`."""
    return page.removesuffix("index.html") if page.split("/")[-1] == "index.html" else page
