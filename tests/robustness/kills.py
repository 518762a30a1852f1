"""`kill -9` at random times in a real run, half of them inside a save; then it is resumed.

    python tests/robustness/kills.py --count 50 --seed 0

A run trains 784-128-10 with batch norm and dropout on MNIST, with Adam, cosine decay, shuffle, an
L2 penalty and validation; every third takes its data from a function of the epoch. It is killed,
resumed, killed again, while it resumes too, until it has ended. One half of the kills come from
outside at a random time; the other half from inside (`dying.py`), at a random call of a random
save: before the call, after it, or after half of the bytes. Now and then one bit of the newest
checkpoint is flipped before a run is resumed, so that it falls back to the one before.

Goal: params, state, optimizer state and history, except for the seconds, are bit for bit those of a
run that was never stopped, and a run resumes from the newest checkpoint that is not damaged.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import digits
import dying

EPOCHS = 3
SOURCES = ("arrays", "function", "arrays")
SAVES, CALLS_OF_A_SAVE = 8, 9


def child(chosen):
    """Train; tell the parent when that begins, and what came of it."""
    from purenn.training import batches, checkpoints

    checkpoints.SHARE, batches.CHUNK_SECONDS = 4, 0.1  # many saves, in a short run
    # Only a checkpoint that the parent has damaged may be passed over.
    warnings.simplefilter("ignore" if chosen.damaged else "error", RuntimeWarning)
    resumed = checkpoints.Checkpoints.resumed

    def told(*given, **options):
        now, position = resumed(*given, **options)
        print("from", int(now.train_state.step), flush=True)
        return now, position

    checkpoints.Checkpoints.resumed = told
    if chosen.die:
        at_save, at_call, place = chosen.die
        dying.die(at_save=int(at_save), at_call=int(at_call), place=place)
    result = digits.run(
        "dense",
        EPOCHS,
        source=chosen.source,
        checkpoints=chosen.child or None,
        resume=bool(chosen.child),
        checkpoint_every=0.0,
    )
    print("ended", digits.bits(result), flush=True)


def attempt(cache, source, folder, *, die=(), kill_after=None, damaged=False):
    """A run, or what is left of it: how it ended, where it began, how long it trained."""
    command = [sys.executable, __file__, "--child", str(folder or ""), "--source", source]
    command += ["--die", *map(str, die)] if die else []
    command += ["--damaged"] if damaged else []
    environment = digits.cached(cache) if cache else None
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        words = process.stdout.readline().split()
        begun = time.monotonic()
        first = int(words[1]) if words[:1] == ["from"] else None
        if kill_after is not None:
            try:
                process.wait(kill_after)
            except subprocess.TimeoutExpired:
                process.kill()
        words += process.stdout.read().split()
        status = process.wait()
    if status not in (0, -signal.SIGKILL):
        raise SystemExit(f"kills: {' '.join(command)} ended with {status}")
    came = words[-1] if "ended" in words else "killed"
    return came, first, time.monotonic() - begun


def steps(folder):
    """Of the checkpoints that are there, the newest last."""
    return [int(path.stem.split("-")[1]) for path in sorted(folder.glob("checkpoint-*.safetens*"))]


def damage(folder, rng):
    """Flip one bit of the newest checkpoint; its name, and what is in it now."""
    newest = sorted(folder.glob("checkpoint-*.safetensors"))[-1]
    data = bytearray(newest.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    newest.write_bytes(data)
    return newest, bytes(data)


def killed_run(cache, source, expected, length, rng, wanted):
    """One run in a folder, killed until it has ended or `wanted` is spent: sound, and kills."""
    kills, sound = {"inside": 0, "outside": 0}, True
    with tempfile.TemporaryDirectory() as name:
        folder, spoiled = Path(name) / "checkpoints", None
        while True:
            there = steps(folder)
            # Killed before it was renamed, a damaged one is there still.
            damaged = (
                bool(spoiled) and spoiled[0].exists() and spoiled[0].read_bytes() == spoiled[1]
            )
            if not damaged and len(there) > 1 and rng.random() < 0.2:
                spoiled, damaged = damage(folder, rng), True
            if damaged:
                there.remove(int(spoiled[0].stem.split("-")[1]))
            kinds = [kind for kind in kills if wanted[kind] > kills[kind]]
            kind = rng.choice(kinds) if kinds else None
            die, kill_after = (), None
            if kind == "inside":
                # Some while the run resumes, before it trains.
                save = 0 if rng.random() < (0.5 if damaged else 0.2) else rng.randrange(1, SAVES)
                die = (save, rng.randrange(CALLS_OF_A_SAVE), rng.choice(dying.PLACES))
            elif kind == "outside":
                kill_after = rng.uniform(0, length)
            came, first, _ = attempt(
                cache, source, folder, die=die, kill_after=kill_after, damaged=damaged
            )
            if first is not None and first != (there[-1] if there else 0):
                print(f"resumed from step {first}, but {there} are there")
                sound = False
            if came != "killed":
                break
            kills[kind] += 1
            print(f"  killed {kind} {' '.join(map(str, die)):16} left {steps(folder)}", flush=True)
        left = [path.name for path in folder.iterdir() if path.suffix != ".damaged"]
        tidy = len(steps(folder)) == 2 and len(left) == 3  # the lock, and no .part
    sound = sound and tidy and came == expected
    print(f"run of {source}: {sum(kills.values())} kills, {'same bits' if sound else left}")
    return sound, kills


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", metavar="FOLDER", help=argparse.SUPPRESS)
    parser.add_argument("--source", help=argparse.SUPPRESS)
    parser.add_argument("--die", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--damaged", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child is not None:
        child(chosen)
        return 0
    rng, started = random.Random(chosen.seed), time.monotonic()
    done, good = {"inside": 0, "outside": 0}, 0
    half = chosen.count // 2
    with tempfile.TemporaryDirectory() as cache:
        expected, length = {}, {}
        for source in set(SOURCES):
            expected[source], _, _ = attempt(None, source, None)  # compiled anew
            again, _, _ = attempt(cache, source, None)
            warm, _, length[source] = attempt(cache, source, Path(cache) / source)
            if not expected[source] == again == warm:
                raise SystemExit("kills: JAX's cache of compiled programs changes the bits")
        runs = 0
        while sum(done.values()) < chosen.count:
            wanted = {
                "inside": half - done["inside"],
                "outside": chosen.count - half - done["outside"],
            }
            # A few kills a run, so that there are many runs.
            wanted = {kind: min(number, rng.randint(1, 4)) for kind, number in wanted.items()}
            source = SOURCES[runs % len(SOURCES)]
            sound, kills = killed_run(cache, source, expected[source], length[source], rng, wanted)
            runs += 1
            good += sum(kills.values()) * sound
            for kind, number in kills.items():
                done[kind] += number
    took = time.monotonic() - started
    print(
        f"kills: {good} of {chosen.count} resumed to the same bits; {done['inside']} inside a "
        f"save; {runs} runs; seed {chosen.seed}; {took:.0f} s"
    )
    return 0 if good == chosen.count else 1


if __name__ == "__main__":
    sys.exit(main())
