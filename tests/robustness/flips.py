"""Each single bit of a checkpoint flipped, one after the other: `load` notices every one.

    python tests/robustness/flips.py --hidden 2 --seconds 600

The checkpoint is the `TrainState` of a network that was trained on MNIST with Adam.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import jax

import purenn as pn
from purenn.storage import tree_file
from purenn.storage.errors import Damaged

MNIST = Path(__file__).parents[2] / "examples" / "data" / "mnist"


def trained(hidden):
    (x, targets), _ = pn.load_mnist(MNIST)
    model = pn.serial(pn.rescale(), pn.flatten(), pn.mlp((hidden,), 10))
    run = pn.training_run(model, pn.softmax_cross_entropy, pn.adam(1e-3), epochs=1, batch_size=100)
    train_state, _ = jax.jit(run)(jax.random.key(0), x[:10_000], targets[:10_000])
    return train_state


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden", type=int, default=2, help="units of the hidden layer")
    parser.add_argument("--seconds", type=float, default=600)
    chosen = parser.parse_args()
    tree = trained(chosen.hidden)
    noticed = tried = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trained.safetensors"
        pn.save(path, tree)
        data, started = path.read_bytes(), time.monotonic()
        with path.open("r+b", buffering=0) as file:
            for bit in range(8 * len(data)):
                if time.monotonic() - started > chosen.seconds:
                    break
                byte = data[bit // 8]
                os.pwrite(file.fileno(), bytes([byte ^ 1 << bit % 8]), bit // 8)
                tried += 1
                try:
                    tree_file.read("load", path, tree)
                except Damaged:
                    noticed += 1
                os.pwrite(file.fileno(), bytes([byte]), bit // 8)
        pn.load(path, tree)
    took = time.monotonic() - started
    print(f"flips: {noticed} of {tried} noticed; the file has {8 * len(data)} bits; {took:.0f} s")
    return 0 if noticed == tried == 8 * len(data) else 1


if __name__ == "__main__":
    sys.exit(main())
