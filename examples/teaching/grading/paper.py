"""One version of an exercise on paper as a page to print: the student's sheet, or its key.

The page is one file of HTML. It has nothing about commands, because it is for paper.
"""

import re
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import jax
import numpy as np

from grading.rubric import rubric
from grading.sheet import numbers
from grading.tasks import TASKS, Task

STYLE = (Path(__file__).parent / "paper.css").read_text("utf-8")
ROUNDING = (
    "Work on separate paper and copy your answers into the boxes. Round them to three decimals, "
    "but keep more digits while you work."
)
CARRIED_FORWARD = (
    "A mistake costs only its own point: what follows from it by the right formula counts as right."
)
# The name of a value, such as dW1, but not a letter of a word or of a tag.
NAME = re.compile(r"(?<![A-Za-z<&/])(d?[A-Zbe])(\d?)(?![A-Za-z>])")


def sheet_page(exercise: str, *seeds: int) -> str:
    """The task and its numbers, with an empty box for each number to find."""
    bodies = [body(exercise, seed, answered=False) for seed in seeds]
    return document(heading(TASKS[exercise].title, seeds), bodies)


def key_page(exercise: str, *seeds: int) -> str:
    """The same page with the answers in the boxes."""
    bodies = [body(exercise, seed, answered=True) for seed in seeds]
    return document(f"Key: {heading(TASKS[exercise].title, seeds)}", bodies)


def heading(title: str, seeds: tuple[int, ...]) -> str:
    """The name that a browser shows, and may print at the top of the paper."""
    if len(seeds) == 1:
        return f"{title}, version {seeds[0]}"
    return f"{title}, versions {min(seeds)} to {max(seeds)}"


def document(title: str, bodies: list[str]) -> str:
    """A page that needs no other file, with a sheet of paper for each body."""
    sheets = "\n".join(f"<main>\n{body}</main>" for body in bodies)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{escape(title)}</title>
<style>
{STYLE}</style>
</head>
<body>
{sheets}
</body>
</html>
"""


def body(exercise: str, seed: int, *, answered: bool) -> str:
    """One sheet of paper."""
    task, values = TASKS[exercise], answers(exercise, seed)
    given = "".join(
        box(named(name), value, kind="given", note=task.given[name])
        for name, value in numbers(exercise, seed).items()
    )
    total = sum(len(of_part) for of_part in values.values())
    lines = [
        f"<h1>{task.title}<span>Version {seed}</span></h1>\n",
        KEY_LINE if answered else NAME_LINE.format(total=total),
        f"<p>{backticks(task.says)} {ROUNDING} {CARRIED_FORWARD}</p>\n",
        f'<h2>The numbers</h2>\n<div class="row">\n{given}</div>\n',
    ]
    for part, of_part in values.items():
        boxes = "".join(
            box(label(task, part, name), value, kind="right" if answered else "empty")
            for name, value in of_part.items()
        )
        lines.append(f"<h2>{task.parts[part]}</h2>\n<div>\n{boxes}</div>\n")
    return "".join(lines)


NAME_LINE = (
    '<p class="name">Name <i></i> Date <i class="short"></i> '
    'Points <i class="points"></i> / {total}</p>\n'
)
KEY_LINE = (
    '<p class="name"><b>Key, for the teacher.</b> One point for each named value. An answer may '
    "differ in the last digit.</p>\n"
)


@cache
def answers(exercise: str, seed: int) -> dict[str, dict[str, Any]]:
    """Each part's values by name, in the order in which they are graded."""
    module, given = rubric(exercise), numbers(exercise, seed)
    with jax.enable_x64(True):
        explained = module.explained(given)
        found = {}
        for part in module.PARTS:
            if part.name == "step":
                found[part.name] = module.after_step(given, explained)
            else:
                found[part.name] = {
                    name: explained.value if name == "loss" else explained[name]
                    for name in part.checks
                }
    return found


def label(task: Task, part: str, name: str) -> str:
    """`dZ2 = (A2 - Y) / 2`, or the name alone if the student has to find the formula."""
    formula = task.formulas[part].get(name)
    name = f"new {name}" if part == "step" else name
    return named(f"{name} = {formula}" if formula else name)


def box(caption: str, value: Any, *, kind: str, note: str = "") -> str:
    """A number, or a matrix in brackets; a vector is a matrix of one row."""
    cells = np.asarray(value)
    rows = "".join(
        f"<tr>{''.join(f'<td>{cell(number, kind)}</td>' for number in row)}</tr>"
        for row in np.atleast_2d(cells)
    )
    of = "matrix" if cells.ndim else "number"
    small = f"<small>{note}</small>" if note else ""
    return (
        f'<figure class="{kind}"><figcaption>{caption}{small}</figcaption>'
        f'<table class="{of}">{rows}</table></figure>\n'
    )


def cell(number: Any, kind: str) -> str:
    """A given number as it is, an answer to three decimals, and nothing if it has to be found."""
    if kind == "empty":
        return ""
    text = f"{number:g}" if kind == "given" else f"{round(float(number), 3) + 0.0:.3f}"
    return text.replace("-", "−")


def named(formula: str) -> str:
    """The names of values in italics, with their numbers lowered."""

    def marked(match: re.Match[str]) -> str:
        letters, number = match.groups()
        return f"<i>{letters}</i>" + (f"<sub>{number}</sub>" if number else "")

    return NAME.sub(marked, formula)


def backticks(text: str) -> str:
    """A sentence with names between backticks."""
    return re.sub(r"`(.*?)`", lambda match: named(match[1]), text)
