"""The checkpoints of a run: when to write one, its contents, and how a run resumes from it."""

import contextlib
import json
import time
from pathlib import Path
from typing import Any, NoReturn

import jax

from purenn.checkpoints.folder import Folder
from purenn.core import scalars
from purenn.core.warn import warn
from purenn.distributed.processes import Processes
from purenn.storage.errors import Damaged, OtherTree, shown
from purenn.storage.leaves import leaves_of
from purenn.training.changes import changes
from purenn.training.fingerprint import parsed
from purenn.training.position import Position
from purenn.training.train import Progress, Run
from purenn.training.train_step import TrainState

FORGED = (KeyError, ValueError, TypeError, AttributeError, RecursionError)  # of notes from anyone
SHARE = 20  # at most a twentieth of the time is spent on writing


class Checkpoints:
    """The folder of a run, locked while the context is entered; without a path, nothing is kept.

    If there are several processes, the first one reads and writes; the others do not need access.
    """

    def __init__(self, path: Any, every: Any, processes: Processes) -> None:
        self.folder = None if path is None else Folder("fit", path)
        self.processes = processes
        self.every = scalars.number("fit", "checkpoint_every", every, least=0)
        self.fingerprint: dict[str, str] = {}
        self._last: Position | None = None  # that was written
        self._entered = contextlib.ExitStack()
        self._due: float | None = None

    def __enter__(self) -> "Checkpoints":
        if self.folder is not None:
            self.processes.run_on_first(self._enter)
        return self

    def _enter(self) -> str:
        assert self.folder is not None
        self._entered.enter_context(self.folder)
        return ""

    def __exit__(self, *exception: object) -> None:
        self._entered.close()

    def resumed(
        self, run: Run, start: Progress, fingerprint: dict[str, str], *, resume: bool
    ) -> tuple[Progress, Position]:
        """Return where to start the run: at its start, or where the run in the folder stopped."""
        self.fingerprint = fingerprint
        position, read = Position(start.epoch), start.train_state

        def found() -> str:
            nonlocal read
            newest = self._newest(run, start, resume=resume)
            if newest is None:
                return ""
            read, stored = newest
            return stored.to_json()

        text = self.processes.run_on_first(found)
        if not text:
            return start, position
        position = self._last = Position.from_json(text, start.epoch)
        train_state = self.processes.broadcast_tree(read)
        if run.sharding is not None:
            train_state = run.sharding.put(train_state)
        now = start._replace(train_state=train_state, epoch=position.epoch, step=position.step)
        return now, position

    def _newest(
        self, run: Run, start: Progress, *, resume: bool
    ) -> tuple[TrainState, Position] | None:
        assert self.folder is not None
        files = self.folder.files()
        if not files:
            leaves_of("fit", "train_state", start.train_state)  # rejects unsupported leaves now
            return None
        if not resume:
            raise ValueError(
                f"fit: checkpoints: {self.folder.path} holds those of a run, up to "
                f"{files[0].name}; resume it with resume=True, or choose another folder"
            )
        like: Any = start.train_state
        if not self.processes.single:  # a sharded state is not complete in this process
            like = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), like)

        def accept(
            file: Path, train_state: TrainState, notes: dict[str, str]
        ) -> tuple[TrainState, Position]:
            try:
                position = Position.from_json(notes["position"], start.epoch)
                stored = parsed(notes["fingerprint"])
                device, lines = stored["device"], self._changes(stored)
            except FORGED as error:
                raise Damaged(
                    f"fit: {file}: expected a checkpoint of fit in this version of purenn, "
                    f"got {error!r}"
                ) from error
            self._compare(file, device, lines)
            # After that: with another batch size the steps would not add up either.
            steps = run.source.steps
            done = int(train_state.step) - int(start.train_state.step)
            wanted = len(position.history) * steps + position.step
            if steps and (position.step > steps or done != wanted):
                raise Damaged(
                    f"fit: {file}: expected a checkpoint of fit, got a position that is not {done} "
                    f"steps from the start"
                )
            return train_state, position

        try:
            return self.folder.newest(like, accept)
        except OtherTree as error:
            self._reject_tree(error)

    def _reject_tree(self, error: OtherTree) -> NoReturn:
        reason = "the model or the optimizer is not the one that the run began with"
        with contextlib.suppress(*FORGED):  # then the notes have nothing to add
            reason += "".join(self._changes(parsed(error.notes["fingerprint"])).values())
        raise ValueError(f"{error}; {reason}") from error

    def _compare(self, file: Path, device: str, lines: dict[str, str]) -> None:
        """Reject a checkpoint of a different run, and warn if a different device wrote it."""
        if lines:
            raise ValueError(
                f"fit: resume: {', '.join(lines)} changed since {file} was written; expected the "
                f"same run. To begin another one from its state, load(path, train_state), and pass "
                f"fit that state and another folder{''.join(lines.values())}"
            )
        if device != self.fingerprint["device"]:
            warn(
                f"fit: resume: the device was {shown(device)} and is {self.fingerprint['device']}: "
                f"the last bits of the numbers may differ"
            )

    def _changes(self, stored: dict[str, str]) -> dict[str, str]:
        """Return the changes since a checkpoint was written, with a line for each."""
        found = changes(stored, self.fingerprint)
        return {name: f"\n  {name}: {words}" for name, words in found.items()}

    def due(self) -> bool:
        """Tell whether it is time to write a checkpoint."""
        now = time.monotonic()
        if self._due is None:  # the first one soon, but not of a run that diverges immediately
            self._due = now + min(self.every, 1.0)
        return now >= self._due

    def write(self, train_state: TrainState, position: Position) -> None:
        """Write a checkpoint, unless it is already written; a full disk does not stop the run."""
        if self.folder is None or position == self._last:
            return
        begun = time.monotonic()
        gathered = self.processes.gather(train_state)  # by all processes together
        notes = {"fingerprint": json.dumps(self.fingerprint), "position": position.to_json()}
        try:
            if self.processes.is_first:
                self.folder.write(int(gathered.step), gathered, notes)
            self._last = position
        except (OSError, ValueError) as error:
            warn(f"{error}; the run continues without this checkpoint")
        now = time.monotonic()
        self._due = now + max(self.every, (SHARE - 1) * (now - begun))

    @property
    def last(self) -> str:
        """Name the checkpoint from which the run can resume, as the end of a message."""
        if self.folder is None or self._last is None:
            return ""
        where = f"epoch {self._last.epoch}, step {self._last.step}"
        if self._last.step == 0 and self._last.history:
            where = f"the end of epoch {self._last.epoch - 1}"
        return f"; the last checkpoint in {self.folder.path} is of {where}"
