"""Mutated files of `save`: each loads as the original, bit for bit, or is rejected in words.

    python tests/robustness/checkpoint_mutations.py --count 1000000 --seed 0 --seconds 600

Half of them are changed as bytes, half as the JSON of the header, its tree and its notes; of
those most get their digests made right again, as a forger would. No two arrays of the file have
the same size: where they had, a forger could swap them, as well as write other numbers.
"""

import argparse
import contextlib
import copy
import hashlib
import json
import os
import random
import re
import resource
import signal
import struct
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from purenn.core.keys import is_key
from purenn.storage import tree_file

LIMIT = 2**28  # bytes of address space beyond what the process has before the first load

TREE = {
    "params": [(np.arange(3, dtype=np.float32), ()), jnp.full((2, 3), jnp.nan, jnp.bfloat16)],
    "key": jax.random.key(3),
    "mask": np.array([True, False, True]),
    "none": np.zeros((0, 3), np.int8),
    "step": 7,
}
NOTES = {"epoch": "2", "words": "naïve \u2028"}

LITERALS = {  # what json.dumps would not write
    "@nan": "NaN",
    "@infinity": "-Infinity",
    "@long": "1" * 5000,
    "@deep": "[" * 50_000,
    "@closed": '{"a":' * 3000 + "1" + "}" * 3000,
    "@surrogate": '"\\ud800"',
    "@exponent": "1e999",
    "@twice": '{"dtype":"U8","dtype":"U8","shape":[],"data_offsets":[0,1]}',
}
# fmt: off
VALUES = (
    *LITERALS, None, True, False, 0, 1, -1, 2, 3, 8, 12, 2**31, 2**63, 2**64, 2**70, 0.0, 1.5,
    "", "1", "2", "F32", "F64", "I64", "BF16", "F16", "U32", "BOOL", "F4", "f32",
    "../../etc/passwd", "\0", "\x1b[2J", "value", "__metadata__", "float32 (3,)", "float32 (4,)",
    "key rbg ()", "rbg", "empty", [], {}, [0], [3], [2, 3], [3, 2], [-1], [2**62, 4], [0, 2**64],
    [12, 0], [0, 0, 0], [[]], [True], [3.0], {"dtype": "F32"},
    {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]},
)
# fmt: on


def sealed(header: bytes, payload: bytes) -> bytes:
    """A file whose length and digests are right, if they can be, written from nothing of purenn."""
    found = re.search(rb'"purenn":("(?:[^"\\]|\\.)*")', header)
    with contextlib.suppress(ValueError, TypeError, LookupError, RecursionError, AttributeError):
        arrays, metadata = json.loads(header), json.loads(json.loads(found[1]))
        spans = [arrays[name]["data_offsets"] for name in metadata["tree"] if name in arrays]
        data = b"".join(payload[first:last] for first, last in spans)
        metadata["arrays"] = hashlib.sha256(data).hexdigest()
        metadata.pop("sha256", None)
        metadata["sha256"] = hashlib.sha256(json.dumps(metadata).encode()).hexdigest()
        header = header.replace(found[1], json.dumps(json.dumps(metadata)).encode(), 1)
    return struct.pack("<Q", len(header)) + header + payload


def parts(data):
    end = 8 + struct.unpack("<Q", data[:8])[0]
    return data[8:end], data[end:]


def changed_bytes(rng, data):
    """Bits flipped, bytes inserted, deleted, repeated, exchanged or cut off."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
        short = min(b, a + rng.choice((1, 1, 8, 64)))
        match rng.randrange(8):
            case 0 | 1:
                data[a % len(data)] ^= 1 << rng.randrange(8)
            case 2:
                data[a:a] = rng.choice((b"\0", b"\xff", b'"', b",", b"}", b"\xed\xa0\x80", b"9"))
            case 3:
                data[a:short] = b""
            case 4:
                data[a:a] = data[a:short]
            case 5:
                data[a:short], data[b : b + short - a] = data[b : b + short - a], data[a:short]
            case 6:
                data[a:short] = rng.randbytes(short - a)
            case 7:
                data[min(a, 8) : short] = rng.choice((b"", bytes(short - min(a, 8))))
        data = data or bytearray(1)
    return bytes(data)


def objects(value):
    """Every object and list in a JSON value."""
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from objects(inner)


def change(rng, value):
    """One change somewhere in a JSON value, in place."""
    place = rng.choice(list(objects(value)))
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    if not keys:
        return
    key, other = rng.choice(keys), rng.choice(keys)
    match rng.randrange(6):
        case 0 | 1:
            place[key] = copy.deepcopy(rng.choice(VALUES))
        case 2:
            del place[key]
        case 3:
            place[key], place[other] = place[other], place[key]
        case 4 if isinstance(place, dict):
            place[rng.choice((str(rng.choice(VALUES)), f"{key}x", str(other)))] = place.pop(key)
        case 5 if isinstance(place[key], int):
            place[key] += rng.choice((-1, 1, 8, 2**32, -(2**40)))


def changed_json(rng, header):
    """The header with changes in itself, its metadata, its tree or its notes, or a name twice."""
    value = json.loads(header)
    metadata = json.loads(value["__metadata__"]["purenn"])
    part = rng.choice(("header", "header", "metadata", "tree", "notes"))
    inner = {"header": value, "metadata": metadata}.get(part, metadata.get(part))
    for _ in range(rng.choice((1, 1, 2, 4))):
        change(rng, inner)
    if part != "header":
        value["__metadata__"]["purenn"] = text_of(metadata)
    text = text_of(value)
    if rng.random() < 0.1:  # one entry again
        entry = rng.choice(re.findall(r'"[^"]+":(?:\{[^{}]*\}|"[^"]*")', text) or ['"a":1'])
        text = rng.choice((f"{{{entry},{text[1:]}", f"{text[:-1]},{entry}}}"))
    if rng.random() < 0.1:
        text += rng.choice((" ", "\n", "\0", "{}", " " * 5000))
    return text.encode(errors="surrogatepass")


def text_of(value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for name, literal in LITERALS.items():
        text = text.replace(f'"{name}"', literal)
    return text


def mutant(rng, data):
    """One changed file."""
    header, payload = parts(data)
    match rng.randrange(6):
        case 0 | 1:
            return changed_bytes(rng, data)
        case 2:
            return sealed(changed_bytes(rng, header), payload)
        case 3 | 4:
            return sealed(changed_json(rng, header), payload)
        case _:
            length = struct.pack("<Q", rng.choice((0, 1, 2**31, 2**63, len(header) - 1)))
            changed = changed_json(rng, header)
            return rng.choice((length + data[8:], data[:8] + changed + payload))


def raw(leaf):
    """A leaf in bytes, with all that makes it what it is."""
    if is_key(leaf):
        return ("key", jax.random.key_impl(leaf), *raw(jax.random.key_data(leaf)))
    kind = jax.Array if isinstance(leaf, jax.Array) else type(leaf)
    leaf = np.asarray(leaf)
    return kind, leaf.dtype.name, leaf.shape, leaf.tobytes()


def same(tree, other):
    """Whether two trees are equal in structure, kinds, dtypes, shapes and every bit."""
    if jax.tree.structure(tree) != jax.tree.structure(other):
        return False
    return all(raw(a) == raw(b) for a, b in zip(*map(jax.tree.leaves, (tree, other)), strict=True))


def verdict(path, like=TREE):
    """`same`, or the kind of error that rejects the file; anything else is raised."""
    try:
        tree, _ = tree_file.read("load", path, like)
    except ValueError as error:
        assert str(error).startswith(f"load: {path}: "), repr(error)
        return type(error).__name__
    assert same(tree, like), "other numbers than were saved"
    return "same"


def try_all(path, count, seed, seconds=float("inf"), patience=0):
    """Load `count` mutants of a file; what became of them, and how many were tried."""
    tree_file.write("save", path, TREE, NOTES)
    data, rng, found = path.read_bytes(), random.Random(seed), Counter()
    assert verdict(path) == "same"
    until = time.monotonic() + seconds
    with path.open("r+b", buffering=0) as file:  # to make a file anew takes longer than to load it
        for number in range(count):
            if time.monotonic() > until:
                break
            changed = mutant(rng, data)
            os.pwrite(file.fileno(), changed, 0)
            file.truncate(len(changed))
            signal.setitimer(signal.ITIMER_REAL, patience)  # what hangs is killed; 0 is forever
            try:
                found["untouched" if changed == data else verdict(path)] += 1
            except BaseException as error:
                error.add_note(f"seed {seed}, mutant {number}: {changed[:2000]!r}")
                raise
    signal.setitimer(signal.ITIMER_REAL, 0)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=600)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tree.safetensors"
        try_all(path, 100, chosen.seed)  # whatever is loaded or compiled once
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (mapped + LIMIT, mapped + LIMIT))
        started = time.monotonic()
        found = try_all(path, chosen.count, chosen.seed, chosen.seconds, patience=10)
    took = time.monotonic() - started
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**10
    print(f"checkpoint: {found.total()} mutants, seed {chosen.seed}, {took:.0f} s: {dict(found)}")
    print(f"no other error, none hung; the process grew by {grown:.0f} MiB at most")
    return 0 if found.total() == chosen.count else 1


if __name__ == "__main__":
    sys.exit(main())
