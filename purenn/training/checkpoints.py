"""The checkpoints of a run: when one is written, and where a run resumes."""

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import jax

from purenn.checkpoints.folder import Folder
from purenn.core import scalars
from purenn.core.warn import warn
from purenn.distributed.mesh import Layout, placed
from purenn.distributed.processes import Team
from purenn.storage.errors import Damaged, OtherTree, shown
from purenn.storage.leaves import leaves_of
from purenn.training.changes import changes
from purenn.training.fingerprint import parsed
from purenn.training.moment import Moment

SHARE = 20  # at most a twentieth of the time goes into writing
# What notes can raise that were not written by `fit`.
FORGED = (KeyError, ValueError, TypeError, AttributeError, RecursionError)


class Checkpoints:
    """The folder of a run, which no other run can use while it is entered; `None` keeps nothing.

    Of several processes the first one reads and writes; the others need not see the folder.
    """

    def __init__(self, folder: Any, every: Any, team: Team) -> None:
        self.folder = None if folder is None else Folder("fit", folder)
        self.team = team
        self.every = scalars.number("fit", "checkpoint_every", every, least=0)
        self.fingerprint: dict[str, str] = {}
        self.last: Moment | None = None  # that was written
        self._entered = contextlib.ExitStack()
        self._due: float | None = None

    def __enter__(self) -> "Checkpoints":
        if self.folder is not None:
            self.team.by_first(self._enter)
        return self

    def _enter(self) -> str:
        assert self.folder is not None
        self._entered.enter_context(self.folder)
        return ""

    def __exit__(self, *exception: object) -> None:
        self._entered.close()

    def begin(
        self,
        start: Moment,
        fingerprint: dict[str, str],
        steps: int,
        layout: Layout | None,
        *,
        resume: bool,
    ) -> Moment:
        """Where the run begins: `start`, or where the run in the folder was.

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
        files = self.folder.files()
        if not files:
            # Raises now if the state cannot be written later.
            leaves_of("fit", "train_state", start.train_state)
            return start
        if not resume:
            raise ValueError(
                f"fit: checkpoints: {self.folder.path} holds those of a run, up to "
                f"{files[0].name}; resume it with resume=True, or give another folder"
            )
        like = start.train_state
        if not self.team.alone:  # shapes are enough: one process may not hold all of the arrays
            like = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), like)

        def accept(file: Path, train_state: Any, notes: dict[str, str]) -> Moment:
            return self._accepted(file, train_state, notes, start, steps)

        try:
            moment = self.folder.newest(like, accept)
        except OtherTree as error:
            lines = ""
            with contextlib.suppress(*FORGED):  # which then have nothing to add
                lines = "".join(self._changes(error.notes).values())
            raise ValueError(
                f"{error}; the model or the optimizer is not the one that the run began with{lines}"
            ) from error
        assert moment is not None
        return moment

    def _accepted(
        self, file: Path, train_state: Any, notes: dict[str, str], start: Moment, steps: int
    ) -> Moment:
        """The position in a checkpoint, if it is one of this run."""
        try:
            moment = Moment.read(train_state, notes["moment"], start.first)
            lines = self._changes(notes)
            device = parsed(notes["fingerprint"])["device"]
        except FORGED as error:
            raise Damaged(
                f"fit: {file}: expected a checkpoint of fit in this version of purenn, "
                f"got {error!r}"
            ) from error
        if lines:
            raise ValueError(
                f"fit: resume: {', '.join(lines)} changed since {file} was written; expected the "
                f"same run. To begin another from where this one was, load(path, train_state) and "
                f"give fit that state and another folder{''.join(lines.values())}"
            )
        # Only now: with another batch size the steps would not add up either.
        done = int(train_state.step) - int(start.train_state.step)
        wanted = len(moment.history) * steps + moment.steps
        if steps and (moment.steps > steps or done != wanted):
            raise Damaged(
                f"fit: {file}: expected a checkpoint of fit, got a position that is not {done} "
                f"steps from the start"
            )
        if device != self.fingerprint["device"]:  # which perhaps is no longer available
            warn(
                f"fit: resume: the device was {shown(device)} and is {self.fingerprint['device']}: "
                f"the last bits of the numbers may differ"
            )
        return moment

    def _changes(self, notes: dict[str, str]) -> dict[str, str]:
        """What has changed since a checkpoint was written, each with a line for the message."""
        found = changes(parsed(notes["fingerprint"]), self.fingerprint)
        return {name: f"\n  {name}: {words}" for name, words in found.items()}

    def due(self) -> bool:
        """Whether it is time to write."""
        now = time.monotonic()
        if self._due is None:  # the first one soon, but not of a run that diverges at once
            self._due = now + min(self.every, 1.0)
        return now >= self._due

    def write(self, moment: Moment) -> None:
        """Write a checkpoint; a full disk does not stop the run."""
        if self.folder is None or moment is self.last:
            return
        begun = time.monotonic()
        train_state = self.team.local(moment.train_state)  # put together by all of them
        if not self.team.first:
            self.last, self._due = moment, begun + self.every
            return
        notes = {"fingerprint": json.dumps(self.fingerprint), "moment": moment.written()}
        try:
            self.folder.write(int(train_state.step), train_state, notes)
            self.last = moment
        except (OSError, ValueError) as error:
            warn(f"{error}; the run does without this checkpoint")
        now = time.monotonic()
        self._due = now + max(self.every, (SHARE - 1) * (now - begun))

    @property
    def kept(self) -> str:
        """Where the run can resume, for messages."""
        if self.folder is None or self.last is None:
            return ""
        last, where = self.last, f"epoch {self.last.epoch + 1}, step {self.last.steps}"
        if last.steps == 0 and last.history:
            where = f"the end of epoch {last.epoch}"
        return f"; the last checkpoint in {self.folder.path} is of {where}"
