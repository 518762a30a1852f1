"""The types that the examples' options share: what an argument on the command line may be."""

import math
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number
from cyclopts.validators import Path as PathKind


def integer(_: Any, tokens: Any) -> int:
    """Accept integers only: cyclopts would round 1.5 epochs to 2."""
    return int(tokens[0].value)


def local(_: Any, tokens: Any) -> Path:
    """Accept a path on this machine: gs://bucket would otherwise become a folder named gs:."""
    text = tokens[0].value
    if "://" in text:
        raise ValueError(f"must be a path on this machine, got {text}")
    return Path(text).expanduser()


def at_least(low: int, *, below: float = math.inf) -> Parameter:
    """Accept integers from `low`."""
    return Parameter(validator=Number(gte=low, lt=below), converter=integer)


Fraction = Annotated[float, Parameter(validator=Number(gte=0, lt=1))]
AtLeast1 = Annotated[int, at_least(1)]
NotNegative = Annotated[float, Parameter(validator=Number(gte=0, lt=math.inf))]
Folder = Annotated[Path, Parameter(validator=PathKind(file_okay=False), converter=local)]
File = Annotated[Path, Parameter(validator=PathKind(exists=True, dir_okay=False), converter=local)]
