"""One seed's version of an exercise: the student's file, the sheet, and its key."""

import ast
import re
from functools import cache
from json import dumps
from pathlib import Path
from typing import Any

import jax

from grading.rubric import SEEDED, rubric

# From the seed to the first empty line: the numbers of one version are there.
NUMBERS = re.compile(r"^SEED = \d+\n(?:.+\n)*", re.MULTILINE)


def student_file(folder: Path, exercise: str, seed: int) -> str:
    """The exercise's file with this seed, and with what belongs to the seed."""
    text = (folder / f"{exercise}.py").read_text(encoding="utf-8")
    lines = [f"SEED = {seed}"]
    lines += [f"{name} = {dumps(given)}" for name, given in numbers(exercise, seed).items()]
    block = "\n".join(lines) + "\n"
    changed, count = NUMBERS.subn(lambda _: block, text)
    if count != 1:
        raise ValueError(f"{folder / exercise}.py must have one line that starts with SEED =")
    return changed


@cache  # drawing them takes several tries, and a sheet, its key and the student's file share them
def numbers(exercise: str, seed: int) -> dict[str, Any]:
    """What the file of a seed gives; nothing if the seed only determines the data."""
    if exercise not in SEEDED:
        return {}
    with jax.enable_x64(True):
        return rubric(exercise).numbers(seed)


def sheet(folder: Path, exercise: str, seed: int) -> str:
    """The statement and the numbers, to print and work on with a pencil."""
    statement = ast.get_docstring(ast.parse((folder / f"{exercise}.py").read_text("utf-8"))) or ""
    given = "\n".join(
        f"    {name} = {matrix(value)}" for name, value in numbers(exercise, seed).items()
    )
    return f"Seed {seed}\n\n{statement}\n\nThe numbers\n\n{given}\n"


def key(exercise: str, seed: int) -> str:
    """Every value, as `pn.explain` prints it."""
    module = rubric(exercise)
    with jax.enable_x64(True):
        page = module.explained(module.numbers(seed))
        return f"Key to {exercise}, seed {seed}\n\n{page}\n"


def matrix(value: Any) -> str:
    """[[1 2] [3 -1]], as `explain` writes it."""
    if isinstance(value, list):
        return "[" + " ".join(matrix(row) for row in value) + "]"
    return f"{value:g}"
