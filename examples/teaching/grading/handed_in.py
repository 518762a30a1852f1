"""Who turned in what: one student per subfolder or file, and every file has an entry."""

import re
from pathlib import Path
from typing import NamedTuple

from grading.rubric import EXERCISES
from grading.student_file import exercise_of

TABLES = (".csv", ".tsv", ".xlsx", ".ods")  # the teacher's, such as a roster or the last table

COPY = re.compile(r"\s*\((\d+)\)$")  # what browsers and learning platforms add to a second file


class Submission(NamedTuple):
    """A file of a student; `exercise` is empty if it cannot be graded, and `note` says why."""

    student: str
    file: Path
    exercise: str
    note: str = ""


def found(folder: Path) -> list[Submission]:
    """What is in a folder and its subfolders, by student. An empty subfolder has an entry too."""
    if not folder.is_dir():
        raise ValueError(f"FOLDER must be a folder with the students' files; {folder} is not")
    given = []
    for path in sorted(folder.iterdir()):
        if hidden(path) or (path.is_file() and path.suffix.lower() in TABLES):
            continue
        files = sorted(inside for inside in path.rglob("*") if inside.is_file())
        own = [
            inside
            for inside in files
            if not any(map(hidden_name, inside.parts[len(folder.parts) :]))
        ]
        if path.is_dir():
            given += [
                submission(path.name, inside, str(inside.relative_to(path))) for inside in own
            ]
            if not own:
                given.append(Submission(path.name, path, "", "the folder is empty"))
        else:
            given.append(alone(path))
    if not given:
        raise ValueError(f"FOLDER {folder} is empty")
    return given


def hidden(path: Path) -> bool:
    """Whether this is not a student's: archives and editors leave such files and folders."""
    return hidden_name(path.name)


def hidden_name(name: str) -> bool:
    """Such as .DS_Store or __MACOSX."""
    return name.startswith((".", "__"))


def alone(path: Path) -> Submission:
    """A file that is not in a subfolder: ada.py or ada_dense.py."""
    one = submission(path.stem, path, path.name)
    stem = COPY.sub("", path.stem)
    name = one.exercise or next((e for e in EXERCISES if stem.endswith(f"_{e}")), "")
    if name and stem.endswith(f"_{name}"):
        return one._replace(student=stem.removesuffix(f"_{name}"))
    return one


def submission(student: str, path: Path, shown: str) -> Submission:
    """One file: the exercise that it names or is named after, or why it has none."""
    if path.suffix.lower() != ".py":
        return Submission(student, path, "", f"{shown} was not graded: {kind(path)}")
    try:
        return Submission(student, path, exercise_of(path, None))
    except ValueError as error:
        reason = str(error).replace(f"FILE {path} ", "it ").replace(str(path), shown)
    # The longest name: network_by_hand, not network.
    fitting = [e for e in EXERCISES if e in path.stem.lower().replace("-", "_")]
    named = max(fitting, key=len, default="")
    if "names no exercise" in reason and named:
        note = f"{shown} has no EXERCISE line and was graded as {named} because of its name"
        return Submission(student, path, named, note)
    return Submission(student, path, "", f"{shown} was not graded: {reason}")


def age(path: Path) -> tuple[int, int, str]:
    """What sorts versions of a file from the oldest to the newest.

    If an archive was unpacked without its times, the number in `dense (1).py` decides.
    """
    when = int(path.stat().st_mtime) if path.exists() else 0
    copy = COPY.search(path.stem)
    return when, int(copy[1]) if copy else 0, str(path)


def kind(path: Path) -> str:
    """What a file is instead of a Python file, and what to do."""
    match path.suffix.lower():
        case ".ipynb":
            return "it is a notebook; ask for the Python file"
        case ".zip" | ".gz" | ".7z" | ".rar" | ".tar":
            return "it is an archive; unpack it first"
        case _:
            return "it is not a Python file"
