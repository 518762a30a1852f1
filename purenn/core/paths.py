"""Paths given by the caller, which must be on this machine's file system."""

import os
import re
from typing import Any

# Two letters at least, since C:\ is a drive; pathlib makes one slash of two.
_SCHEME = r"\s*([A-Za-z][A-Za-z0-9+.-]+):[/\\]"


def local_path(
    where: str,
    name: str,
    value: Any,
    *,
    kind: str = "a str or os.PathLike",
    what: str = "the name of a file",
) -> str:
    """Return a path as a string, with a leading `~` expanded.

    Without these checks, `gs://bucket/run` and `~/runs` would be folders named `gs:` and `~` in the
    current directory, and nobody would find the files written there.

    Args:
        where: the beginning of the message.
        name: the name of the argument.
        value: the value of the argument.
        kind: the expected type, in the words of the message.
        what: the thing that the path should name, in the words of the message.

    Raises:
        TypeError: if it is not a path, or it is a path of bytes.
        ValueError: if it is empty, contains a null character, is not on this machine's file system,
            or begins with `~` and a name that is not a user's.
    """
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(path, str):
        got = type(value).__name__ + (" of bytes" if value is not path else "")
        raise TypeError(f"{where}: {name} must be {kind}, got {got}")
    if not path or "\0" in path:
        raise ValueError(f"{where}: {name} must be {what}, got {path!r}")
    if scheme := re.match(_SCHEME, path):
        remedy = "mount it, or copy to and from it"
        if scheme[1].lower() == "file":
            remedy = "leave out file://"
        raise ValueError(
            f"{where}: {name} must be {what} on this machine's file system, got {path!r}; {remedy}"
        )
    expanded = os.path.expanduser(path)
    if path.startswith("~") and expanded == path:
        raise ValueError(
            f"{where}: {name} must be {what}, got {path!r}: there is no such user; "
            f"for a name that begins with ~, give the absolute path"
        )
    return expanded
