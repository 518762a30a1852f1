"""What the options of the examples are made of: numbers and paths, as they were typed."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number


def whole(_: Any, tokens: Any) -> int:
    """Take whole numbers alone: without this, 1.5 epochs would be rounded."""
    return int(tokens[0].value)


def local(_: Any, tokens: Any) -> Path:
    """Take a path on this machine: without this, gs://bucket would be a folder named gs:."""
    text = tokens[0].value
    if "://" in text:
        raise ValueError(f"--output must be a path on this machine, got {text}")
    return Path(text).expanduser()


AtLeast1 = Annotated[int, Parameter(validator=Number(gte=1), converter=whole)]
