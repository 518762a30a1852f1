"""Grade a student's file: give points, and explain in words what is wrong.

python examples/teaching/grade.py FILE                         with the seed that the file names
python examples/teaching/grade.py FILE --seed 7                different data and widths
python examples/teaching/grade.py FILE --json                  for programs
python examples/teaching/grade.py FILE --output report.json    writes the JSON there
python examples/teaching/grade.py --help                       every option

To grade a whole class, see grade_class.py.

Exit status: 0 if everything is right, 1 if not, 2 if the command itself is wrong. What the file
prints goes to standard error. The file runs in its own process with a time limit, but this is not a
sandbox, so do not grade a file that you would not run.
"""

import sys
from json import dumps
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from grading.options import Seconds, Seed, status_of, writable
from grading.readable import readable
from grading.run import grade
from grading.student_file import exercise_of, seed_of

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
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Grade a student's file: give points, and explain in words what is wrong.

    Parameters
    ----------
    file:
        The student's Python file.
    seed:
        Determines the data, the widths, and the batch size. [default: the file's SEED, or 0]
    exercise:
        Which exercise it is. [default: the file's EXERCISE]
    seconds:
        How long the file, and then each of its functions, may run: processor time.
    output:
        A file to write the report to as JSON.
    json:
        Print the report as JSON, for programs, instead of lines to read.
    """
    try:
        name, seed = exercise_of(file, exercise), seed_of(file, seed)
        if output is not None:
            writable(output)
        result = grade(file, name, seed, seconds)
        report = dumps(result, indent=2, ensure_ascii=False)
        if output is not None:
            output.write_text(report + "\n", encoding="utf-8")
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(report if json else readable(result))
    return 0 if result["passed"] else 1


def command(tokens: list[str] | None = None) -> int:
    """The exit status of a command line."""
    return status_of(app, tokens)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # not so on every system
    sys.exit(command())
