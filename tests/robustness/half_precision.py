"""The accuracy of the MNIST networks in half precision, against float32's from the same seeds.

    python tests/robustness/half_precision.py --seeds 5
    python tests/robustness/half_precision.py --models cnn --epochs 3 --seeds 2

The parameters are float32 in all of them. The last 10,000 training images are held out: what is
to be chosen, such as the precision of the last layer, is chosen by them. Each run reads the test
set once. The goal is an accuracy within 0.2 points of float32's.
"""

import argparse
import math
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import purenn as pn

DATA = Path(__file__).parents[2] / "examples" / "data" / "mnist"
KEPT = 50_000
NETWORKS = {"784-128-10": (128,), "784-16-16-10": (16, 16), "cnn": (128,)}  # hidden layers
PRECISIONS = (
    "float32",
    "bfloat16",
    "float16",
    "bfloat16, last layer float32",
    "float16, last layer float32",
)


def network(name, precision):
    """Its parameters and keys have the same places in every precision, so a seed means the same."""
    layers = [pn.rescale()]
    if name == "cnn":
        for features in (32, 64):
            layers += [pn.conv2d(features), pn.relu, pn.max_pool()]
    layers.append(pn.flatten())
    for units in NETWORKS[name]:
        layers += [pn.dense(units), pn.relu]
    body, last = pn.serial(*layers), pn.dense(10)
    dtype, *last_wide = precision.split(", ")
    if dtype != "float32":
        body = pn.mixed_precision(body, dtype)
        last = last if last_wide else pn.mixed_precision(last, dtype)
    return pn.serial(body, last)


def measured(name, precision, train, others, *, epochs, seed):
    """Accuracy in percent on each of `others` after training, and the milliseconds of a step."""
    model = network(name, precision)
    (x, y), *others = [(x[..., None] if name == "cnn" else x, y) for x, y in (train, *others)]
    batch_size = 32 if name == "784-16-16-10" else 128
    steps = epochs * (len(x) // batch_size)
    optimizer, loss = pn.adam(pn.cosine_decay(3e-3, steps)), pn.softmax_cross_entropy
    run = pn.training_run(model, loss, optimizer, epochs=epochs, batch_size=batch_size)
    given = jax.random.key(seed), jnp.asarray(x), jnp.asarray(y)
    run = jax.jit(run).lower(*given).compile()
    start = time.perf_counter()
    trained, _ = jax.block_until_ready(run(*given))
    milliseconds = 1e3 * (time.perf_counter() - start) / steps
    accuracies = [
        100 * pn.evaluate(model, loss, trained.params, trained.state, *other)[1] for other in others
    ]
    return *accuracies, milliseconds


def main():
    """Print a line for each network and precision."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", nargs="+", choices=NETWORKS, default=["784-128-10"])
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin no seed after these")
    asked = parser.parse_args()
    (x, y), test = pn.load_mnist(DATA)
    train, held_out = (x[:KEPT], y[:KEPT]), (x[KEPT:], y[KEPT:])
    end = time.monotonic() + asked.seconds

    print(f"jax {jax.__version__}, {jax.devices()[0]}, {asked.epochs} epochs, {asked.seeds} seeds.")
    print(f"Mean accuracy in % (difference to {asked.precisions[0]}), ± its deviation over seeds.")
    for name in asked.models:
        runs = []
        for seed in range(asked.seeds):  # every precision of a seed, or none
            if time.monotonic() < end:
                runs.append(
                    [
                        measured(name, p, train, (held_out, test), epochs=asked.epochs, seed=seed)
                        for p in asked.precisions
                    ]
                )
        if not runs:
            print(f"{name}: no time left")
            continue
        mean, spread, least = (f(np.array(runs), axis=0) for f in (np.mean, np.std, np.min))
        for i, precision in enumerate(asked.precisions):
            sets = (
                f"{words} {mean[i, j]:.2f} ({mean[i, j] - mean[0, j]:+.2f}) ± {spread[i, j]:.2f}"
                for j, words in enumerate(("held out", "test"))
            )
            print(f"{name:13} {precision:28}", *sets, f"{least[i, 2]:.3f} ms a step", sep="  ")
        print(f"{name}: {len(runs)} seeds", flush=True)


if __name__ == "__main__":
    main()
