"""The checkpoints of a run: a folder that one process writes to, and a run goes on from."""

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

import jax

from purenn.core import checks, scalars
from purenn.core.paths import local_path
from purenn.distributed.mesh import Layout, placed
from purenn.distributed.processes import Team
from purenn.storage.errors import Damaged, OtherTree, shown
from purenn.storage.leaves import leaves_of
from purenn.storage.tree_file import read, write
from purenn.training.changes import changes
from purenn.training.fingerprint import parsed
from purenn.training.moment import Moment
from purenn.training.progress import warn

KEPT = 2  # so that there is one left when the newest can't be read
NAME = "checkpoint-{:010}.safetensors"  # with the step, so that the names sort by age
NAMES = "checkpoint-*.safetensors"
UNFIT = (KeyError, ValueError, TypeError, AttributeError, RecursionError)  # of forged notes
SHARE = 20  # at most a twentieth of the time goes to writing


class Checkpoints:
    """The folder, held by this run alone while it is entered; `None` keeps nothing.

    Of several processes the first one reads and writes; the others need not see the folder.
    """

    def __init__(self, folder: Any, every: Any, team: Team) -> None:
        self.folder = None if folder is None else _path(folder)
        self.team = team
        self.every = scalars.number("fit", "checkpoint_every", every, least=0)
        self.fingerprint: dict[str, str] = {}
        self.last: Moment | None = None  # that was written
        self._lock: Any = None
        self._due: float | None = None

    def __enter__(self) -> "Checkpoints":
        if self.folder is not None:
            self.team.by_first(self._open)
        return self

    def _open(self) -> str:
        assert self.folder is not None
        try:
            import safetensors  # noqa: F401 - now, and not when the first one is due
            from filelock import FileLock, Timeout
        except ImportError as error:
            raise ImportError(
                f"fit: checkpoints need {error.name}: pip install 'purenn[checkpoints]'"
            ) from error
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.folder / ".lock")
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise ValueError(
                f"fit: checkpoints: another run is writing to {self.folder}; expected a folder of "
                f"this run's own"
            ) from error
        except (OSError, ValueError) as error:
            raise ValueError(
                f"fit: checkpoints must be a folder that can be written to, got {self.folder}: "
                f"{error}"
            ) from error
        for part in self.folder.glob(".checkpoint-*.part"):  # of a run that was killed
            part.unlink()
        return ""

    def __exit__(self, *exception: object) -> None:
        if self._lock is None or self.folder is None:
            return
        if not any(self.folder.glob("checkpoint-*")):  # nothing came of it: no trace stays
            with contextlib.suppress(OSError):
                os.unlink(self._lock.lock_file)  # while it is held
                self.folder.rmdir()
        self._lock.release()

    def begin(
        self,
        start: Moment,
        fingerprint: dict[str, str],
        steps: int,
        layout: Layout | None,
        *,
        resume: bool,
    ) -> Moment:
        """Where the run begins: `start`, or where the run that is in the folder was.

        `steps` is how many an epoch has, or 0 if that is not known.
        """
        self.fingerprint = fingerprint
        begun = start

        def found() -> str:
            nonlocal begun
            begun = self._found(start, steps, resume=resume)
            return "" if begun is start else begun.written()

        position = self.team.by_first(found)
        if position and not self.team.alone:
            mine = begun.train_state if self.team.first else start.train_state
            begun = Moment.read(self.team.from_first(mine), position, start.first)
        if position:
            begun = self.last = begun._replace(train_state=placed(begun.train_state, layout))
        return begun

    def _found(self, start: Moment, steps: int, *, resume: bool) -> Moment:
        assert self.folder is not None
        files = sorted(self.folder.glob(NAMES), reverse=True)
        if not files:
            leaves_of("fit", "train_state", start.train_state)  # refuses now what can't be written
            return start
        if not resume:
            raise ValueError(
                f"fit: checkpoints: {self.folder} holds those of a run, up to {files[0].name}; "
                f"go on from them with resume=True, or give another folder"
            )
        damaged: list[tuple[Path, str]] = []
        for path in files:
            try:
                moment = self._read(path, start, steps)
            except (Damaged, OSError) as error:
                damaged.append((path, str(error)))
                continue
            for other, reason in damaged:
                os.replace(other, other.with_suffix(".damaged"))
                warn(
                    f"{reason}; going on from the one before, {path.name}, and "
                    f"{other.name} is now {other.stem}.damaged",
                    stacklevel=6,
                )
            return moment
        reasons = "".join(f"\n  {reason}" for _, reason in damaged)
        raise ValueError(f"fit: resume: no checkpoint in {self.folder} is whole:{reasons}")

    def _read(self, path: Path, start: Moment, steps: int) -> Moment:
        like = start.train_state
        if not self.team.alone:  # its form is enough: what is cut, this process can't put together
            like = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), like)
        try:
            train_state, notes = read("fit", path, like)
        except OtherTree as error:
            other = "the model or the optimizer is not the one that the run began with"
            with contextlib.suppress(*UNFIT, OSError):  # then it has nothing to add
                other += "".join(self._changes(error.notes).values())
            raise ValueError(f"{error}; {other}") from error
        try:
            moment = Moment.read(train_state, notes["moment"], start.first)
            lines = self._changes(notes)
            device = parsed(notes["fingerprint"])["device"]
        except UNFIT as error:
            raise Damaged(
                f"fit: {path}: expected a checkpoint of fit in this version of purenn, "
                f"got {error!r}"
            ) from error
        if device != self.fingerprint["device"]:  # which perhaps is no longer available
            warn(
                f"fit: resume: the device was {shown(device)} and is {self.fingerprint['device']}: "
                f"the last bits of the numbers may differ",
                stacklevel=7,
            )
        if lines:
            raise ValueError(
                f"fit: resume: {', '.join(lines)} changed since {path} was written; expected the "
                f"same run. To begin another from where this one was, load(path, train_state) and "
                f"give fit that state and another folder{''.join(lines.values())}"
            )
        # After the settings: with another batch size the steps would not add up either.
        done = int(train_state.step) - int(start.train_state.step)
        wanted = len(moment.history) * steps + moment.steps
        if steps and (moment.steps > steps or done != wanted):
            raise Damaged(
                f"fit: {path}: expected a checkpoint of fit, got a position that is not {done} "
                f"steps from the start"
            )
        return moment

    def due(self) -> bool:
        """Whether it is time to write."""
        now = time.monotonic()
        if self._due is None:  # the first one soon, but not of a run that diverges at once
            self._due = now + min(self.every, 1.0)
        return now >= self._due

    def write(self, moment: Moment) -> None:
        """Write, and remove what is older than needed; a full disk does not stop the run."""
        if self.folder is None or moment is self.last:
            return
        begun = time.monotonic()
        train_state = self.team.local(moment.train_state)  # put together by all of them
        if not self.team.first:
            self.last, self._due = moment, begun + self.every
            return
        path = self.folder / NAME.format(int(train_state.step))
        notes = {"fingerprint": json.dumps(self.fingerprint), "moment": moment.written()}
        try:
            write("fit", path, train_state, notes)
            self.last = moment
            with contextlib.suppress(OSError):  # what can't be removed is in nobody's way
                for old in sorted(self.folder.glob(NAMES))[:-KEPT]:
                    old.unlink()
        except (OSError, ValueError) as error:
            warn(f"{error}; the run does without this checkpoint", stacklevel=3)
        now = time.monotonic()
        self._due = now + max(self.every, (SHARE - 1) * (now - begun))

    def _changes(self, notes: dict[str, str]) -> dict[str, str]:
        """What has changed since a checkpoint was written, each with a line for the message."""
        found = changes(parsed(notes["fingerprint"]), self.fingerprint)
        return {name: f"\n  {name}: {words}" for name, words in found.items()}

    @property
    def kept(self) -> str:
        """Where the run can go on from, for messages."""
        if self.folder is None or self.last is None:
            return ""
        last, where = self.last, f"epoch {self.last.epoch + 1}, step {self.last.steps}"
        if last.steps == 0 and last.history:
            where = f"the end of epoch {last.epoch}"
        return f"; the last checkpoint in {self.folder} is of {where}"


def _path(folder: Any) -> Path:
    if not isinstance(folder, str | os.PathLike):
        raise TypeError(f"fit: checkpoints must be a folder, got {checks.describe(folder)}")
    path = local_path("fit", "checkpoints", folder, kind="a folder", what="a folder")
    return Path(os.path.abspath(path))  # the same, if the data's function changes the directory
