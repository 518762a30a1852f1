"""The mistakes in the wild as puzzles, without the words that give the mistake away.

A puzzle is generated from its file in `examples/teaching/wild`. Its name is a number, and the
docstring and `fixed` are left out. The rest is the same code.
"""

import ast
from textwrap import indent

from sitetools import ROOT

WILD = ROOT / "examples" / "teaching" / "wild"
TASK = '"""Find the mistake in `backward`. Then run this file to check your answer."""\n'


def puzzle(text: str) -> str:
    """The file without its docstring and without `fixed`."""
    lines, (docstring, *rest) = text.splitlines(), ast.parse(text).body
    (fixed,) = (node for node in rest if getattr(node, "name", "") == "fixed")
    following = rest[rest.index(fixed) + 1]
    kept = lines[docstring.end_lineno : fixed.lineno - 1] + lines[following.lineno - 1 :]
    return TASK + "\n".join(kept) + "\n"


def puzzles() -> dict[str, str]:
    """All of them by the name of the file, in the order of their originals' names."""
    files = sorted(WILD.glob("*.py"))
    return {
        f"mistake_{n:02}.py": puzzle(file.read_text("utf-8")) for n, file in enumerate(files, 1)
    }


def solutions() -> str:
    """For each puzzle, the file that it is made from and what is wrong with it."""
    entries = ["Key to the files in examples/teaching/mistakes"]
    for name, file in zip(puzzles(), sorted(WILD.glob("*.py")), strict=True):
        says = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
        entries.append(f"{name} is wild/{file.name}\n\n{indent(says, '    ')}")
    return "\n\n".join(entries) + "\n"
