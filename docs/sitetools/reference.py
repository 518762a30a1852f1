"""The tables of all public names and of the types in their signatures, from the package itself."""

import ast
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


# What a signature may name besides public names and Python's own types.
TYPES = {
    "purenn/core/types.py": "purenn.core.types",
    "purenn/layers/padding.py": "purenn.layers.padding",
    "purenn/backprop/value_and_grad.py": "purenn.backprop.value_and_grad",
}


def types() -> dict[str, tuple[str, str]]:
    """The path of each type of the signatures, with its definition and its docstring."""
    found = {}
    for file, module in TYPES.items():
        text = (ROOT / file).read_text()
        body = ast.parse(text).body
        for node, after in zip(body, [*body[1:], None], strict=True):
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
                if not isinstance(after, ast.Expr):
                    raise LookupError(f"{file}: the type {ast.unparse(node.target)} needs words")
                name = f"{module}.{ast.unparse(node.target)}"
                found[name] = (written(node.value), after.value.value)
            elif isinstance(node, ast.ClassDef) and "Protocol" in map(ast.unparse, node.bases):
                found[f"{module}.{node.name}"] = ("", ast.get_docstring(node) or "")
    return dict(sorted(found.items(), key=lambda pair: pair[0].split(".")[-1].lower()))


def written(node: ast.expr) -> str:
    """A type as a reader knows it: `Layer | Op` of `Union["Layer", "Op"]`."""
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Union":
        return " | ".join(map(written, node.slice.elts))
    return node.value if isinstance(node, ast.Constant) else ast.unparse(node)


def every_type() -> str:
    """Markdown: a row for each type, where the types in the signatures lead."""
    rows = ["| type | what it is | in Python |", "|---|---|---|"]
    for path, (definition, words) in types().items():
        name = path.split(".")[-1]
        words = " ".join(words.split()).replace("|", r"\|")
        code = f"`{definition}`" if definition not in ("", "Any", "Array") else ""
        rows.append(f"| [](){{ #{path} }}`{name}` | {words} | {code} |")
    return "\n".join(rows)
