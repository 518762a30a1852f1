"""A message of `check_gradients` or `compare` as a student reads it."""

import re
from collections.abc import Mapping
from types import MappingProxyType

FACTOR = re.compile(r"yours (?:= |is about )(\S+) × referee everywhere")
ONE = re.compile(r"1 of 1 elements differ(?:; worst(?: \([^)]*\))?)?: ")
VALUES = re.compile(r"^yours ([^ ,]+), referee ([^ ,;]+)")
ZERO = re.compile(r"(?<![\w.])-0(?![\w.])")


def for_students(
    message: str, size: int | None = None, letters: Mapping[str, str] = MappingProxyType({})
) -> str:
    """In the exercise's own letters, and without the word referee.

    Args:
        message: what `purenn` says.
        size: how many numbers the value consists of, if that is known.
        letters: what the exercise calls the `x`, `y`, and `dy` of a message.
    """
    if size == 1:
        message = FACTOR.sub(r"yours is \1 times the right value", message)
        message = ONE.sub("", message)
        message = VALUES.sub(r"yours is \1, the right value \2", message)
    message = message.replace("× referee", "× the right value").replace("referee", "right value")
    if letters:
        names = re.compile(rf"\b({'|'.join(letters)})\b")
        message = names.sub(lambda match: letters[match[0]], message)
    return ZERO.sub("0", message)
