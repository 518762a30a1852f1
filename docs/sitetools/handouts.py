"""Files to hand out in class: the ones that the teaching pages show, singly and in two archives.

`python -m sitetools` writes them to SITE/handouts. Each program is the repository's own file, which
is also the one that its page shows and runs, so a download cannot differ from its page. The sheets
to print and the puzzles are generated from these files.
"""

import sys
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from mkdocs.utils import get_relative_url

from sitetools import ROOT, mistakes
from sitetools.page_of_markdown import page_of_markdown
from sitetools.pages import PAGES, fences

TEACHING = PurePosixPath("examples/teaching")
SEEDS = range(1, 31)  # sheets for a class
STUDENT, TEACHER = "purenn-exercises.zip", "purenn-teacher.zip"
CHECK = ("grade.py", "grading/**/*.py", "grading/*.css")  # what grades an exercise
MORE = (  # what students do not get
    *("variant.py", "grade_class.py", "keys.py", "exam.py", "exams/*.py"),
    *("solutions/*.py", "wild/*.py"),
)
SHOWN_SEED = 7  # of the sheets that the pages link to
README = """purenn: exercises and broken backward passes

You need Python 3.11 or newer and, for the installation only, an internet connection. Go to this
folder in a terminal and make an environment with purenn, which is in the folder library:

    python3 -m venv .venv
    source .venv/bin/activate
    pip install './library[examples]'

On Windows, the second line is .venv\\Scripts\\activate, and the third needs "double quotes". If you
have a clone of purenn's repository, use its environment instead. Then, in this folder:

    python examples/teaching/grade.py examples/teaching/exercises/dense.py
    python examples/teaching/broken/uphill.py
    python examples/teaching/mistakes/mistake_01.py

The first command grades an exercise; until you fill in the blanks, its report names them. After
that, it has one line per value: a check mark, or a cross and what is wrong. The second command runs
a broken backward pass, and its report describes what is wrong. In a report, the referee is the
right value, computed without this backward pass. Each file in mistakes has a mistake from a public
project: find it before you run the file.

The folder sheets has a file for each version of the exercises worked out on paper. Enter your
results in the file with the number of your sheet, and grade it like the others. A check mark in
parentheses marks a value that follows from your own earlier values, one of which is wrong.
"""
FOR_TEACHERS = """
This archive is for teachers; students get the other one. It also has the solutions, the mistakes
from public projects with their sources and corrections, and mistakes_key.txt, which says which of
them each file in mistakes is.

Here, the folder sheets also has a sheet to print and an answer key for each of the 30 versions.
Open a sheet or a key in a browser and print it on A4 or Letter paper. To print all 30 at once,
open the file whose name ends in all_sheets.html or all_keys.html.

To grade a whole class, put the students' files into a folder, such as submissions, with a subfolder
or a file for each student:

    python examples/teaching/grade_class.py submissions --output grades.csv --reports reports

grades.csv has one row per student, and reports has one report per file. With --roster roster.csv, a
table with the columns student and seed, it also says which sheet has someone else's seed. If a
student turns in an exercise again, the file that was changed last counts.

With --seed 7, the coding exercises get data that the students have not seen, so returning stored
numbers fails. grade_class.py leaves the exercises on paper and own_function alone. grade.py does
not: leave out --seed when you grade one of these with it, or every answer is marked wrong.

For a coding task whose solution is not public, write a version of own_function for each student,
with a solution for each:

    python examples/teaching/variant.py own_function --seed 31 --count 30

To make a written exam with its key, choose a seed and keep it to yourself:

    python examples/teaching/exam.py --seed 41

The grader runs the students' code in a separate process with a time limit, but it is not a sandbox.
The code has your permissions, so a malicious file can cheat or do harm. Do not grade a file that
you would not run.
"""


def shown() -> list[str]:
    """The files that the teaching pages show, by their paths in the repository."""
    pages = sorted((PAGES / "teaching").glob("*.md"))
    bodies = [f.body.strip() for page in pages for f in fences(page) if f.language == "source"]
    return sorted({body for body in bodies if is_handout(body)})


def is_handout(path: str) -> bool:
    """Whether a page that shows this file also offers it."""
    return TEACHING in PurePosixPath(path).parents and ":" not in path


def address(path: str, md: Any) -> str:
    """The link to a file from the page that is being converted; outside of MkDocs there is none."""
    page = page_of_markdown(md)
    if page is None or not is_handout(path):
        return ""
    place = PurePosixPath("handouts") / PurePosixPath(path).relative_to(TEACHING)
    return get_relative_url(place.as_posix(), page.file.url)


def write(site: Path) -> list[Path]:
    """Write all files and both archives into SITE/handouts."""
    folder = site / "handouts"
    written = []
    for path in shown():
        target = folder / PurePosixPath(path).relative_to(TEACHING)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / path).read_bytes())
        written.append(target)
    printed = sheets()
    to_fill_in = {path: text for path, text in printed.items() if path.endswith(".py")}
    student = {
        **library(),
        **files("exercises/*.py", "broken/*.py", *CHECK),
        **puzzles(),
        **to_fill_in,
    }
    archive(folder / STUDENT, {"README.txt": README, **student})
    extra = {**files(*MORE), **printed, "mistakes_key.txt": mistakes.solutions()}
    archive(folder / TEACHER, {"README.txt": README + FOR_TEACHERS, **student, **extra})
    for path, text in {**printed, **exam()}.items():
        if f"_{SHOWN_SEED}_" in path:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
            written.append(target)
    return [*written, folder / STUDENT, folder / TEACHER]


def puzzles() -> dict[str, str]:
    """The mistakes in the wild without their names, by their paths in an archive."""
    return {f"{TEACHING}/mistakes/{name}": text for name, text in mistakes.puzzles().items()}


def library() -> dict[str, str]:
    """Purenn itself, for readers without a clone: what `pip install ./library` needs."""
    paths = [ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE")]
    paths += [
        path
        for path in sorted((ROOT / "purenn").rglob("*"))
        if path.suffix == ".py" or path.name == "py.typed"
    ]
    return {f"library/{path.relative_to(ROOT)}": path.read_text("utf-8") for path in paths}


def files(*patterns: str) -> dict[str, str]:
    """Files of the repository by their paths there, so that the commands of the pages hold."""
    found = (path for pattern in patterns for path in sorted((ROOT / TEACHING).glob(pattern)))
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in found}


def sheets() -> dict[str, str]:
    """For each seed and each exercise on paper: the sheet, its key, and the file to fill in."""
    sys.path.insert(0, str(ROOT / TEACHING))
    from grading.paper import key_page, sheet_page
    from grading.rubric import BY_HAND
    from grading.sheet import student_file

    exercises = ROOT / TEACHING / "exercises"
    texts = {}
    for name in BY_HAND:
        for seed in SEEDS:
            texts[f"sheets/{name}_{seed}.py"] = student_file(exercises, name, seed)
            texts[f"sheets/{name}_{seed}_sheet.html"] = sheet_page(name, seed)
            texts[f"sheets/{name}_{seed}_key.html"] = key_page(name, seed)
        texts[f"sheets/{name}_all_sheets.html"] = sheet_page(name, *SEEDS)
        texts[f"sheets/{name}_all_keys.html"] = key_page(name, *SEEDS)
    return texts


def exam() -> dict[str, str]:
    """The exam that the site shows. A teacher makes others, with seeds that are not here."""
    sys.path.insert(0, str(ROOT / TEACHING))
    from exams.page import exam_key, exam_page

    name = f"sheets/exam_{SHOWN_SEED}"
    return {
        f"{name}_sheet.html": exam_page(SHOWN_SEED),
        f"{name}_key.html": exam_key(SHOWN_SEED),
    }


def archive(target: Path, texts: dict[str, str]) -> None:
    """Write one folder with these texts; the same texts give the same bytes."""
    with ZipFile(target, "w") as file:
        for name, text in texts.items():
            entry = ZipInfo(f"{target.stem}/{name}")  # of 1980: no time of day in it
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            file.writestr(entry, text.encode())
