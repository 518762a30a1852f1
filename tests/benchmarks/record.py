"""What is kept of every race: `results.json` in a folder for each kind of processor."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import machine


class Measured(NamedTuple):
    """A row's times, and the run that they come from.

    Attributes:
        machine: what `machine.describe` returned in that run.
        peak: FLOP/s of the fastest large product in that run; None if it is not known.
        raced: by contestant, what `race.race` returned.
        quick: whether the run only showed that everything runs.
        note: what else a reader of the times must know.
    """

    machine: dict[str, str]
    peak: float | None
    raced: dict[str, Any]
    quick: bool = False
    note: str = ""

    @property
    def rounds(self) -> int:
        """Rounds after the warm-up, of the contestant that ran longest."""
        return max((len(ran["works"]) - ran["warm_up"] for ran in self.raced.values()), default=0)


Rows = dict[str, Measured]  # by the name of the row


def keep(root: Path, row: str, measured: Measured) -> None:
    """Replace one row of its kind of processor, and leave the others as they are."""
    path = root / machine.folder(machine.kind(measured.machine)) / "results.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    kept[row] = measured._asdict()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept, indent=1) + "\n")


def read(root: Path) -> dict[str, Rows]:
    """Read what was measured, by kind of processor."""
    results = {}
    for path in sorted(root.glob("*/results.json")):
        rows = {row: Measured(**kept) for row, kept in json.loads(path.read_text()).items()}
        kinds = {machine.kind(measured.machine) for measured in rows.values()}
        folders = {machine.folder(kind) for kind in kinds}
        if folders != {path.parent.name}:
            belong = f"they belong in {' and '.join(sorted(folders))}"
            raise ValueError(f"{path} holds rows of {'; '.join(sorted(kinds))}: {belong}")
        results[min(kinds)] = rows
    return results
