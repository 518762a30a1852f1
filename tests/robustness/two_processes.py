"""Two processes that share one folder of checkpoints: the second is rejected, the first continues.

    python tests/robustness/two_processes.py --count 5

A first process trains; in the middle of its run a second one calls `fit` with the same folder. It
must be rejected, and the first end with the bits of a run that was left alone. Then the same again,
but the first is killed with `kill -9` inside a save: the second, rejected before, then resumes the
run to the same bits. Goal: all of them. Also printed: the seconds from the second's call of `fit`
until it raises.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import numpy as np

import purenn as pn

STEPS, BATCH, EPOCHS = 4, 8, 3
MODEL = pn.serial(pn.dense(4), pn.relu, pn.dense(3))
ADAM = pn.adam(pn.cosine_decay(0.01, EPOCHS * STEPS))


def batches(epoch):
    rng = np.random.default_rng(epoch)
    for _ in range(STEPS):
        x = rng.normal(size=(BATCH, 5)).astype(np.float32)
        yield x, (x[:, 0] > 0).astype(np.int32)


def run(folder=None, data=batches):
    return pn.fit(
        MODEL,
        pn.softmax_cross_entropy,
        ADAM,
        data,
        epochs=EPOCHS,
        key=jax.random.key(0),
        progress=False,
        checkpoints=folder,
        resume=folder is not None,
        checkpoint_every=0.0,
    )


def first(folder, *, killed):
    """The first process: it waits in its second epoch for a line, then continues or is killed."""
    import digits
    import dying

    def held(epoch):
        if epoch == 1:
            print("holds", flush=True)
            sys.stdin.readline()
        yield from batches(epoch)

    if killed:  # at the writing of the second checkpoint, which is the one after the wait
        dying.die(at_save=2, at_call=1, place="half")
    print(digits.bits(run(folder, held)))


def started(folder, *, killed):
    """The first process, once it holds the folder."""
    command = [sys.executable, __file__, "--first", str(folder), *(["--killed"] if killed else [])]
    pipe, path = subprocess.PIPE, {"PYTHONPATH": os.pathsep.join(sys.path)}  # as it is here
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=os.environ | path)
    assert process.stdout.readline() == "holds\n"
    return process


def rejected(folder):
    """What the second is told, and after how many seconds."""
    begun = time.perf_counter()
    try:
        run(folder)
    except ValueError as error:
        return str(error), time.perf_counter() - begun
    return "nothing", time.perf_counter() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--first", help=argparse.SUPPRESS)
    parser.add_argument("--second", help=argparse.SUPPRESS)
    parser.add_argument("--killed", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.first:
        first(chosen.first, killed=chosen.killed)
        return 0
    if chosen.second:
        print(*rejected(chosen.second), sep="\n")
        return 0
    import digits

    expected, good, waits = digits.bits(run()), 0, []
    for number in range(2 * chosen.count):
        killed = number % 2 == 1
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "checkpoints"
            process = started(folder, killed=killed)
            second = [sys.executable, __file__, "--second", str(folder)]
            said = subprocess.run(second, capture_output=True, text=True, check=True).stdout
            message, seconds = said.splitlines()
            waits.append(float(seconds))
            came = process.communicate("\n")[0].strip()
            sound = f"another run is writing to {folder};" in message
            if killed:
                sound &= process.returncode == -signal.SIGKILL and len([*folder.glob(".*.part")])
                came = digits.bits(run(folder))
            good += bool(sound) and came == expected
    print(message.replace(str(folder), "FOLDER"))
    waits.sort()
    print(f"rejected after {waits[len(waits) // 2]:.2f} s at the median, {waits[-1]:.2f} s at most")
    print(f"two_processes: {good} of {2 * chosen.count} rejected, the first or the next at its end")
    return 0 if good == 2 * chosen.count else 1


if __name__ == "__main__":
    sys.exit(main())
