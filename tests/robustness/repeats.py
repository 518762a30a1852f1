"""The same run twice: the same bits.

    python tests/robustness/repeats.py --count 20 --seed 0

Half of the repetitions are of the dense network, half of the cnn with its convolutions on several
threads, on MNIST. Each is repeated in a process of its own, with another seed of Python's hashes,
and once more in this process, where the programs are compiled already.

Goal: params, state, optimizer state and history, except for the seconds, are equal bit for bit to
those of the first run, every time.
"""

import argparse
import os
import random
import subprocess
import sys
import time

import digits

RUNS = {"dense": {"epochs": 2}, "cnn": {"epochs": 1, "kept": 1920}}  # 858 and 15 steps


def repeated(model, seed):
    """The run's bits in a process of its own."""
    command = [sys.executable, __file__, "--child", model]
    environment = os.environ | {"PYTHONHASHSEED": str(seed)}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        print(digits.bits(digits.run(chosen.child, **RUNS[chosen.child])))
        return 0
    rng, started, same = random.Random(chosen.seed), time.monotonic(), 0
    firsts = {model: digits.bits(digits.run(model, **RUNS[model])) for model in RUNS}
    for number in range(chosen.count):
        model = list(RUNS)[number % 2]
        here = digits.bits(digits.run(model, **RUNS[model]))
        there = repeated(model, rng.randrange(2**32))
        same += here == there == firsts[model]
        print(f"{model:6}here {here[:8]}  in another process {there[:8]}", flush=True)
    took = time.monotonic() - started
    print(f"repeats: {same} of {chosen.count} the same bits, twice each; {took:.0f} s")
    return 0 if same == chosen.count else 1


if __name__ == "__main__":
    sys.exit(main())
