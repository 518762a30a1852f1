"""The options that the command lines share."""

import math
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number


def whole(_: Any, tokens: Any) -> int:
    """Read a whole number: without this, 1.5 would be rounded."""
    return int(tokens[0].value)


Seed = Annotated[int | None, Parameter(validator=Number(gte=0, lt=2**32), converter=whole)]
Seconds = Annotated[float, Parameter(validator=Number(gt=0, lt=math.inf))]
Jobs = Annotated[int | None, Parameter(validator=Number(gte=1), converter=whole)]


def writable(output: Path) -> None:
    """Reject a bad --output before any file is run, not after."""
    try:
        if output.is_dir():
            raise IsADirectoryError(f"{output} is a folder")
        output.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=output.parent).close()
    except OSError as error:
        raise ValueError(f"--output must be a file that can be written; {error}") from error


def status_of(app: App, tokens: list[str] | None) -> int:
    """Run a command line, and return its exit status."""
    try:
        status = app(tokens, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return status or 0  # --help returns nothing
