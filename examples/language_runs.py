"""What `language.py` keeps of a run: a checkpoint, and the network that it made."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import run_folder

import purenn as pn


class Checkpoint:
    """The state and the history of an unfinished run, and the settings that both depend on."""

    def __init__(self, output: Path, settings: dict[str, Any], epochs: int) -> None:
        folder = run_folder.checkpoints_in(output)
        self.arrays = folder / "checkpoint-run.safetensors"
        self.described = folder / "checkpoint-run.json"
        self.settings, self.epochs = settings, epochs

    def begin(self, start: pn.TrainState, *, resume: bool) -> tuple[pn.TrainState, list[Any]]:
        """Return the state to start from, and the epochs that are done."""
        if not (resume and self.arrays.exists()):
            return start, []
        before = read_json(self.described)
        for name, value in self.settings.items():
            if before.get(name) != value:
                raise ValueError(
                    f"--resume continues a run with {shown(name, before.get(name))}, in "
                    f"{self.arrays.parent}, got {shown(name, value)}; expected the same"
                )
        train_state, rows = pn.load(self.arrays, like=(start, self._rows([])))
        done = rows[~np.isnan(rows[:, 0])].tolist()
        return train_state, [pn.EpochRecord(int(epoch), *more) for epoch, *more in done]

    def write(self, train_state: pn.TrainState, history: list[Any]) -> None:
        """Replace the checkpoint, whole or not at all."""
        self.arrays.parent.mkdir(exist_ok=True)
        write_json(self.described, self.settings)  # the same every time
        pn.save(self.arrays, (train_state, self._rows(history)))

    def _rows(self, history: list[Any]) -> Any:
        """One row per epoch of the whole run, so that the shape is known before it is read."""
        rows = np.full((self.epochs, len(pn.EpochRecord._fields)), np.nan)
        rows[: len(history)] = np.reshape(history, (-1, rows.shape[1]))
        return rows


def shown(name: str, value: Any) -> str:
    if name == "text":
        return f"a text with the SHA-256 {str(value)[:12]}…"
    return f"--{name.replace('_', '-')} {value}"


def write_json(path: Path, value: Any) -> None:
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")
    os.replace(unfinished, path)


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is damaged: {error}") from None
