"""Each system call of a save made to fail by strace: the old file loads, or the new one.

    python tests/robustness/faults.py

A process saves over an older file. strace lists its system calls from the creation of the
temporary file to the sync of the folder; then the save runs again for each of them and each
error, and is killed at each of them. Besides, a true limit on the size of a file stops one in
the middle. It takes Linux and strace; `tests/test_save.py` does the same inside one process.
"""

import argparse
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import purenn as pn

OLD, NEW = {"w": np.zeros(50_000)}, {"w": np.ones(50_000)}
CALLS = "openat,write,fsync,close,rename,unlink"
ERRORS = {"write": ("ENOSPC", "EIO", "EDQUOT"), "openat": ("ENOSPC", "EACCES", "EMFILE")}


def save_new(path):
    """What the traced process does."""
    try:
        pn.save(path, NEW)
    except OSError as error:
        print(error)
        return 1
    return 0


def traced(path, *options):
    """The save under strace: its exit status, what it printed, and its calls in the order made."""
    log, command = path.with_name("log"), [sys.executable, __file__, "--save", path]
    done = subprocess.run(
        # The calls of the main thread alone.
        ["strace", "-o", log, "-e", f"trace={CALLS}", *options, *command],
        capture_output=True,
        text=True,
        check=False,
    )
    return done, log.read_text().splitlines()


def calls_of_a_save(path):
    """Each call between opening the temporary file and the last, and its number of its name."""
    done, lines = traced(path)
    assert done.returncode == 0, done.stderr
    counts, found, inside = {}, [], False
    for line in lines:
        name = line.split("(")[0]
        counts[name] = counts.get(name, 0) + 1
        inside = inside or (name == "openat" and ".part" in line)
        if inside:
            found.append((name, counts[name]))
            if name == "close" and [call for call, _ in found].count("fsync") == 2:
                return found
    raise AssertionError(f"no save in {lines}")


def what_loads(path):
    loaded = pn.load(path, OLD)["w"]
    return {0.0: "old", 1.0: "new"}[float(loaded.min())] if np.ptp(loaded) == 0 else "neither"


def attempt(path, name, number, fault, expected):
    """One save with one fault; a line for the table, and whether all is as it should be."""
    for file in path.parent.iterdir():
        file.unlink()
    pn.save(path, OLD)
    done, _ = traced(path, "-e", f"inject={name}:{fault}:when={number}")
    loads = what_loads(path)
    left = [file.name for file in path.parent.iterdir() if file.name.endswith(".part")]
    killed = fault.startswith("signal")
    sound = loads == expected and done.returncode != 0 and (killed or not left)
    sound = sound and (killed or done.stdout.startswith(f"save: {path}: "))
    said = "killed" if killed else done.stdout.strip().removeprefix(f"save: {path}: ")
    print(f"{name:8}{fault.split('=')[1]:8}{loads:6}{len(left)} left   {said}", flush=True)
    return sound


def limited(path):
    """The save under a limit on the size of a file: a write comes back short, the next fails."""
    for file in path.parent.iterdir():
        file.unlink()
    pn.save(path, OLD)

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))

    command = [sys.executable, __file__, "--save", path]
    done = subprocess.run(command, preexec_fn=limit, capture_output=True, text=True, check=False)
    loads, left = what_loads(path), len(list(path.parent.iterdir())) - 1
    said = done.stdout.strip().removeprefix(f"save: {path}: ")
    print(f"limit   EFBIG   {loads:6}{left} left   {said}")
    return loads == "old" and said == "File too large" and not left


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--save", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.save:
        return save_new(chosen.save)
    if not shutil.which("strace"):
        print("faults: strace is not installed")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tree"
        pn.save(path, OLD)
        print("call    fault   loads part     what save said")
        sound = [limited(path)]
        pn.save(path, OLD)
        expected = "old"
        for name, number in calls_of_a_save(path):
            errors = [f"error={error}" for error in ERRORS.get(name, ("EIO", "ENOSPC"))]
            for fault in (*errors, "signal=KILL"):
                sound.append(attempt(path, name, number, fault, expected))
            expected = "new" if name == "rename" else expected
    print(f"faults: the old file loads, after the renaming the new: {sum(sound)} of {len(sound)}")
    return 0 if all(sound) else 1


if __name__ == "__main__":
    sys.exit(main())
