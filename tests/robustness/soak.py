"""A long run: memory, open files, files on disk, threads and compiled programs stay flat.

    python tests/robustness/soak.py --steps 200000

A small network, checkpoints as often as they come, no bar: `--steps` steps with arrays, as many
with a function of the epoch, then `--fits` runs one after the other with the same model in new
folders. At twenty times in each it counts what the process holds.

Goal: each is flat. That is: there are never more files than two checkpoints and the lock; from the
first quarter of these times to the last one, file descriptors, threads and programs do not become
more, and memory (RSS, after a garbage collection) grows by less than 8 MiB, or what the history
takes if that is more: 300 bytes per epoch.
"""

import argparse
import functools
import gc
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

import purenn as pn
from purenn.training import fit as fit_module
from purenn.training.compiled import Spec, compiled, creator

EXAMPLES, BATCH = 1_600, 8  # 200 steps an epoch
MODEL = pn.serial(pn.dense(4), pn.relu, pn.dense(3))
SPEC = Spec(MODEL, pn.softmax_cross_entropy, pn.adam(1e-3), None)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(EXAMPLES, 5)).astype(np.float32)
Y = RNG.integers(0, 3, EXAMPLES).astype(np.int32)
SAMPLES = 20
FILES = 3  # two checkpoints and the lock; fewer before the second, which a slow disk delays
MIB = 2**20
COMPILED = []  # one entry a program that XLA compiled


@functools.cache  # once a process
def count_programs():
    def heard(event, seconds, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            COMPILED.append(seconds)

    jax.monitoring.register_event_duration_secs_listener(heard)


class Held(NamedTuple):
    """What the process holds at one time."""

    steps: int
    rss: float  # MiB
    descriptors: int
    files: int
    threads: int
    python_threads: int
    compiled: int
    programs: int  # in the caches of `fit`'s own


def held(steps, folder):
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    ours = (creator(SPEC), *compiled(SPEC, None, static_length=False))
    return Held(
        steps,
        pages * os.sysconf("SC_PAGE_SIZE") / MIB,
        len(os.listdir("/proc/self/fd")),
        len(list(Path(folder).iterdir())),
        len(os.listdir("/proc/self/task")),
        threading.active_count(),
        len(COMPILED),
        sum(program._cache_size() for program in ours),
    )


def function(epoch):
    order = np.random.default_rng(epoch).permutation(EXAMPLES).reshape(-1, BATCH)
    return ((X[rows], Y[rows]) for rows in order)


def fit(folder, epochs, data, batch_size, **options):
    model, loss, optimizer, *_ = SPEC
    return pn.fit(
        model,
        loss,
        optimizer,
        data,
        epochs=epochs,
        batch_size=batch_size,
        key=jax.random.key(0),
        validation=(X[:500], Y[:500]),
        progress=False,
        checkpoints=folder,
        checkpoint_every=0.0,
        **options,
    )


def one_run(source, steps, folder):
    """What is held at some times in one run, each at the end of an epoch."""
    epochs = steps // (EXAMPLES // BATCH)
    every, samples, number = max(1, epochs // SAMPLES), [], 0
    evaluate = fit_module.evaluate_between

    def scores(*given, **named):
        nonlocal number
        number += 1
        if number % every == 0:
            samples.append(held(number * EXAMPLES // BATCH, folder))
        return evaluate(*given, **named)

    fit_module.evaluate_between = scores
    try:
        data, batch_size = ((X, Y), BATCH) if source == "arrays" else (function, None)
        fit(folder, epochs, data, batch_size)
    finally:
        fit_module.evaluate_between = evaluate
    return samples, epochs


def many_fits(count, folder):
    """What is held after some of many short runs."""
    samples = []
    for number in range(1, count + 1):
        with tempfile.TemporaryDirectory(dir=folder) as one:
            fit(one, 1, (X[:500], Y[:500]), BATCH)
            fit(one, 2, (X[:500], Y[:500]), BATCH, resume=True)
        if number % max(1, count // SAMPLES) == 0:
            samples.append(held(number, folder))
    return samples, 2 * count


def growth(samples, epochs):
    """What has become more since the first quarter, by how much."""
    start, end = samples[len(samples) // 4], samples[-1]
    start = start._replace(files=FILES)
    end = end._replace(files=max(sample.files for sample in samples))
    allowed = {"steps": end.steps, "rss": max(8.0, 300 * epochs / MIB)}
    pairs = zip(Held._fields, start, end, strict=True)
    return {
        name: after - before
        for name, before, after in pairs
        if after - before > allowed.get(name, 0)
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200_000)
    parser.add_argument("--fits", type=int, default=200)
    chosen = parser.parse_args()
    count_programs()
    grew = {}
    for name in ("arrays", "function", "fits"):
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            if name == "fits":
                samples, epochs = many_fits(chosen.fits, folder)
            else:
                samples, epochs = one_run(name, chosen.steps, folder)
        grew[name] = growth(samples, epochs)
        print(
            f"\n{name}, {time.monotonic() - started:.0f} s\n"
            + "".join(f"{n:>15}" for n in Held._fields)
        )
        for sample in samples[:: max(1, len(samples) // 8)]:
            print(
                "".join(
                    f"{number:15.1f}" if isinstance(number, float) else f"{number:15}"
                    for number in sample
                )
            )
        print(f"grew: {grew[name]}" if grew[name] else "flat", flush=True)
    flat = [name for name in grew if not grew[name]]
    print(f"soak: {chosen.steps} steps of each, {2 * chosen.fits} runs: flat: {', '.join(flat)}")
    return 0 if len(flat) == len(grew) else 1


if __name__ == "__main__":
    sys.exit(main())
