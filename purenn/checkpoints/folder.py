"""`Folder`: the newest checkpoints of a single writer.

    with Folder("fit", path) as folder:  # makes the folder and takes its lock
        found = folder.newest(like, accept)  # accept(file, tree, notes), or None if it is empty
        folder.write(step, tree, notes)  # whole or not at all; then removes the older ones

`folder.path` is absolute, and `folder.files()` lists the checkpoints, newest first. A tree is
anything that `pn.save` stores; notes are strings, which are stored with it.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from purenn.core import checks
from purenn.core.paths import local_path
from purenn.core.warn import warn
from purenn.storage.errors import Damaged
from purenn.storage.tree_file import read, write

T = TypeVar("T")
Accept = Callable[[Path, Any, dict[str, str]], T]


class Folder:
    """Checkpoints in a folder, which is locked while the context is entered.

    Args:
        where: the public function that uses this folder; every message begins with its name.
        path: the folder. It is created if it does not exist, and `~` is expanded.
        keep: the number of checkpoints to keep, so that an older one is left if the newest is
            damaged.

    Raises:
        TypeError or ValueError: if `path` is not the path of a folder on this machine.
    """

    def __init__(self, where: str, path: Any, *, keep: int = 2) -> None:
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f"{where}: checkpoints must be a folder, got {checks.describe(path)}")
        local = local_path(where, "checkpoints", path, kind="a folder", what="a folder")
        self.where = where
        self.path = Path(os.path.abspath(local))  # stays the same if the caller changes directory
        self.keep = keep
        self._lock: Any = None

    def __enter__(self) -> "Folder":
        """Create the folder, lock it, and remove files that a killed process left incomplete.

        Raises:
            ImportError: if safetensors or filelock is not installed.
            ValueError: if another run has locked the folder, or it cannot be written to.
        """
        try:
            import safetensors  # noqa: F401 - to fail now rather than at the first write
            from filelock import FileLock, Timeout
        except ImportError as error:
            raise ImportError(
                f"{self.where}: checkpoints need {error.name}; run pip install -e '.[checkpoints]' "
                "in purenn's folder"
            ) from error
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.path / ".lock")
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise ValueError(
                f"{self.where}: checkpoints: another run is writing to {self.path}; expected a "
                f"folder of this run's own"
            ) from error
        except (OSError, ValueError) as error:
            raise ValueError(
                f"{self.where}: checkpoints must be a folder that can be written to, got "
                f"{self.path}: {error}"
            ) from error
        for part in self.path.glob(".checkpoint-*.part"):
            part.unlink()
        return self

    def __exit__(self, *exception: object) -> None:
        """Release the lock, and remove the folder if nothing was written to it."""
        if not any(self.path.glob("checkpoint-*")):
            with contextlib.suppress(OSError):
                os.unlink(self._lock.lock_file)  # while it is still held
                self.path.rmdir()
        self._lock.release()

    def files(self) -> list[Path]:
        """List the checkpoints, newest first."""
        return sorted(self.path.glob("checkpoint-*.safetensors"), reverse=True)

    def newest(self, like: Any, accept: Accept[T]) -> T | None:
        """Read the newest checkpoint that is not damaged.

        Damaged ones that are newer are renamed to `*.damaged`, with a warning.

        Args:
            like: a tree of the expected structure, shapes, and dtypes, as for `pn.load`.
            accept: `accept(file, tree, notes)` converts the data read into the result. It raises
                `Damaged` if the notes are not those of a checkpoint, so that an older one is tried;
                any other error is passed on to the caller.

        Returns:
            The result of `accept`, or None if there are no checkpoints.

        Raises:
            OtherTree: if the tree of the newest undamaged checkpoint differs from `like`.
            ValueError: if every checkpoint is damaged. In this case none is renamed.
        """
        damaged: dict[Path, str] = {}
        for file in self.files():
            try:
                found = accept(file, *read(self.where, file, like))
            except (Damaged, OSError) as error:
                damaged[file] = str(error)
                continue
            for bad, reason in damaged.items():
                os.replace(bad, bad.with_suffix(".damaged"))
                warn(
                    f"{reason}; resuming from the checkpoint before, {file.name}, and "
                    f"{bad.name} is now {bad.stem}.damaged"
                )
            return found
        if damaged:
            reasons = "".join(f"\n  {reason}" for reason in damaged.values())
            raise ValueError(f"{self.where}: every checkpoint in {self.path} is damaged:{reasons}")
        return None

    def write(self, step: int, tree: Any, notes: dict[str, str]) -> None:
        """Write a checkpoint completely or not at all, then remove all but the newest.

        Raises:
            OSError: if it could not be written, for example because the disk is full.
            TypeError or ValueError: if a leaf of the tree cannot be stored.
        """
        # Ten digits, so that the names sort by age.
        write(self.where, self.path / f"checkpoint-{step:010}.safetensors", tree, notes)
        with contextlib.suppress(OSError):  # a remaining file is harmless
            for old in self.files()[self.keep :]:
                old.unlink()
