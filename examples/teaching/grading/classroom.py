"""The files of a class: the result of each, and all of them in one table."""

import csv
import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from grading.handed_in import Submission, age
from grading.readable import readable
from grading.roster import seed_note
from grading.rubric import CARRIED, EXERCISES, SEEDED
from grading.run import grade
from grading.student_file import seed_of

FORWARD = "follow-through credit"  # what a column says


class Marked(NamedTuple):
    """A graded file: its result as grade.py has it, or nothing but a note.

    `seed` is the file's, and `other_seed` says why this is not the student's own sheet.
    """

    student: str
    file: Path
    exercise: str
    result: dict[str, Any] | None
    note: str
    seed: int | None = None
    other_seed: str = ""


def graded(
    files: list[Submission],
    seed: int | None,
    seconds: float,
    jobs: int | None,
    roster: dict[str, int] | None = None,
) -> Iterator[Marked]:
    """The result of each file, in their order; each runs in its own process."""
    one = partial(mark, seed=seed, seconds=seconds, roster=roster)
    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        yield from pool.map(one, files)


def mark(
    given: Submission,
    *,
    seed: int | None,
    seconds: float,
    roster: dict[str, int] | None = None,
) -> Marked:
    """Grade one file. Whatever happens to it becomes a note, and the other files go on."""
    student, file, exercise, note = given
    if not exercise:
        return Marked(student, file, "", None, note)
    own, other = None, ""
    try:
        own = seed_of(file, None)
        other = seed_note(file, exercise, student, own, roster or {})
        used = own if seed is None or exercise in SEEDED else seed
        result = grade(file, exercise, used, seconds, show=False)
    except Exception as error:
        note = "; ".join(filter(None, [note, f"{exercise} was not graded: {error}"]))
        return Marked(student, file, exercise, None, note, own, other)
    note = "; ".join(filter(None, [note, noted(exercise, result)]))
    return Marked(student, file, exercise, result, note, own, other)


def noted(exercise: str, result: dict[str, Any]) -> str:
    """Why parts of a file could not be graded, such as a syntax error, once per reason."""
    reasons = []
    for part in (part for part in result["parts"] if part["message"]):
        place = f", line {part['line']}" if part["line"] else ""
        reasons.append(f"{exercise}{place}: {part['message']}")
    return "; ".join(dict.fromkeys(reasons))


def table(marked: list[Marked], roster: dict[str, int] | None = None, delimiter: str = ",") -> str:
    """The points as CSV: one row per student, one column per exercise, the sum, and the notes.

    Sheets, and exercises like them, have a second column with follow-through credit. A cell is
    empty if no file was graded. Of two files for one exercise, the newest counts.
    """
    totals = {one.exercise: one.result["total"] for one in marked if one.result}
    given = {one.exercise for one in marked if one.exercise}
    columns = [name for name in EXERCISES if name in given]
    twice = any(name in CARRIED for name in columns)
    flags = roster is not None or any(one.other_seed for one in marked)
    out = io.StringIO()
    rows = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    heads = ["student", "seed", *["other seed"] * flags]
    for name in columns:
        heads.append(f"{name} (of {totals[name]})" if name in totals else name)
        heads += [f"{name}, {FORWARD}"] * (name in CARRIED)
    rows.writerow([*heads, "points", *[f"points, {FORWARD}"] * twice, "notes"])
    for student in sorted({one.student for one in marked} | set(roster or {})):
        own = [one for one in marked if one.student == student]
        counts = newest(own)
        points = {name: points_of(one) for name, one in counts.items()}
        cells: list[Any] = []
        for name in columns:
            strict, carried = points.get(name, ("", ""))
            cells += [strict, carried] if name in CARRIED else [strict]
        sums = [sum(column) for column in zip(*points.values(), strict=True)] or [0, 0]
        other = "; ".join(one.other_seed for one in counts.values() if one.other_seed)
        seeds = [seeds_of(counts), *[other] * flags]
        notes = notes_of(student, own, roster)
        total = sums if twice else sums[:1]
        rows.writerow([plain(student), *seeds, *cells, *total, "; ".join(notes)])
    return out.getvalue()


def newest(own: list[Marked]) -> dict[str, Marked]:
    """The file that counts for each exercise of a student."""
    return {one.exercise: one for one in sorted(own, key=lambda one: age(one.file)) if one.exercise}


def points_of(one: Marked) -> tuple[int, int]:
    """The points of a file, without and with follow-through credit."""
    if one.result is None:
        return 0, 0
    return one.result["points"], one.result.get("points_carried", one.result["points"])


def seeds_of(counts: dict[str, Marked]) -> str:
    """The seed of a student's files, or of each if they differ."""
    seeds = {name: one.seed for name, one in counts.items() if one.seed is not None}
    if len(set(seeds.values())) == 1:
        return str(next(iter(seeds.values())))
    return ", ".join(f"{exercise} {seed}" for exercise, seed in seeds.items())


def notes_of(student: str, own: list[Marked], roster: dict[str, int] | None) -> list[str]:
    """What the teacher should know about a student's files; nothing about a replaced one."""
    counts = newest(own)
    notes = [one.note for one in own if one.note and counts.get(one.exercise, one) is one]
    for name, last in sorted(counts.items()):
        files = [one.file for one in own if one.exercise == name]
        if len(files) > 1:
            alike = len({file.name for file in files}) < len(files)
            shown = f"{last.file.parent.name}/{last.file.name}" if alike else last.file.name
            notes.append(f"{name} was turned in more than once; the newest file counts: {shown}")
    if not own:
        notes.append("nothing was turned in")
    elif roster is not None and student not in roster:
        notes.append("not on the roster")
    return notes


def plain(name: str) -> str:
    """A name that no spreadsheet mistakes for a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name


def reports_of(marked: list[Marked]) -> Iterator[tuple[str, str]]:
    """A name and a text for each graded file, to hand back."""
    seen: dict[str, int] = {}
    for one in marked:
        name = f"{one.student}_{one.exercise or one.file.stem}"
        seen[name] = seen.get(name, 0) + 1
        again = f"_{seen[name]}" if seen[name] > 1 else ""
        text = readable(one.result) if one.result else one.note
        yield f"{name}{again}.txt", text + "\n"
