"""A race: contestants in processes of their own, one at work at a time, turn about."""

import json
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from row import Contestant, Row

HERE = Path(__file__).parent
NOISE = ("For simplicity, JAX has removed", "-----")  # the last lines of JAX's own errors


class Racer:
    """A contestant's process, from outside."""

    def __init__(self, contestant: Contestant, row: Row) -> None:
        self.contestant = contestant
        self.works: list[dict[str, Any]] = []  # the warm-up's too: their losses are compared
        self.failure = ""
        task = json.dumps(contestant.of(row.task)._asdict())
        command = [sys.executable, "worker.py", contestant.module, contestant.function, task]
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            command,
            cwd=HERE,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
        )
        self._answer()

    def work(self) -> None:
        """One piece of work; a process that died is asked no more."""
        if self.failure:
            return
        with suppress(BrokenPipeError):  # it has died: the answer says why
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        if (answer := self._answer()) is not None:
            self.works.append(answer)

    def _answer(self) -> Any:
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().splitlines()
        said = [line for line in lines if line.strip() and not line.startswith(NOISE)]
        self.failure = said[-1].strip() if said else f"exit status {self.process.returncode}"
        return None

    def end(self) -> None:
        """Close its input, at which it ends."""
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def race(row: Row, rounds: int, warm_up: int) -> dict[str, Any]:
    """Run a row: warm up one after another, then round after round, each beginning one later."""
    racers: list[Racer] = []
    try:
        for contestant in row.contestants:
            racers.append(Racer(contestant, row))
            for _ in range(warm_up):
                racers[-1].work()
            print(f"{row.name}: {contestant.name} {racers[-1].failure or 'is warm'}", flush=True)
        for r in range(rounds):
            first = r % len(racers)
            for racer in racers[first:] + racers[:first]:
                racer.work()
            print(f"{row.name}: round {r + 1} of {rounds}", flush=True)
    finally:
        for racer in racers:
            racer.end()
    return {
        racer.contestant.name: {"failure": racer.failure, "warm_up": warm_up, "works": racer.works}
        for racer in racers
    }
