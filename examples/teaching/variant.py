"""Write one student's version of an exercise: the file to fill in, and what goes with its seed.

python examples/teaching/variant.py dense --seed 7                 runs/teaching/dense_7.py
python examples/teaching/variant.py network_by_hand --seed 7       and a sheet, and its key
python examples/teaching/variant.py own_function --seed 7          and its solution
python examples/teaching/variant.py --help                         every option

An exercise on paper gets a sheet with that seed's numbers and a key with the answers,
each as a page to print from a browser, NAME_SEED_sheet.html and NAME_SEED_key.html, and as text for
the terminal. The key as text is what `pn.explain` prints. grade.py reads the seed from the file.
"""

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number
from grading.options import status_of, whole
from grading.paper import key_page, sheet_page
from grading.rubric import BY_HAND, DRAWN, EXERCISES
from grading.sheet import key, sheet, student_file
from keys import solution

HERE = Path(__file__).resolve().parent


Count = Annotated[int, Parameter(validator=Number(gte=1, lte=1000), converter=whole)]
Seed = Annotated[int, Parameter(validator=Number(gte=0, lt=2**32), converter=whole)]

app = App(name="variant.py", version_flags=[], result_action="return_value")


@app.default
def main(
    exercise: Literal[EXERCISES],  # type: ignore[valid-type]  # the rubrics' own list
    /,
    *,
    seed: Seed = 0,
    count: Count = 1,
    output: Path = Path("runs/teaching"),
) -> int:
    """Write one student's version of an exercise, or several.

    Parameters
    ----------
    exercise:
        The exercise's name.
    seed:
        Determines the numbers, and the data that the file is graded with.
    count:
        How many versions: with this seed and the next ones.
    output:
        Folder for the files; created if it does not exist.
    """
    files: dict[str, str] = {}
    for one in range(seed, seed + count):
        files |= version(exercise, one)
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (output / name).write_text(text, encoding="utf-8")
            print(output / name)
    except OSError as error:
        print(f"error: --output must be a folder that can be written to; {error}", file=sys.stderr)
        return 2
    return 0


def version(exercise: str, seed: int) -> dict[str, str]:
    """The files of one seed, by their names."""
    files = {f"{exercise}_{seed}.py": student_file(HERE / "exercises", exercise, seed)}
    if exercise in DRAWN:
        files[f"{exercise}_{seed}_key.py"] = solution(seed)
    if exercise in BY_HAND:
        files[f"{exercise}_{seed}_sheet.txt"] = sheet(HERE / "exercises", exercise, seed)
        files[f"{exercise}_{seed}_key.txt"] = key(exercise, seed)
        files[f"{exercise}_{seed}_sheet.html"] = sheet_page(exercise, seed)
        files[f"{exercise}_{seed}_key.html"] = key_page(exercise, seed)
    return files


def command(tokens: list[str] | None = None) -> int:
    """The exit status of a command line."""
    return status_of(app, tokens)


if __name__ == "__main__":
    sys.exit(command())
