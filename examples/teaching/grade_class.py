"""Grade the files of a whole class: a table with one row per student and one column per exercise.

python examples/teaching/grade_class.py submissions                       prints the table as CSV
python examples/teaching/grade_class.py submissions --output grades.csv   writes it to a file
python examples/teaching/grade_class.py submissions --reports reports     and a report per file
python examples/teaching/grade_class.py submissions --roster roster.csv   checks the sheets' seeds
python examples/teaching/grade_class.py submissions --delimiter ";"       for some spreadsheets
python examples/teaching/grade_class.py --help                            every option

A student is a subfolder of `submissions` with any number of files, or a single file there, such as
ada.py. Several files of one student may also be named ada_dense.py and ada_neuron.py.
A file that cannot be graded, such as a notebook, is named in the notes. If an exercise has several
files, the one that was changed last counts.

Each file is graded as by grade.py, in its own process with a time limit, so a file that crashes or
never ends costs only its own points. Exit status: 0 if the table was made, 2 if the call is wrong.
This is not a sandbox, so do not grade files that you would not run.
"""

import sys
from pathlib import Path
from typing import Literal

from cyclopts import App
from grading.classroom import graded, reports_of, table
from grading.handed_in import found
from grading.options import Jobs, Seconds, Seed, status_of, writable
from grading.roster import roster_of

app = App(name="grade_class.py", version_flags=[], result_action="return_value")


@app.default
def main(
    folder: Path,
    /,
    *,
    output: Path | None = None,
    reports: Path | None = None,
    roster: Path | None = None,
    seed: Seed = None,
    seconds: Seconds = 10.0,
    jobs: Jobs = None,
    delimiter: Literal[",", ";"] = ",",
) -> int:
    """Grade the files of a whole class: one row per student and one column per exercise.

    Parameters
    ----------
    folder:
        The students' files, in a subfolder per student or as one file each.
    output:
        A file to write the table to, as CSV. [default: the table is printed]
    reports:
        A folder for a report per file, to hand back to the student.
    roster:
        A table with the columns `student` and `seed`. The column `other seed` then names the
        owner of a sheet that is not the student's own, and everyone on the roster has a row.
    seed:
        Determines the data of the coding exercises. The exercises on paper, and own_function, keep
        the seed that each file names. [default: each file's SEED, or 0]
    seconds:
        How long a file, and then each of its functions, may run: processor time.
    jobs:
        How many files are graded at the same time. [default: as many as there are processors]
    delimiter:
        What separates the columns. With decimal commas, spreadsheets expect ";".
    """
    try:
        if output is not None:
            writable(output)
        if reports is not None:
            reports.mkdir(parents=True, exist_ok=True)
        seeds = roster_of(roster) if roster is not None else None
        marked = []
        files = found(folder)
        for one in graded(files, seed, seconds, jobs, seeds):
            marked.append(one)
            print(f"{len(marked)} of {len(files)}: {one.file}", file=sys.stderr)
        text = table(marked, seeds, delimiter)
        if output is not None:
            output.write_text(text, encoding="utf-8-sig", newline="")  # as Excel reads it
        for name, report in reports_of(marked) if reports is not None else ():
            (reports / name).write_text(report, encoding="utf-8")  # type: ignore[operator]
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if output is None:
        print(text, end="")
    return 0


def command(tokens: list[str] | None = None) -> int:
    """The exit status of a command line."""
    return status_of(app, tokens)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    sys.exit(command())
