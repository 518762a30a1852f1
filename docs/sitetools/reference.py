"""The table of all public names, from the package itself and the pages that document them."""

import inspect
import re
from functools import cache
from typing import Any

import purenn
from sitetools import ROOT

PAGES = ROOT / "docs" / "pages" / "reference"


@cache
def page_of() -> dict[str, str]:
    """The reference page of each documented name, `dense` or `initializers.zeros`."""
    found = {}
    for path in sorted(PAGES.glob("*.md")):
        for name in re.findall(r"^::: purenn\.([\w.]+)$", path.read_text(), re.MULTILINE):
            if name in found:
                raise LookupError(f"reference: {name} is on {found[name]} and on {path.name}")
            found[name] = path.name
    return found


def public() -> dict[str, Any]:
    """Every public name with its object, in alphabetical order."""
    found = {name: getattr(purenn, name) for name in purenn.__all__}
    initializers = found.pop("initializers")
    found |= {f"initializers.{n}": getattr(initializers, n) for n in initializers.__all__}
    return dict(sorted(found.items(), key=lambda pair: pair[0].lower()))


def every_name() -> str:
    """Markdown: a row for each public name, with the first line of its docstring."""
    pages, rows = page_of(), ["| name | |", "|---|---|"]
    for name, value in public().items():
        if name not in pages:
            raise LookupError(f"reference: purenn.{name} has no page")
        documented = value.functions.forward if isinstance(value, purenn.Op) else value
        first = (inspect.getdoc(documented) or "").split("\n")[0].replace("|", r"\|")
        rows.append(f"| [`{name}`][purenn.{name}] | {first} |")
    return "\n".join(rows)
