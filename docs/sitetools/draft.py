"""Drafts of the pages, as `docs/draft.yml` serves them: the Markdown at once, and nothing run.

Almost all of the time that the site takes goes into the blocks of code, the figures, the equations'
checks, and the measured errors. A draft shows the place of each instead, and every page says that
it is a draft. MkDocs calls the functions named `on_…`.
"""

from html import escape
from typing import Any

from mkdocs.exceptions import Abort

from sitetools import fences

NOTE = (
    '<div class="admonition warning draft"><p class="admonition-title">Draft</p>'
    "<p>Figures and checks are off: no code on this page has been run, no figure drawn, "
    "no equation compared and no error measured.</p></div>"
)


def on_startup(*, command: str, dirty: bool) -> None:
    """Reject any attempt to build a site of drafts."""
    if command != "serve":
        raise Abort("docs/draft.yml: drafts are only served; a site is built from mkdocs.yml")


def on_config(config: Any) -> None:
    """Replace the fences that compute something, markdown-exec's among them, and make no index."""
    config.plugins["material/search"].config.enabled = False  # a third of a draft's time
    for fence in config.mdx_configs["pymdownx.superfences"]["custom_fences"]:
        fence["format"] = DRAFTS.get(fence["name"], fence["format"])


def on_page_content(html: str, **_: Any) -> str:
    """Say on the page what it is."""
    return NOTE + html


def placeholder(what: str, detail: str) -> str:
    """The place of something that a draft does not make."""
    return (
        f'<div class="admonition draft"><p class="admonition-title">{escape(what)}</p>'
        f"<p>{escape(detail)}</p></div>"
    )


def python(body: str, language: str, css: str, options: Any, md: Any, **_: Any) -> str:
    """A block's code, if the page shows it, and no output."""
    shown = fences.highlighted(body) if options["source"] else ""
    lines = body.strip().count("\n") + 1
    return shown + placeholder("Output", f"Not run in a draft. Lines of code: {lines}.")


def equation(latex: str, language: str, css: str, options: Any, md: Any, **_: Any) -> str:
    """The equation without its code and its check."""
    return fences.displayed(options["id"], latex, "<p><em>not compared in a draft</em></p>")


def source(body: str, *rest: Any, **keywords: Any) -> str:
    """The code, or in its place what is wrong with its name."""
    try:
        return fences.source(body, *rest, **keywords)
    except Exception as error:
        return placeholder("Source", str(error))


def errors(body: str, language: str, css: str, options: Any, md: Any, **_: Any) -> str:
    """The names of the rows."""
    return placeholder("Errors", f"Those of {', '.join(body.split())} are not measured in a draft.")


def figure(body: str, language: str, css: str, options: Any, md: Any, **_: Any) -> str:
    """The words for readers who cannot see the figure, and its caption."""
    instead = placeholder(f"Figure {options['name']}, not drawn in a draft", options["alt"])
    return f"<figure>{instead}{fences.caption(body)}</figure>"


DRAFTS = {  # widgets compute nothing here: a draft has them as they are
    "python": python,
    "equation": equation,
    "source": source,
    "errors": errors,
    "figure": figure,
}
