"""The roster: which student has which seed, and files that belong to someone else's."""

import ast
import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from grading.rubric import SEEDED
from grading.student_file import text_of


def roster_of(path: Path) -> dict[str, int]:
    """The seed of each student, from a table with the columns `student` and `seed`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise ValueError(f"--roster must be a CSV file: {error}") from error
    semicolons = ";" in text.partition("\n")[0]  # as spreadsheets in some languages write it
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if semicolons else ",")
    names = [(name or "").strip().lower() for name in rows.fieldnames or ()]
    rows.fieldnames = names
    if not {"student", "seed"} <= set(names):
        raise ValueError(f"--roster must begin with a line such as student,seed; got {names}")
    seeds: dict[str, int] = {}
    for row in rows:
        student, seed = ((row[name] or "").strip() for name in ("student", "seed"))
        if not student and not seed:
            continue
        if not (seed.isascii() and seed.isdigit() and int(seed) < 2**32):
            raise ValueError(f"--roster, line {rows.line_num}: {seed!r} must be a whole number")
        if student in seeds:
            raise ValueError(f"--roster, line {rows.line_num}: {student} is listed twice")
        seeds[student] = int(seed)
    return seeds


def seed_note(file: Path, exercise: str, student: str, seed: int, roster: dict[str, int]) -> str:
    """What is wrong with a sheet's seed, or with the numbers that should belong to it.

    Other exercises are not compared: everyone may have the same file.
    """
    if exercise not in SEEDED:
        return ""
    said = []
    wanted = roster.get(student)
    if wanted is not None and seed != wanted:
        others = whose(seed, roster)
        said.append(f"{exercise} has seed {seed}{others}, but the roster says {wanted}")
    if (numbers := given_in(file)) and not belong(numbers, exercise, seed):
        note = f"the numbers given in {exercise} do not belong to seed {seed}"
        for other in dict.fromkeys(roster.values()):
            if belong(numbers, exercise, other):
                note += f" but to seed {other}{whose(other, roster)}"
                break
        said.append(note)
    return "; ".join(said)


def whose(seed: int, roster: dict[str, int]) -> str:
    """The students with a seed, in parentheses."""
    names = [student for student, own in roster.items() if own == seed]
    return f" ({', '.join(names)})" if names else ""


def given_in(file: Path) -> dict[str, Any]:
    """What belongs to a file's seed, such as X or FUNCTION, read without running it."""
    try:
        tree = ast.parse(text_of(file))
    except (SyntaxError, ValueError):
        return {}
    return dict(literals(tree.body))


def literals(body: Iterable[ast.stmt]) -> Iterable[tuple[str, Any]]:
    """The names that are set to a list or a text, and those values."""
    for line in body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            try:
                value = ast.literal_eval(line.value)
            except (ValueError, TypeError):
                continue
            if isinstance(value, list | str):
                yield line.targets[0].id, value


def belong(given: dict[str, Any], exercise: str, seed: int) -> bool:
    """Whether the numbers in a file belong to a seed; what the file leaves out is not judged."""
    from grading.sheet import numbers  # with JAX, which most classes do not need here

    right = numbers(exercise, seed)
    return all(given[name] == value for name, value in right.items() if name in given)
