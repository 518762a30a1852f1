"""What a student's file says about itself, read as text: it may not even be valid Python."""

import codecs
import re
from pathlib import Path

from grading.rubric import EXERCISES

EXERCISE = re.compile(r"""^EXERCISE\s*=\s*["'](\w*)["']""", re.MULTILINE)
SEED = re.compile(r"^SEED\s*=\s*(\d+)", re.MULTILINE)


def exercise_of(path: Path, given: str | None) -> str:
    """The exercise that is asked for, or that the file names."""
    name, where = given, "--exercise"
    if name is None:
        text = text_of(path)
        found = EXERCISE.search(text)
        if found is None and "\0" in text:
            raise ValueError(f"FILE {path} is not a text in UTF-8: it has null bytes")
        if found is None:
            raise ValueError(
                f'FILE {path} names no exercise: a line such as EXERCISE = "dense" is expected, or '
                f"the option --exercise"
            )
        name, where = found[1], f"EXERCISE in {path}"
    if name not in EXERCISES:
        raise ValueError(f"{where} must be one of {', '.join(EXERCISES)}; got {name}")
    return name


def seed_of(path: Path, given: int | None) -> int:
    """The seed that is asked for, or that the file names, or 0."""
    if given is not None:
        return given
    found = SEED.search(text_of(path))
    return int(found[1]) % 2**32 if found else 0


def text_of(path: Path) -> str:
    """The file as text, whatever is in it."""
    try:
        source = source_of(path)
    except OSError as error:
        raise ValueError(f"FILE must be a student's Python file: {error}") from error
    return source if isinstance(source, str) else source.decode("utf-8-sig", errors="replace")


def source_of(path: Path) -> bytes | str:
    """What Python compiles: the bytes, or the text of a file in UTF-16, as some editors save it."""
    source = path.read_bytes()
    if source.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return source.decode("utf-16", errors="replace")
    return source
