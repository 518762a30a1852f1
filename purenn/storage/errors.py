"""What can be wrong with a file, and how words from a file are put into a message."""


class Damaged(ValueError):  # noqa: N818
    """A file that is incomplete or corrupt, or that `save` did not write."""


class OtherTree(ValueError):  # noqa: N818
    """An undamaged file that holds another tree than expected; `notes` are the file's."""

    def __init__(self, message: str, notes: dict[str, str]) -> None:
        super().__init__(message)
        self.notes = notes


def shown(text: str) -> str:
    """Shorten words from a file, and escape what would control a terminal."""
    text = text if len(text) <= 80 else f"{text[:79]}…"
    return text if text.isprintable() else ascii(text)
