"""The output folder of an example: no result is half written, and no file of the user's is lost."""

import csv
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RESULTS = (
    *("model.safetensors", "history.csv"),
    *("curves.png", "weights.png", "confusion.png", "mistakes.png"),  # mnist.py's
    *("network.json", "attention.png"),  # language.py's
)


def checkpoints_in(output: Path) -> Path:
    return output / "checkpoints"


def prepare(output: Path, *, resume: bool) -> None:
    """Make the folder. An unfinished run in it must be resumed, and is not overwritten."""
    output.mkdir(parents=True, exist_ok=True)
    checkpoints = checkpoints_in(output)
    if not resume and any(checkpoints.glob("*.safetensors")):
        raise ValueError(
            f"--output holds an unfinished run, in {checkpoints}: continue it with --resume, "
            "remove that folder, or choose another one"
        )
    if any((output / name).exists() for name in RESULTS):
        print(f"this run replaces the finished run in {output} when it finishes")


@contextmanager
def replaced_results(output: Path) -> Iterator[Path]:
    """Give a temporary folder to write the results to, and move them to the output folder."""
    for left in output.glob(".unfinished-*"):  # by a run that was killed
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=output) as unfinished:
        yield Path(unfinished)
        for name in RESULTS:  # all of them first: files of two runs are never side by side
            (output / name).unlink(missing_ok=True)
        print(f"\nwritten to {output}:")
        for path in sorted(Path(unfinished).iterdir()):
            print(f"  {path.replace(output / path.name).name}")


def write_history(path: Path, history: Any) -> None:
    """Write a row per epoch."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "loss", "validation loss", "accuracy", "seconds"])
        for e in history:
            numbers = e.loss, e.validation_loss, e.validation_accuracy, e.seconds
            writer.writerow([e.epoch, *(f"{number:.6f}" for number in numbers)])


def remove_checkpoints(output: Path) -> None:
    """Remove what `fit` has kept, and its folder unless the user keeps other files in it."""
    checkpoints = checkpoints_in(output)
    for name in ("checkpoint-*.safetensors", "checkpoint-*.damaged", "checkpoint-*.json", ".lock"):
        for path in checkpoints.glob(name):
            path.unlink()
    if not any(checkpoints.iterdir()):
        checkpoints.rmdir()


@contextmanager
def brief_errors(output: Path) -> Iterator[None]:
    """Turn an error into one line without a traceback, and Ctrl-C into advice."""
    try:
        yield
    except (ValueError, OSError, FloatingPointError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt as stopped:
        text = str(stopped) or "stopped; there is no checkpoint yet"
        if any(checkpoints_in(output).glob("*.safetensors")):
            text = f"{str(stopped) or 'stopped'}; --resume continues the run"
        print(f"\n{text}", file=sys.stderr)
        sys.exit(130)  # the status that a shell expects after Ctrl-C
