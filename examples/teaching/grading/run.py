"""Grade a file: run it in its own process, and put the result together.

The process keeps a crash, an endless loop, and prints out of the grader's way. It is not a sandbox:
the student's code runs with the permissions of whoever grades it.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from grading.results import failure, summed, zero
from grading.watch import PATIENCE

START = 120.0  # seconds that a busy machine may take to import JAX
PRINTS = 10_000  # bytes of a student's prints that are shown; the rest is dropped


def grade(
    path: Path, exercise: str, seed: int, seconds: float, *, show: bool = True
) -> dict[str, Any]:
    """The whole result of one file, as the JSON has it; `show` passes on what the file prints."""
    results: dict[str, dict[str, Any]] = {}
    while True:
        # A part that hangs or crashes ends its process; the next one goes on with the others.
        parts, events, status = one_process(path, exercise, seed, seconds, list(results), show=show)
        before = len(results)
        results |= read(parts, events, list(results), status, seconds)
        if len(results) == len(parts):
            return summed(str(path), exercise, seed, [results[name] for name in parts])
        if len(results) == before:
            raise RuntimeError(f"the grading process was lost (exit status {status})")


def one_process(
    path: Path, exercise: str, seed: int, seconds: float, done: list[str], *, show: bool
) -> tuple[dict[str, int], list[dict[str, Any]], int | None]:
    """The points of each part, what happened, and the exit status, None if it was stopped."""
    with tempfile.TemporaryDirectory(prefix="grade-") as folder:
        file = Path(folder) / "events"
        file.touch()
        arguments = [str(path.resolve()), exercise, str(seed), str(file), str(seconds), *done]
        child = subprocess.Popen(
            [sys.executable, "-m", "grading.worker", *arguments],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        reader = threading.Thread(target=pass_on, args=(child.stdout, show), daemon=True)
        reader.start()
        try:
            stopped = not wait(child, file, seconds)
        finally:
            end(child)
        reader.join(2)
        events = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    if not events:
        raise RuntimeError(f"the grading process did not start (exit status {child.returncode})")
    return events[0]["parts"], events[1:], None if stopped else child.returncode


def environment() -> dict[str, str]:
    """What the worker starts with: the same folders, made absolute, and its own."""
    here = str(Path(__file__).resolve().parent.parent)
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    folders = [here, *(str(Path(folder).resolve()) for folder in given if folder)]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(folders),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def pass_on(stream: Any, show: bool) -> None:
    """Show what the file prints, up to a bound, where the report is not; or only empty the pipe."""
    left = PRINTS if show else 0
    while chunk := stream.read1(4096):
        sys.stderr.write(chunk[:left].decode("utf-8", "replace"))
        left = max(0, left - len(chunk))
    sys.stderr.flush()


def wait(child: subprocess.Popen[bytes], file: Path, seconds: float) -> bool:
    """Whether the process ends, and not later than its own watch should have let it be."""
    size, deadline = 0, time.monotonic() + START
    while child.poll() is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
        if file.stat().st_size > size:
            size = file.stat().st_size
            deadline = time.monotonic() + PATIENCE * seconds + 3
    return True


def end(child: subprocess.Popen[bytes]) -> None:
    """The process, and what it may have started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, 9)
        else:
            child.kill()
    child.wait()


def read(
    parts: dict[str, int],
    events: list[dict[str, Any]],
    done: list[str],
    status: int | None,
    seconds: float,
) -> dict[str, dict[str, Any]]:
    """What the events say of each part that was not done before."""
    results: dict[str, dict[str, Any]] = {}
    started, loaded, line, late = None, False, None, status is None
    for event in events:
        match event["event"]:
            case "not loaded":
                return every(parts, done, event["why"])
            case "loaded":
                loaded = True
            case "start":
                started = event["part"]
            case "done":
                results[event["part"]], started = event["result"], None
            case "late":
                line, late = event["line"], True
    why = failure("error", f"the process ended (exit status {status})")
    if late:
        why = failure("too long", f"not finished after {seconds:g} s: an endless loop?", line)
    if not loaded:
        return every(parts, done, why)
    if started is not None:
        results[started] = zero(started, parts[started], why)
    return results


def every(parts: dict[str, int], done: list[str], why: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The file itself could not be run: that is what is wrong with each part."""
    return {name: zero(name, total, why) for name, total in parts.items() if name not in done}
