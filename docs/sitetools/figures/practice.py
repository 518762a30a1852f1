"""What the code of a page has computed, for the figures of that page."""

import contextlib
import io
from functools import cache
from typing import Any

from markdown_exec._internal.formatters import python as executed

from sitetools.pages import PAGES, fences


def computed_on(page: str, *names: str) -> list[Any]:
    """Values by their names in the code of a page such as `practice/confidence`.

    While the site is built they are the very ones that the page prints, since a figure stands below
    the code that computes it; elsewhere the page's code is run here.
    """
    session = session_of(page)
    values = executed._sessions_globals.get(session, {})
    if any(name not in values for name in names):
        values = run(page)
    return [values[name] for name in names]


def session_of(page: str) -> str:
    """The name that the blocks of a page share."""
    (name,) = {fence.options["session"] for fence in blocks(page)}
    return name


def blocks(page: str) -> list[Any]:
    """The blocks of a page that run in its session; those of folded solutions come last on it."""
    found = fences(PAGES / f"{page}.md")
    return [fence for fence in found if fence.language == "python" and "session" in fence.options]


@cache
def run(page: str) -> dict[str, Any]:
    """Everything that the code of a page defines."""
    values: dict[str, Any] = {"__name__": page}
    with contextlib.redirect_stdout(io.StringIO()):
        for block in blocks(page):
            exec(compile(block.body, f"{page}.md", "exec"), values)
    return values
