"""A Markdown extension: the glossary from A to Z, and its definitions where its terms first occur.

The terms are those of docs/pages/glossary.md, which are headings with other forms of the word,
`### Logit { #logit data-forms="logits|…" }`, and below each the definition, a paragraph. A term
becomes a link into the glossary that holds the definition, for assets/glossary.js to show. In the
file, the terms are in groups, which show what is missing; on the page, they stand from A to Z.
"""

import posixpath
import re
from functools import cache
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

from sitetools.page_of_markdown import page_of_markdown
from sitetools.pages import PAGES

PAGE = "glossary.md"
NOT_MARKED = {PAGE, "bibliography.md"}
SKIPPED = {
    *("a", "abbr", "button", "code", "figure", "pre", "script", "style", "summary", "svg", "table"),
    *(f"h{level}" for level in range(1, 7)),
}
SKIPPED_CLASSES = {"arithmatex", "admonition-title", "entry-links", "highlight"}
BLOCKS = {"p", "li", "dd"}
MOST = 2  # terms in one paragraph
ENTRY = re.compile(
    r"^### (?P<name>.+?) \{ #(?P<id>[\w-]+)(?: data-forms=\"(?P<forms>[^\"]*)\")? \}\n\n"
    r"(?P<definition>.+(?:\n.+)*)\n\n(?P<links>.+)\n",
    re.MULTILINE,
)


class Term(NamedTuple):
    """An entry of the glossary."""

    id: str
    forms: tuple[str, ...]
    definition: str  # plain text
    taught: str  # the page that its link leads to


@cache
def glossary() -> tuple[Term, ...]:
    """All entries."""
    terms = []
    for entry in ENTRY.finditer((PAGES / PAGE).read_text()):
        forms = (entry["name"], *filter(None, (entry["forms"] or "").split("|")))
        taught = re.search(r"\]\(([^)#]+)", entry["links"])[1]
        definition = entry["definition"].replace("`", "").replace("\n", " ")
        terms.append(Term(entry["id"], forms, definition, taught))
    return tuple(terms)


@cache
def pattern() -> re.Pattern[str]:
    """Any form of any term, the longest first; `x-batch` and `batch_norm` are other words."""
    forms = sorted((f for term in glossary() for f in term.forms), key=len, reverse=True)
    return re.compile(
        rf"(?<![\w\-.])(?:{'|'.join(map(re.escape, forms))})(?![\w\-])", re.IGNORECASE
    )


@cache
def terms_by_form() -> dict[str, Term]:
    """The term of each form, in small letters."""
    return {form.lower(): term for term in glossary() for form in term.forms}


class Marker(Treeprocessor):
    """Marks the terms of one page."""

    def run(self, root: Element) -> None:
        """Go through the page, unless it is the glossary itself."""
        page = page_of_markdown(self.md)
        if page is None or page.file.src_uri in NOT_MARKED:
            return
        # A page's docstrings are converted one by one: what was marked is kept with the file.
        self.marked: set[str] = vars(page.file).setdefault("marked_terms", set())
        self.src_uri = page.file.src_uri
        self.left = MOST
        self.walk(root)

    def walk(self, element: Element) -> None:
        """Mark the terms in the text of an element and of those in it."""
        if element.tag in SKIPPED or SKIPPED_CLASSES & set(element.get("class", "").split()):
            return
        if element.tag in BLOCKS:
            self.left = MOST
        children = list(element)
        element.text = self.divide(element, 0, element.text)
        for child in children:
            self.walk(child)
            child.tail = self.divide(element, list(element).index(child) + 1, child.tail)

    def divide(self, parent: Element, index: int, text: str | None) -> str | None:
        """The text before the first term; the terms and what is between them go into the parent."""
        rest, before, last = text or "", "", None
        for match in pattern().finditer(rest):
            term = terms_by_form()[match[0].lower()]
            if self.left == 0:
                break
            if term.id in self.marked or term.taught == self.src_uri:
                continue
            self.marked.add(term.id)
            self.left -= 1
            start = match.start() - (len(text or "") - len(rest))
            if last is None:
                before = rest[:start]
            else:
                last.tail = rest[:start]
            rest = rest[start + len(match[0]) :]
            last = self.link(term, match[0])
            parent.insert(index, last)
            index += 1
        if last is None:
            return text
        last.tail = rest
        return before

    def link(self, term: Term, word: str) -> Element:
        """A word with its definition."""
        glossary_page = posixpath.relpath(PAGE, posixpath.dirname(self.src_uri) or ".")
        link = Element("a", {"href": f"{glossary_page}#{term.id}", "class": "term"})
        link.set("data-definition", term.definition)
        link.text = word
        return link


class Alphabet(Treeprocessor):
    """Puts the glossary's own page in order, with a row of letters that lead to them."""

    def run(self, root: Element) -> None:
        """Take the entries out of their groups, and put each below its letter."""
        page = page_of_markdown(self.md)
        if page is None or page.file.src_uri != PAGE:
            return
        entries: list[list[Element]] = []
        for child in list(root):
            if child.tag == "h3":
                entries.append([])
            if entries:
                entries[-1].append(child)
            if entries or child.tag == "h2":
                root.remove(child)
        entries = [[part for part in entry if part.tag != "h2"] for entry in entries]
        row = SubElement(root, "p", {"class": "letters"})
        letter = ""
        for heading, *body in sorted(entries, key=lambda entry: title(entry[0]).lower()):
            if title(heading)[0].upper() != letter:
                letter = title(heading)[0].upper()
                lead = SubElement(row, "a", {"href": f"#letter-{letter.lower()}"})
                lead.text, lead.tail = letter, " "
                of_letter = {"id": f"letter-{letter.lower()}", "data-search-exclude": ""}
                SubElement(root, "h2", of_letter).text = letter
            root.extend([heading, joined(body)])


def title(heading: Element) -> str:
    """The words of a heading."""
    return "".join(heading.itertext()).strip()


def joined(paragraphs: list[Element]) -> Element:
    """The definition, with the line that says where the term is explained behind it."""
    first, *others = paragraphs
    for other in others:
        if len(first):
            first[-1].tail = f"{first[-1].tail or ''} {other.text or ''}"
        else:
            first.text = f"{first.text or ''} {other.text or ''}"
        first.extend(list(other))
    return first


class Glossary(Extension):
    """Registers the marker after the inline patterns and before MkDocs resolves the links."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802, Markdown's own name
        """Register both: the alphabet between attributes (8) and the table of contents (5)."""
        md.treeprocessors.register(Alphabet(md), "alphabet", 6)
        md.treeprocessors.register(Marker(md), "glossary", 2)


def makeExtension(**options: Any) -> Glossary:  # noqa: N802, Markdown's own name
    """Python-Markdown calls this."""
    return Glossary(**options)
