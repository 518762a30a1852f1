"""The networks of the playground, from what `examples/mnist.py` trained, as files for a browser.

python -m sitetools.playground CHECKPOINT...      with docs/ on the path

Each CHECKPOINT is a folder that one of the commands of `COMMANDS` wrote. What is written:

- `NETWORK.bin`, for each network: the parameters of each dense layer in order, w row by row and
  then b, rounded to bfloat16, little-endian, nothing between them;
- `digits.bin`: 20 test images of 28×28, uint8: the first two of each class, in the order of the
  test set;
- `unsure.bin`: in the same way, images that every network hesitates over;
- `manifest.json`: shapes, activations, labels, and the accuracy on all 10,000 test images, measured
  here on the parameters as they were written.
"""

import argparse
import csv
import json
import re
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mnist
import numpy as np
from safetensors import safe_open

import purenn as pn
from sitetools import ROOT

ASSETS = ROOT / "docs" / "pages" / "assets" / "playground"
DATA = ROOT / "examples" / "data" / "mnist"

# Hidden layers -> the command that trains the network: README's row, with its first seed.
COMMANDS = {
    (128,): "python examples/mnist.py --holdout 0 --seed 0",
    (16, 16): "python examples/mnist.py --holdout 0 --hidden 16 16 --batch-size 32 --epochs 20 "
    "--seed 0",
}
DEFAULT_EPOCHS = 10  # of examples/mnist.py
OF_EACH_CLASS = 2
UNSURE = 3  # images that every network hesitates over


def hidden_of(path: Path) -> tuple[int, ...]:
    """The units of the hidden layers, from the shapes in a file of `pn.save`."""
    with safe_open(path, framework="np") as file:
        biases = [name for name in file.keys() if name.endswith(".b")]  # noqa: SIM118, it is not a dict
        biases.sort(key=lambda name: [int(number) for number in re.findall(r"\d+", name)])
        units = [file.get_slice(name).get_shape()[0] for name in biases]
    return tuple(units[:-1])


def model_of(hidden: tuple[int, ...]) -> pn.Layer:
    """The model as the example builds it: rescale, flatten, and dense layers with ReLU between."""
    return mnist.build_model(mnist.Options(hidden=hidden))


def dense_params(params: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """(w, b) of each dense layer; the other layers have no parameters."""
    return [(np.asarray(part.w), np.asarray(part.b)) for part in params if part]


def as_bytes(params: Any) -> bytes:
    """The parameters as the browser reads them."""
    arrays = [array for pair in dense_params(params) for array in pair]
    # Half of float32's bytes, for the first visit; the rounded network is as accurate.
    rounded = [np.ascontiguousarray(array, dtype=jnp.bfloat16) for array in arrays]
    return b"".join(array.view(np.uint16).astype("<u2").tobytes() for array in rounded)


def from_bytes(written: bytes, hidden: tuple[int, ...]) -> Any:
    """The parameters that `as_bytes` wrote, as the model has them."""
    empty, _ = jax.eval_shape(
        lambda key: model_of(hidden).init(key, in_shape=(28, 28)), jax.random.key(0)
    )
    leaves, structure = jax.tree.flatten(empty)
    sizes = [leaf.size for leaf in leaves]
    if len(written) != 2 * sum(sizes):
        raise ValueError(f"expected {2 * sum(sizes)} bytes for {hidden}, got {len(written)}")
    numbers = np.frombuffer(written, "<u2").astype(np.uint16).view(jnp.bfloat16).astype(np.float32)
    parts = np.split(numbers, np.cumsum(sizes)[:-1])
    # A pytree has w before b, as the file has.
    arrays = [part.reshape(leaf.shape) for part, leaf in zip(parts, leaves, strict=True)]
    return jax.tree.unflatten(structure, arrays)


def read(folder: Path) -> tuple[tuple[int, ...], Any]:
    """The hidden layers and the parameters of a run, if one of `COMMANDS` can have made it."""
    path = folder / "model.safetensors"
    hidden = hidden_of(path)
    if hidden not in COMMANDS:
        raise ValueError(f"{path}: hidden layers {hidden}, expected one of {list(COMMANDS)}")
    words = COMMANDS[hidden].split()
    expected = int(words[words.index("--epochs") + 1]) if "--epochs" in words else DEFAULT_EPOCHS
    with (folder / "history.csv").open(newline="") as file:
        epochs = len(list(csv.DictReader(file)))
    if epochs != expected:
        raise ValueError(f"{folder}: {epochs} epochs, but {COMMANDS[hidden]!r} has {expected}")
    like = jax.eval_shape(
        lambda key: model_of(hidden).init(key, in_shape=(28, 28)), jax.random.key(0)
    )
    params, _ = pn.load(path, like=like)
    return hidden, params


def describe(hidden: tuple[int, ...], written: bytes, test: Any) -> dict[str, Any]:
    """What the manifest says of a network."""
    params, model = from_bytes(written, hidden), model_of(hidden)
    state = tuple(() for _ in params)
    loss, accuracy = pn.evaluate(model, pn.softmax_cross_entropy, params, state, *test)
    pairs = dense_params(params)
    name = "-".join(str(n) for n in (784, *hidden, 10))
    return {
        "name": name,
        "file": f"{name}.bin",
        "layers": [
            {
                "w": list(w.shape),
                "b": list(b.shape),
                "activation": "softmax" if i == len(pairs) - 1 else "relu",
            }
            for i, (w, b) in enumerate(pairs)
        ],
        "parameters": sum(w.size + b.size for w, b in pairs),
        "test_images": len(test.y),
        "test_accuracy": accuracy,
        "test_loss": loss,
        "command": COMMANDS[hidden],
    }


def first_of_each_class(labels: np.ndarray) -> list[int]:
    """Where the first images of each class are, in the order of the test set."""
    return sorted(int(i) for c in range(10) for i in np.flatnonzero(labels == c)[:OF_EACH_CLASS])


def least_sure(probabilities: np.ndarray, labels: np.ndarray) -> list[int]:
    """Find the images that every network hesitates over, the least sure first.

    A network hesitates between two digits: together they have 0.95, and the right one leads.
    `probabilities` has the axes network, image, and class.
    """
    second, first = np.moveaxis(np.sort(probabilities, axis=-1)[..., -2:], -1, 0)
    right = probabilities.argmax(-1) == labels
    found = np.flatnonzero((right & (first + second > 0.95)).all(0))
    return [int(i) for i in found[np.argsort(first.max(0)[found])][:UNSURE]]


def probabilities_of(hidden: tuple[int, ...], written: bytes, images: Any) -> np.ndarray:
    """Compute what a network gives each digit in each image."""
    params = from_bytes(written, hidden)
    logits, _ = model_of(hidden).apply(params, tuple(() for _ in params), images)
    return np.asarray(jax.nn.softmax(logits))


def some_digits(file: str, chosen: list[int], test: Any, target: Path) -> dict[str, Any]:
    """Write some test images, and say what the manifest says of them."""
    (target / file).write_bytes(test.x[chosen].tobytes())
    return {"file": file, "indices": chosen, "labels": test.y[chosen].tolist()}


def export(folders: list[Path], target: Path = ASSETS) -> None:
    """Write the networks of some runs, the digits, and the manifest."""
    _, test = pn.load_mnist(DATA)
    networks, answers = [], []
    for hidden, params in map(read, folders):
        written = as_bytes(params)
        networks.append(describe(hidden, written, test))
        answers.append(probabilities_of(hidden, written, test.x))
        (target / networks[-1]["file"]).write_bytes(written)
    digits = some_digits("digits.bin", first_of_each_class(test.y), test, target)
    unsure = some_digits("unsure.bin", least_sure(np.stack(answers), test.y), test, target)
    manifest = {"networks": networks, "digits": digits, "unsure": unsure}
    (target / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    for network in manifest["networks"]:
        accuracy = 100 * network["test_accuracy"]
        print(f"{network['name']}: test accuracy {accuracy:.2f} %, {network['command']}")


def main() -> None:
    """Export what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("checkpoint", type=Path, nargs="+", help="a folder of examples/mnist.py")
    arguments = parser.parse_args()
    try:
        export(arguments.checkpoint)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
