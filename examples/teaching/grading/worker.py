"""Run a student's file and grade it: in its own process when called as a program.

Each event is one line of JSON in a file, so what was graded before a crash is kept.
"""

import contextlib
import json
import os
import sys
import threading
import traceback
import types
import warnings
from pathlib import Path
from typing import Any

import jax

from grading.part import Check, Part
from grading.results import failure, result, short, summed, zero
from grading.rubric import rubric
from grading.student_file import source_of
from grading.watch import Watch


def load(path: Path) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The names that a file defines, or what stopped it from being read."""
    module = types.ModuleType("student")
    module.__file__ = str(path)
    sys.modules["student"] = module  # where dataclasses and pickle look a class up
    try:
        exec(compile(source_of(path), str(path), "exec"), module.__dict__)
    except SyntaxError as error:
        return None, failure("syntax error", error.msg or "invalid syntax", error.lineno)
    except BaseException as error:
        return None, raised(error, str(path))
    return module.__dict__, None


def mark(part: Part, names: dict[str, Any], path: Path, seed: int) -> dict[str, Any]:
    """One part's result. No exception of a student's function gets past this."""
    function, total = names.get(part.name), len(part.checks)
    if not callable(function):
        why = failure("missing", f"the file has no function {part.name}")
        return zero(part.name, total, why)
    try:
        with warnings.catch_warnings(), jax.enable_x64(True):
            warnings.simplefilter("ignore")
            checks = part.mark(function, seed)
            if part.follow:
                checks = part.follow(names, seed, checks)
    except NotImplementedError as error:
        text, line = f"{part.name} is not written yet", line_of(error, str(path))
        return zero(part.name, total, failure("not implemented", text, line))
    except BaseException as error:
        return zero(part.name, total, raised(error, str(path)))
    points = sum(bool(check.passed) for check in checks)
    why = failure("right" if points == total else "wrong")
    shown = [entry(check, part.follow is not None) for check in checks]
    return result(part.name, total, points, why, shown)


def entry(check: Check, follows: bool) -> dict[str, Any]:
    """A check's entry in the JSON."""
    more = {"carried": bool(check.carried)} if follows else {}
    passed, message = bool(check.passed), short(check.message)
    return {"name": check.name, "passed": passed, **more, "message": message}


def grade_here(path: Path, exercise: str, seed: int) -> dict[str, Any]:
    """The whole result, in this process: for files that are trusted, such as the solutions."""
    names, stopped = load(path)
    parts = rubric(exercise).PARTS
    if names is None:
        marked = [zero(part.name, len(part.checks), stopped or {}) for part in parts]
    else:
        marked = [mark(part, names, path, seed) for part in parts]
    return summed(str(path), exercise, seed, marked)


def raised(error: BaseException, path: str) -> dict[str, Any]:
    """An exception in words."""
    try:
        text = f"{type(error).__name__}: {error}".removesuffix(": ")
    except BaseException:
        text = f"{type(error).__name__}, which cannot be printed"
    if isinstance(error, SystemExit):
        text = "sys.exit was called"
    return failure("error", text, line_of(error, path))


def line_of(error: BaseException, path: str) -> int | None:
    """The innermost line of the student's file that an exception passed through."""
    frames = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in frames if frame.f_code.co_filename == path]
    return lines[-1] if lines else None


def main(file: str, exercise: str, seed: str, events: str, seconds: str, *done: str) -> None:
    """Grade the parts that are not done, one event per step."""
    # Each program runs once, on a few numbers: compiling it well would be most of the time.
    jax.config.update("jax_disable_most_optimizations", True)
    path, lock = Path(file), threading.Lock()
    with open(events, "a", encoding="utf-8") as out:

        def say(event: str, **more: Any) -> None:
            with lock:
                out.write(json.dumps({"event": event, **more}) + "\n")
                out.flush()

        parts = rubric(exercise).PARTS
        watch = Watch(float(seconds), file, say)
        say("ready", parts={part.name: len(part.checks) for part in parts})
        with watch.running():
            names, stopped = load(path)
        if names is None:
            say("not loaded", why=stopped)
            leave()
        say("loaded")
        for part in parts:
            if part.name not in done:
                say("start", part=part.name)
                with watch.running():
                    marked = mark(part, names or {}, path, int(seed))
                say("done", part=part.name, result=marked)
        leave()


def leave() -> None:
    """End here, whatever threads or exit handlers the student's file has left."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
