"""Write an exam on paper and its key: the numbers of a seed, and the answers computed from them.

python examples/teaching/exam.py --seed 41                  runs/teaching/exam_41_sheet.html
python examples/teaching/exam.py --seed 41 --output exams   in another folder
python examples/teaching/exam.py --help                     every option

Both are pages to print from a browser. Keep the seed to yourself, because
anyone who has it can make the key.
"""

import sys
from pathlib import Path

from cyclopts import App
from exams.page import exam_key, exam_page
from grading.options import status_of
from variant import Seed

app = App(name="exam.py", version_flags=[], result_action="return_value")


@app.default
def main(*, seed: Seed, output: Path = Path("runs/teaching")) -> int:
    """Write an exam on paper, and its key.

    Parameters
    ----------
    seed:
        Determines the numbers.
    output:
        Folder for the two files; created if it does not exist.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        for kind, page in (("sheet", exam_page), ("key", exam_key)):
            path = output / f"exam_{seed}_{kind}.html"
            path.write_text(page(seed), encoding="utf-8")
            print(path)
    except OSError as error:
        print(f"error: --output must be a folder that can be written to; {error}", file=sys.stderr)
        return 2
    return 0


def command(tokens: list[str] | None = None) -> int:
    """The exit status of a command line."""
    return status_of(app, tokens)


if __name__ == "__main__":
    sys.exit(command())
