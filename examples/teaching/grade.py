"""Grade a student's file: points, and in words what is wrong, as JSON.

python examples/teaching/grade.py FILE                         with the seed that the file names
python examples/teaching/grade.py FILE --seed 7                other data and widths
python examples/teaching/grade.py FILE --output report.json    writes the JSON there too
python examples/teaching/grade.py --help                       every option

Exit status: 0 if everything is right, 1 if not, 2 if the call itself is wrong. What the file prints
goes to the standard error. It is run in a process of its own with a time limit, and that is all:
this is no sandbox, so do not grade a file that you would not run.
"""

import json
import math
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number
from grading.run import grade
from grading.student_file import exercise_of, seed_of


def whole(_: Any, tokens: Any) -> int:
    """1.5 is no seed: without this it would be rounded."""
    return int(tokens[0].value)


Seed = Annotated[int | None, Parameter(validator=Number(gte=0, lt=2**32), converter=whole)]
Seconds = Annotated[float, Parameter(validator=Number(gt=0, lt=math.inf))]

app = App(name="grade.py", version_flags=[], result_action="return_value")


@app.default
def main(
    file: Path,
    /,
    *,
    seed: Seed = None,
    exercise: str | None = None,
    seconds: Seconds = 10.0,
    output: Path | None = None,
) -> int:
    """Grade a student's file: points, and in words what is wrong, as JSON.

    Parameters
    ----------
    file:
        The student's Python file.
    seed:
        Decides the data, the widths and the batch size. [default: the file's SEED, or 0]
    exercise:
        Which exercise it is. [default: the file's EXERCISE]
    seconds:
        How long the file, and then each of its functions, may run: processor time.
    output:
        A file to write the JSON to as well.
    """
    try:
        name, seed = exercise_of(file, exercise), seed_of(file, seed)
        if output is not None:
            writable(output)
        report = json.dumps(grade(file, name, seed, seconds), indent=2, ensure_ascii=False)
        if output is not None:
            output.write_text(report + "\n", encoding="utf-8")
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(report)
    return 0 if json.loads(report)["passed"] else 1


def writable(output: Path) -> None:
    """Reject a bad --output before the file is run, not after."""
    try:
        if output.is_dir():
            raise IsADirectoryError(f"{output} is a folder")
        output.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=output.parent).close()
    except OSError as error:
        raise ValueError(f"--output must be a file that can be written; {error}") from error


def command(tokens: list[str] | None = None) -> int:
    """The exit status of a command line."""
    try:
        status = app(tokens, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return status or 0  # --help returns nothing


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # not so on every system
    sys.exit(command())
