"""A file that is there whole or not at all, whatever stops the writing of it."""

import contextlib
import os
from collections.abc import Iterable
from typing import Any

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def write_whole(path: str | os.PathLike[str], chunks: Iterable[Any]) -> None:
    """Write chunks of bytes to a file; until that is whole and synced, the old one stays.

    A temporary file in the same folder, `.NAME-XXXX.part`, is written, synced and renamed, and the
    folder synced. Whatever is raised before the renaming, the temporary file is removed; only
    what stops the process at once leaves it behind. If the folder's sync fails, the new file is
    in place all the same, but may not outlive a power failure. A link is followed, not replaced.

    Raises:
        OSError: a system call failed.
    """
    path = os.path.realpath(path)
    folder, name = os.path.split(path)
    part = os.path.join(folder, f".{name}-{os.urandom(4).hex()}.part")
    try:
        _write_synced(part, chunks)
        os.replace(part, path)
    except BaseException:  # KeyboardInterrupt too
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise
    if os.name != "nt":  # Windows cannot open a folder.
        _sync_folder(folder)


def _write_synced(path: str, chunks: Iterable[Any]) -> None:
    descriptor = os.open(path, _CREATE, 0o666)  # less the umask, as for any new file
    try:
        for chunk in chunks:
            rest = memoryview(chunk)
            while rest:  # a write may be short
                rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except BaseException:
        with contextlib.suppress(OSError):
            os.close(descriptor)
        raise
    os.close(descriptor)  # never twice: it is closed even where this raises


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
