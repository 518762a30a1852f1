"""The networks that write on the playground, from what `examples/language.py` trained.

python -m sitetools.language CHECKPOINT...      with docs/ on the path

Each CHECKPOINT is a folder that one of the commands of `COMMANDS` wrote. What is written:

- `NETWORK.bin`, for each network: its parameters in the order of the layers, each row by row, as
  little-endian float16, nothing between them;
- `manifest.json`: the shapes, the characters, and the loss on all held-out text, measured here on
  the parameters as they were written.
"""

import argparse
import csv
import json
import math
import sys
from pathlib import Path
from typing import Any

import jax
import language
import language_runs
import numpy as np

import purenn as pn
from sitetools import ROOT

ASSETS = ROOT / "docs" / "pages" / "assets" / "language"

# Whether it writes names, rather than a book -> the command that trains the network.
COMMANDS = {
    False: "python examples/language.py --depth 2 --width 64 --length 64 --batch-size 16 "
    "--epochs 16 --steps 500 --seed 0",
    True: "python examples/language.py --names --seed 0",
}
FILES = {False: "moby-dick", True: "names"}
# What the page shows first: from the held-out end of the book, and a held-out name.
OPENINGS = {False: "The ship? Great God, where is the ship?", True: "gabriella"}


def options_of(names: bool) -> Any:
    """The options of a command, complete."""
    words = COMMANDS[names].split()[2:]
    _, bound, _ = language.app.parse_args(words, print_error=False, exit_on_error=False)
    return language.complete(bound.arguments["options"])


def model_of(options: Any, characters: str) -> pn.Layer:
    """The model as the example builds it."""
    return language.build_model(options, len(characters))


def empty(options: Any, characters: str) -> Any:
    """The parameters' shapes, and the state's."""
    model = model_of(options, characters)
    return jax.eval_shape(lambda key: model.init(key, (options.length,)), jax.random.key(0))


def as_bytes(params: Any) -> bytes:
    """The parameters as the browser reads them."""
    leaves = [np.ascontiguousarray(leaf, dtype="<f2") for leaf in jax.tree.leaves(params)]
    return b"".join(leaf.tobytes() for leaf in leaves)


def from_bytes(written: bytes, like: Any) -> Any:
    """The parameters that `as_bytes` wrote, in float32, with the shapes of `like`."""
    leaves, structure = jax.tree.flatten(like)
    sizes = [leaf.size for leaf in leaves]
    if len(written) != 2 * sum(sizes):
        raise ValueError(f"expected {2 * sum(sizes)} bytes, got {len(written)}")
    parts = np.split(np.frombuffer(written, "<f2").astype(np.float32), np.cumsum(sizes)[:-1])
    arrays = [part.reshape(leaf.shape) for part, leaf in zip(parts, leaves, strict=True)]
    return jax.tree.unflatten(structure, arrays)


def matrices(part: Any) -> Any:
    """The shapes of parameters as matrices, `{"wq": [64, 64]}`: heads stand side by side."""
    if not hasattr(part, "_fields"):
        return [matrices(inner) for inner in part]
    return {
        name: as_matrix(name, leaf.shape)
        for name, leaf in zip(part._fields, part, strict=True)
        if leaf is not None
    }


def as_matrix(name: str, shape: tuple[int, ...]) -> list[int]:
    """(features, heads, d) is (features, heads * d), but for `wo`, where heads come first."""
    if len(shape) == 3:
        first = shape[0] * shape[1] if name == "wo" else shape[0]
        return [first, math.prod(shape) // first]
    return [1, *shape] if len(shape) == 1 else list(shape)


def read(folder: Path) -> tuple[bool, str, Any]:
    """Whether it writes names, its characters, and parameters, if `COMMANDS` can have made it."""
    network = language_runs.read_json(folder / "network.json")
    names, characters = network["names"], network["characters"]
    options = options_of(names)
    for name in language.NETWORK:
        if network[name] != getattr(options, name):
            raise ValueError(
                f"{folder}: {name} is {network[name]}, but {COMMANDS[names]!r} has "
                f"{getattr(options, name)}"
            )
    with (folder / "history.csv").open(newline="") as file:
        epochs = len(list(csv.DictReader(file)))
    if epochs != options.epochs:
        raise ValueError(f"{folder}: {epochs} epochs, but {COMMANDS[names]!r} has {options.epochs}")
    params, _ = pn.load(folder / "model.safetensors", like=empty(options, characters))
    return names, characters, params


def describe(names: bool, characters: str, written: bytes) -> dict[str, Any]:
    """What the manifest says of a network."""
    options = options_of(names)
    like, state = empty(options, characters)
    params, model = from_bytes(written, like), model_of(options, characters)
    _, corpus = language.load(options)
    if corpus.vocabulary.characters != characters:
        raise ValueError(f"{options.text} has other characters than the network")
    state = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), state)
    loss, _ = pn.evaluate(
        model, pn.softmax_cross_entropy, params, state, *corpus.held_out, batch_size=64
    )
    return {
        "name": FILES[names],
        "file": f"{FILES[names]}.bin",
        "names": names,
        "opening": OPENINGS[names],
        "characters": characters,
        "depth": options.depth,
        "width": options.width,
        "heads": options.heads,
        "length": options.length,
        "count": len(written) // 2,
        "held_out_loss": loss,
        "bits_per_character": language.bits(loss),
        "command": COMMANDS[names],
        "parameters": matrices(params),
    }


def export(folders: list[Path], target: Path = ASSETS) -> None:
    """Write the networks of some runs, and the manifest."""
    networks = []
    for names, characters, params in sorted(map(read, folders), key=lambda run: run[0]):
        written = as_bytes(params)
        networks.append(describe(names, characters, written))
        (target / networks[-1]["file"]).write_bytes(written)
    manifest = {"networks": networks}
    text = json.dumps(manifest, ensure_ascii=False, separators=(",", ":"))
    (target / "manifest.json").write_text(text + "\n", encoding="utf-8")
    for network in networks:
        bits = network["bits_per_character"]
        print(f"{network['name']}: {bits:.3f} bits per character, {network['command']}")


def main() -> None:
    """Export what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("checkpoint", type=Path, nargs="+", help="a folder of examples/language.py")
    arguments = parser.parse_args()
    try:
        export(arguments.checkpoint)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
