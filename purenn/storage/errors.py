"""The errors of files, and the display of text from a file in messages."""


class Damaged(ValueError):  # noqa: N818
    """A file that is incomplete or corrupt, or that `save` did not write."""


class OtherTree(ValueError):  # noqa: N818
    """An undamaged file whose tree differs from the expected one; `notes` are those of the file."""

    def __init__(self, message: str, notes: dict[str, str]) -> None:
        super().__init__(message)
        self.notes = notes


def shown(text: str) -> str:
    """Shorten text from a file, and escape characters that would control a terminal."""
    text = text if len(text) <= 80 else f"{text[:79]}…"
    return text if text.isprintable() else ascii(text)
