"""The words of an entry in the reference: its example early, and the names in it links.

Docstrings stay as Python shows them. Here, on the way to the page, the example moves up below the
first paragraph, and each public name between backticks becomes a link to its own entry.
"""

import re
from collections.abc import Set

from sitetools.reference import page_of

SECTIONS = ("Args", "Attributes", "Returns", "Yields", "Raises", "Warns", "Examples")
# A section may have a title of its own: `Args: For your own layer`.
SECTION = re.compile(rf"^({'|'.join(SECTIONS)}):( .+)?$")
# `train`, `pn.train` and `train()`, but not those that are the words of a link already.
NAME = re.compile(r"(?<![`\[])`((?:pn\.|purenn\.)?([\w.]+?)(?:\(\))?)`(?![`\]])")


def names() -> dict[str, str]:
    """Each public name, in full and without its module, with the name of its entry."""
    full = {name: name for name in page_of()}
    return {name.rpartition(".")[2]: name for name in full} | full


def linked(text: str, but: Set[str]) -> str:
    """Markdown with links for the public names in it, except for those in `but` and in code.

    An entry's own name is not a link, and neither are its parameters: in `batch_norm`, `momentum`
    is a number and not the optimizer.
    """
    known = names()

    def link(match: re.Match[str]) -> str:
        shown, name = match[1], match[2]
        entry = known.get(name)
        return f"[`{shown}`][purenn.{entry}]" if entry and name not in but else match[0]

    lines, code = [], ""
    for line in text.splitlines():
        if code == "Examples" and line and not line.startswith(" "):
            code = ""
        if code != "```" and line == "Examples:":
            code = "Examples"
        elif line.lstrip().startswith("```"):
            code = "" if code else "```"
        lines.append(line if code else NAME.sub(link, line))
    return "\n".join(lines)


def with_colons(text: str) -> str:
    """A docstring whose sections' own titles end like `Returns:`, with a colon."""
    return "\n".join(
        f"{line}:" if (match := SECTION.match(line)) and match[2] else line
        for line in text.splitlines()
    )


def before_sections(text: str, paragraph: str) -> str:
    """A docstring with a paragraph more before its sections."""
    lines = text.splitlines()
    first = next((i for i, line in enumerate(lines) if SECTION.match(line)), len(lines))
    before, after = "\n".join(lines[:first]).rstrip(), "\n".join(lines[first:])
    return f"{before}\n\n{paragraph}\n\n{after}"


def example_first(text: str) -> str:
    """A docstring whose examples come right after its first paragraph."""
    lines = text.splitlines()
    if "Examples:" not in lines:
        return text
    start = lines.index("Examples:")
    end = start + 1
    while end < len(lines) and (not lines[end] or lines[end].startswith(" ")):
        end += 1
    example, others = lines[start:end], lines[:start] + lines[end:]
    first = others.index("") if "" in others else len(others)
    moved = [*others[:first], "", *example, "", *others[first:]]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(moved)).strip("\n")
