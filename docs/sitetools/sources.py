"""Code as it stands in the repository, found by name and never pasted."""

import ast
from pathlib import Path
from typing import NamedTuple

from sitetools import ROOT


class Source(NamedTuple):
    """Some lines of a file."""

    path: str  # from the repository's root
    first_line: int
    text: str  # without the indentation that all lines share


def source_of(name: str) -> Source:
    """The source of `module:qualname`, or of a whole file by its path.

    A function inside a function is `purenn.layers.dense:dense.backward`; several words after the
    colon are several definitions of one module, of which the first gives the line.
    """
    if ":" not in name:
        path = ROOT / name
        return Source(name, 1, path.read_text().rstrip("\n"))
    module, qualnames = name.split(":")
    path = module_path(module)
    text = path.read_text()
    found = [definition(ast.parse(text), qualname, name) for qualname in qualnames.split()]
    lines = text.splitlines()
    parts = [dedent(lines[first - 1 : last]) for first, last in found]
    return Source(str(path.relative_to(ROOT)), found[0][0], "\n\n\n".join(parts))


def module_path(module: str) -> Path:
    """The file of a module in the repository."""
    folders = (ROOT, ROOT / "docs", ROOT / "tests", ROOT / "examples")
    for folder in folders:
        for ending in (".py", "/__init__.py"):
            path = folder / (module.replace(".", "/") + ending)
            if path.exists():
                return path
    raise LookupError(f"source: module: expected one of the repository, got {module!r}")


def definition(tree: ast.AST, qualname: str, asked: str) -> tuple[int, int]:
    """First and last line of a function, class, or assignment, by its dotted name."""
    node = tree
    for word in qualname.split("."):
        inner = [child for child in getattr(node, "body", []) if word in names_of(child)]
        if not inner:
            raise LookupError(f"source: {asked!r}: there is no {word!r}")
        node = inner[0]
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(d.lineno for d in decorators)])
    return first, node.end_lineno


def names_of(node: ast.AST) -> set[str]:
    """The names that a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}
    return set()


def dedent(lines: list[str]) -> str:
    """Lines without the first one's indentation."""
    indent = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[indent:] for line in lines)


def without_docstrings(code: str) -> str:
    """Code as a page shows it: what its docstring derives, the page derives at length."""
    lines = code.splitlines()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            words = node.body[0]
            for i in range(words.lineno - 1, words.end_lineno):
                lines[i] = None
            if lines[words.end_lineno : words.end_lineno + 1] == [""]:
                lines[words.end_lineno] = None
    return "\n".join(line for line in lines if line is not None)


def line_of(source: Source, text: str) -> int:
    """The number in its file of the one line of `source` that holds `text`."""
    found = [i for i, line in enumerate(source.text.splitlines()) if text in line]
    if len(found) != 1:
        raise LookupError(
            f"{source.path}: expected one line with {text!r} from line {source.first_line} on, "
            f"got {len(found)}"
        )
    return source.first_line + found[0]
