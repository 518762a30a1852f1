"""Kill or suspend one of several processes at random times, and watch how the others end.

    python tests/robustness/lost_processes.py --count 20 --processes 2 --seed 0

`examples/mnist_advanced.py` trains 784-16-10 with batch norm and dropout in several processes on
this machine. Process 0, which the others connect to, or one of the others is sent SIGKILL or
SIGSTOP at a random time. A quarter of the runs get it before the first checkpoint, while they
compile; the rest after it, while they train, validate or write. When the other processes have
ended, the run is resumed with as many processes.

Goal: every other process ends within twice `--patience`, with a nonzero status, and says that a
process was lost. The resumed run ends with the model of a run that was never stopped, bit for bit.
"""

import argparse
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import digits

EXAMPLE = Path(__file__).parents[2] / "examples" / "mnist_advanced.py"
RUN = "--hidden 16 --batch-norm --dropout 0.2 --epochs 5 --batch-size 1000 --holdout 0"
QUIET = "--no-progress --no-pictures --checkpoint-every 0"
PATIENCE = 5
LIMIT = 2 * PATIENCE
LONGEST = 120  # seconds after which a process counts as hanging
BEGUN, TRAINED = "training on", "written to"  # what process 0 prints
# What the example says where a sum over the processes fails, and JAX where a heartbeat is missed.
SAYS_SO = re.compile("perhaps another process has ended|another task died|unhealthy", re.MULTILINE)
KINDS = {
    "kill a worker": signal.SIGKILL,
    "kill process 0": signal.SIGKILL,
    "stop a worker": signal.SIGSTOP,
    "stop process 0": signal.SIGSTOP,
}


class Group:
    """The processes of one run."""

    def __init__(self, count, folder, cache, *more):
        self.folder, options = folder, [*RUN.split(), *QUIET.split(), *more]
        with socket.create_server(("127.0.0.1", 0)) as server:
            place = f"127.0.0.1:{server.getsockname()[1]}"
        command = [sys.executable, EXAMPLE, *options, "--patience", str(PATIENCE)]
        command += ["--output", folder / "run", "--coordinator", place, "--processes", str(count)]
        self.processes = []
        for index in range(count):
            with self.log(index).open("w") as log:
                process = subprocess.Popen(
                    [*map(str, command), "--process", str(index)],
                    env=digits.cached(cache),
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            self.processes.append(process)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for process in self.processes:
            process.kill()  # a suspended one too
            process.wait()

    def log(self, index):
        return self.folder / f"log-{index}"

    @property
    def checkpoints(self):
        return list((self.folder / "run" / "checkpoints").glob("*.safetensors"))

    def wait_for(self, words=None):
        """Wait until process 0 has printed these words or, without words, written a checkpoint."""
        while words not in self.log(0).read_text() if words else not self.checkpoints:
            time.sleep(0.02)
            if any(process.poll() for process in self.processes):
                raise RuntimeError(f"a run ended too early:\n{self.said}")

    @property
    def indices(self):
        return range(len(self.processes))

    @property
    def said(self):
        return "".join(self.log(i).read_text() for i in self.indices)

    def ends(self, indices, since):
        """Return after how many seconds each process ended; None for one that hangs."""
        found, deadline = dict.fromkeys(indices), time.monotonic() + LONGEST
        while None in found.values() and time.monotonic() < deadline:
            for i in indices:
                if found[i] is None and self.processes[i].poll() is not None:
                    found[i] = time.monotonic() - since
            time.sleep(0.01)
        return found


def complete(count, folder, cache, *more):
    """Run to the end; return the model, and the seconds before and after the first checkpoint."""
    folder.mkdir(exist_ok=True)
    with Group(count, folder, cache, *more) as group:
        group.wait_for(BEGUN)
        begun = time.monotonic()
        group.wait_for()
        first = time.monotonic()
        group.wait_for(TRAINED)
        lengths = first - begun, time.monotonic() - first
        group.ends(group.indices, begun)
        if any(process.poll() != 0 for process in group.processes):
            raise RuntimeError(f"a run did not end well:\n{group.said}")
    return (folder / "run" / "model.safetensors").read_bytes(), lengths


def lost(kind, count, folder, cache, lengths, rng):
    """Lose one process of a run. Return None if the run finished before the signal came.

    Otherwise return the number of checkpoints, when the others ended, and complaints.
    """
    victim = 0 if kind.endswith("0") else rng.randrange(1, count)
    complaints = []
    with Group(count, folder, cache) as group:
        later = rng.random() < 0.75
        group.wait_for(None if later else BEGUN)
        time.sleep(rng.uniform(0, lengths[later]))
        others = [i for i in group.indices if i != victim]
        group.processes[victim].send_signal(KINDS[kind])
        ends = group.ends(others, time.monotonic())
        statuses = [group.processes[i].poll() for i in others]
        if all(status == 0 for status in statuses):
            return None
        for i, status in zip(others, statuses, strict=True):
            said = group.log(i).read_text()
            if not status or not SAYS_SO.search(said) or "Traceback" in said:
                complaints.append(f"process {i} ended with {status}:\n{said}")
        return len(group.checkpoints), ends, complaints


def one(kind, number, count, cache, lengths, expected, seed):
    """Lose a process in time, then resume the run to its end."""
    rng = random.Random(f"{seed} {kind} {number}")
    while True:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            came = lost(kind, count, folder, cache, lengths, rng)
            if came is None:
                continue
            kept, ends, complaints = came
            try:
                if complete(count, folder, cache, "--resume")[0] != expected:
                    complaints.append("--resume ended with another model")
            except RuntimeError as error:
                complaints.append(f"--resume: {error}")
            return kept, ends, complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=KINDS, metavar="KIND")
    parser.add_argument("--at-once", type=int, default=1, help="runs side by side")
    chosen = parser.parse_args()
    started, count = time.monotonic(), chosen.processes
    rows, good, latest = [], 0, 0.0
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(chosen.at_once) as pool:
        cache = Path(name) / "cache"
        expected, _ = complete(count, Path(name) / "new", cache)
        warm, lengths = complete(count, Path(name) / "warm", cache)
        if warm != expected:
            raise SystemExit("lost_processes: JAX's cache of compiled programs changes the bits")
        print(
            f"{count} processes; from the beginning to the first checkpoint {lengths[0]:.1f} s, "
            f"from there to the last step {lengths[1]:.1f} s",
            flush=True,
        )
        given = count, cache, lengths, expected, chosen.seed
        for kind in chosen.kinds:
            in_time, right, midway, times = 0, 0, 0, []
            cases = [pool.submit(one, kind, i, *given) for i in range(chosen.count)]
            for kept, ends, complaints in (case.result() for case in cases):
                seconds = [LONGEST if end is None else end for end in ends.values()]
                fast = max(seconds) <= LIMIT
                in_time, right = in_time + fast, right + (not complaints)
                good += fast and not complaints
                midway += kept > 0
                times += seconds
                print(
                    f"  {kind:15} {kept} checkpoints; the others ended after "
                    f" {', '.join(f'{t:.2f}' for t in seconds)} s",
                    *complaints,
                    sep="\n",
                    flush=True,
                )
            latest = max(latest, *times)
            rows.append((kind, in_time, right, midway, statistics.median(times), max(times)))
    late = f"within {LIMIT} s"
    print(f"\n{'':17}{late:21}said so, same bits from midway        median    at most")
    for kind, in_time, right, midway, median, most in rows:
        of = f"of {chosen.count}"
        print(
            f"{kind:15}{in_time:11} {of:8}{right:9} {of:8}{midway:11} {of:8}{median:6.2f} s "
            f"{most:7.2f} s"
        )
    total, took = chosen.count * len(chosen.kinds), time.monotonic() - started
    print(
        f"lost_processes: {good} of {total} with {count} processes: the others ended after "
        f"{latest:.2f} s at most, patience {PATIENCE} s; resumed to the same bits; "
        f"seed {chosen.seed}; {took:.0f} s"
    )
    return 0 if good == total else 1


if __name__ == "__main__":
    sys.exit(main())
