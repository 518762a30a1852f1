"""Atomic writes: a file is replaced completely or not at all."""

import contextlib
import os

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file; the old file stays in place until all data are on the disk.

    The data are written to a temporary file in the same folder, `.NAME-XXXX.part`, which is synced
    and renamed; then the folder is synced. If an error is raised before the file is renamed, the
    temporary file is removed; it remains only if the process is killed. If syncing the folder
    fails, the new file is in place but may not survive a power failure. A symbolic link is
    followed.

    Raises:
        OSError: if a system call failed.
    """
    path = os.path.realpath(path)
    folder, name = os.path.split(path)
    part = os.path.join(folder, f".{name}-{os.urandom(4).hex()}.part")
    try:
        _write_synced(part, data)
        os.replace(part, path)
    except BaseException:  # KeyboardInterrupt too
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise
    if os.name != "nt":  # Windows cannot open a folder.
        _sync_folder(folder)


def _write_synced(path: str, data: bytes) -> None:
    descriptor = os.open(path, _CREATE, 0o666)  # minus the umask, as for any new file
    try:
        rest = memoryview(data)
        while rest:  # a write may be short
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except BaseException:
        with contextlib.suppress(OSError):
            os.close(descriptor)
        raise
    os.close(descriptor)  # never twice: it is closed even if this raises


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
