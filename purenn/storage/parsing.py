"""JSON from a file that anyone may have made, and words from it in a message."""

import json
from typing import Any


class Damaged(ValueError):  # noqa: N818 the word says it
    """A file that is not whole or not sound, or none that `save` wrote."""


class OtherTree(ValueError):  # noqa: N818
    """An undamaged file that holds another tree than expected; `notes` are the file's."""

    def __init__(self, message: str, notes: dict[str, str]) -> None:
        super().__init__(message)
        self.notes = notes


def parsed(place: str, part: str, text: bytes) -> dict[str, Any]:
    """A JSON object."""
    try:
        # Not json.loads(text), which would guess at UTF-16 too.
        found = json.loads(text.decode())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Damaged(f"{place}: its {part} is not the JSON of a file that save wrote")
    return found


def strings(place: str, part: str, text: str) -> dict[str, str]:
    """A JSON object of strings."""
    found = parsed(place, part, text.encode(errors="surrogatepass"))
    if not all(isinstance(value, str) for value in found.values()):
        raise Damaged(f"{place}: its {part} is not the JSON of a file that save wrote")
    return found


def shown(text: str) -> str:
    """Words from a file, fit to be printed: short, and without a terminal's control characters."""
    text = text if len(text) <= 80 else f"{text[:79]}…"
    return text if text.isprintable() else ascii(text)
