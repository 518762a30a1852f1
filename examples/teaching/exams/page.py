"""An exam and its key as pages to print."""

import re
from itertools import count
from typing import Any

import numpy as np
from grading.paper import box, document

from exams.questions import Question, drawn
from exams.words import WORDED, Worded

MINUTES = 85
STYLE = """<style>
article { border-top: 0.3mm solid black; break-inside: avoid; margin-top: 3mm; padding-top: 1mm; }
article h2 { border: 0; display: flex; justify-content: space-between; margin: 0; padding: 0; }
article h2 span { font-weight: normal; }
article p { margin: 1mm 0 2mm; }
article .row + .row { margin-top: 2mm; }
.lines { display: block; }
.lines i { border-bottom: 0.2mm solid #777; display: block; height: 7mm; }
</style>
"""
SAYS = (
    f"You have {MINUTES} minutes and need no calculator. Write each answer in its boxes. All "
    "results of a question are worth the same number of points. A mistake costs only its own "
    "points: what follows from it by the right formula counts as right. Show your work on separate "
    "paper."
)


def exam_page(seed: int) -> str:
    """The students' pages, with empty boxes."""
    return document(f"Exam, version {seed}", [body(seed, answered=False)])


def exam_key(seed: int) -> str:
    """The same pages with the answers."""
    return document(f"Key: exam, version {seed}", [body(seed, answered=True)])


def total(seed: int = 0) -> int:
    """The points of an exam; they are the same for every seed."""
    return sum(question.points for question in drawn(seed)) + sum(
        question.points for question in WORDED
    )


def body(seed: int, *, answered: bool) -> str:
    """Everything on the paper."""
    numbers = count(1)
    parts = [numeric(next(numbers), question, answered) for question in drawn(seed)]
    parts += [in_words(next(numbers), question, answered) for question in WORDED]
    name = (
        '<p class="name"><b>Key, for the teacher.</b> All results of a question are worth '
        "the same number of points. One wrong entry of an array costs half of them.</p>\n"
        if answered
        else '<p class="name">Name <i></i> Date <i class="short"></i> Points '
        f'<i class="points"></i> / {total(seed)}</p>\n<p>{SAYS}</p>\n'
    )
    title = f"<h1>Exam<span>Version {seed}</span></h1>\n"
    return STYLE + title + name + "".join(parts)


def numeric(number: int, question: Question, answered: bool) -> str:
    """A question with boxes."""
    given = row(question.given, "given")
    asked = row(question.answers, "right" if answered else "empty")
    return article(
        number, question.title, question.points, f"{paragraph(question.says)}{given}{asked}"
    )


def row(values: Any, kind: str) -> str:
    """Each value in a box; an answer has as many decimals as it needs, three at most."""
    boxes = []
    for name, it in values.items():
        value = np.round(np.asarray(it, float), 3) + 0.0
        made = box(letters(name), value, kind="given" if kind == "right" else kind)
        boxes.append(made.replace('class="given"', f'class="{kind}"', 1))
    return f'<div class="row">\n{"".join(boxes)}</div>\n'


def paragraph(text: str) -> str:
    """A sentence with names and formulas between backticks."""
    return f"<p>{re.sub(r'`(.*?)`', lambda match: letters(match[1]), text)}</p>\n"


def letters(formula: str) -> str:
    """A formula on one line: names in italics, with their numbers lowered."""
    words = re.sub(r"(?<![A-Za-z])(d?[A-Za-z])(?![A-Za-z])", r"<i>\1</i>", formula)
    lowered = re.sub(r"</i>(\d)", r"</i><sub>\1</sub>", words).replace(" - ", " − ")
    return lowered.replace(" ", "&nbsp;")


def in_words(number: int, question: Worded, answered: bool) -> str:
    """A question with lines to write on."""
    lines = f'<div class="lines">{"<i></i>" * 3}</div>\n'
    below = paragraph(f"<b>{question.answer}</b>") if answered else lines
    inside = paragraph(question.asks) + below
    return article(number, f"{question.title}, in a sentence or two", question.points, inside)


def article(number: int, title: str, points: int, inside: str) -> str:
    """A question, which stays on one sheet."""
    unit = "point" if points == 1 else "points"
    return (
        f"<article>\n<h2>{number}. {title}<span>{points} {unit}</span></h2>\n{inside}</article>\n"
    )
