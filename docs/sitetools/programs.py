"""The code of each how-to page as one program that runs, SITE/programs/howto_data.py.

It has the page's blocks in order, below the headings that they stand under. As a Markdown
extension, this module puts the link to the program below the first paragraph of its page.
"""

import re
from pathlib import Path
from typing import Any

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor
from mkdocs.utils import get_relative_url

from sitetools.page_of_markdown import page_of_markdown
from sitetools.pages import PAGES, Fence, parts, title_of

HEADING = re.compile(r"^##+ +(.+?)(?: *\{.*\})?$", re.MULTILINE)
MNIST = "examples/data/mnist"
HEAD = '''"""{title}: all blocks of code of this how-to page, in order.

Run it in the folder of purenn's repository, where it finds examples/data/mnist.
"""
'''


def pages() -> list[Path]:
    """The pages that have a program."""
    return [page for page in sorted(PAGES.glob("howto/*.md")) if blocks(page.read_text())]


def blocks(text: str) -> list[tuple[str, str]]:
    """Each block that a reader sees and the build runs, the first of a section with its heading."""
    found, heading = [], ""
    for part in parts(text):
        if not isinstance(part, Fence):
            heading = ["", heading, *HEADING.findall(part.text)][-1]
        elif {"exec", "source"} <= part.options.keys() and "sitetools" not in part.body:
            found.append((heading, part.body))
            heading = ""
    return found


def program(page: Path) -> str:
    """One page's program."""
    text = HEAD.format(title=title_of(page))
    for heading, code in blocks(page.read_text()):
        text += f"\n\n# {heading}\n\n{code.strip()}\n" if heading else f"\n\n{code.strip()}\n"
    return text


def address(page: Path) -> str:
    """Where a page's program is in the site."""
    return f"programs/howto_{page.stem.replace('-', '_')}.py"  # `optax.py` would hide optax


class Link(Preprocessor):
    """Puts the link to its program on a page."""

    def run(self, lines: list[str]) -> list[str]:
        """Go through the page, before it is cut into blocks."""
        page = page_of_markdown(self.md)
        if not page or not page.file.src_uri.startswith("howto/"):
            return lines
        path = PAGES / page.file.src_uri
        title = f"# {title_of(path)}"
        begin = next((i for i, line in enumerate(lines) if line.startswith(title)), None)
        if begin is None or not blocks(path.read_text()):  # what a block prints is Markdown too
            return lines
        place = get_relative_url(address(path), page.file.url)
        link = f'<a href="{place}" download>Download the code of this page as one program</a>'
        if any(MNIST in code for _, code in blocks(path.read_text())):
            link += (
                ". Run it in the folder of purenn's repository, which has MNIST; "
                "in any other folder, write `pn.load_mnist()`, which downloads it."
            )
        end = next(i for i in range(begin + 2, len(lines)) if not lines[i].strip())
        if lines[end - 1].endswith(":"):  # what it announces comes right below it
            end = begin + 1
        return [*lines[:end], "", link, *lines[end:]]


class Programs(Extension):
    """Registers the link."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802, Markdown's own name
        """Register it."""
        md.preprocessors.register(Link(md), "programs", 34)  # superfences has 25


def makeExtension(**options: Any) -> Programs:  # noqa: N802, Markdown's own name
    """Python-Markdown calls this."""
    return Programs(**options)


def write(site: Path) -> list[Path]:
    """All programs into SITE/programs."""
    written = []
    for page in pages():
        target = site / address(page)
        target.parent.mkdir(exist_ok=True)
        target.write_text(program(page))
        written.append(target)
    return written
