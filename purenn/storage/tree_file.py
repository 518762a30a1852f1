"""The file format of `save`: safetensors with metadata that describes the tree and two digests.

The metadata has one entry, `purenn`, which is a JSON object:

    version       of this format, 2
    tree          {"params[0].w": "float32 (784, 128)", "params[1]": "empty", …}
    default_prng  JAX's default implementation of PRNG keys, which raw uint32 keys belong to
    notes         strings of the caller's
    arrays        SHA-256 of the bytes of all arrays, in the order of the tree
    sha256        SHA-256 of the JSON of all entries above

A header is therefore verified before anything else is read. A file contains no paths, no code, and
no names to look up. Only the data that `like` asks for, and a header of limited size, are read.
"""

import hashlib
import importlib
import json
import math
import os
import stat
from collections.abc import Iterable
from typing import Any

import jax
import numpy as np

from purenn.core.keys import default_prng, is_key
from purenn.core.paths import local_path
from purenn.storage.atomic import write_atomically
from purenn.storage.errors import Damaged, OtherTree, shown
from purenn.storage.leaves import (
    CODES,
    Leaf,
    check_representable,
    from_host,
    leaves_of,
    to_host,
)

_VERSION = 2
_LONGEST_HEADER = 2**24  # the limit for a header from an untrusted file


def write(where: str, path: str | os.PathLike[str], tree: Any, notes: dict[str, str]) -> None:
    """Write a tree and notes; see `save`. Every message begins with `where`."""
    library = _library(where)
    path = local_path(where, "path", path)
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"{where}: {path}: the folder {folder} does not exist")
    if os.path.exists(path) and not os.path.isfile(path):
        raise ValueError(f"{where}: {path}: expected the name of a file, got a folder or device")
    leaves = leaves_of(where, "tree", tree)
    arrays = {leaf.name: to_host(where, leaf) for leaf in leaves if leaf.dtype is not None}
    metadata = {
        "version": _VERSION,
        "tree": {leaf.name: leaf.text for leaf in leaves},
        "default_prng": default_prng(),
        "notes": notes,
        "arrays": _digest(array.reshape(-1).view(np.uint8) for array in arrays.values()),
    }
    try:
        data = library.numpy.save(arrays, {"purenn": _sealed(metadata)})
    except library.SafetensorError as error:  # an older version lacks some float8
        version = library.__version__
        raise TypeError(f"{where}: tree: rejected by safetensors {version}: {error}") from error
    length = int.from_bytes(data[:8], "little")
    if length > _LONGEST_HEADER:
        raise ValueError(
            f"{where}: the names and notes of tree take {length} bytes, expected at most "
            f"{_LONGEST_HEADER}"
        )
    try:
        write_atomically(path, data)
    except OSError as error:
        raise _worded(f"{where}: {path}", error) from error


def read(where: str, path: str | os.PathLike[str], like: Any) -> tuple[Any, dict[str, str]]:
    """Read the tree and the notes; see `load`. Every message begins with `where`.

    Raises:
        Damaged: if the file is incomplete or corrupt, or `save` did not write it.
        OtherTree: if its header is intact and describes a tree that differs from `like`.
    """
    library = _library(where)
    path = local_path(where, "path", path)
    place = f"{where}: {path}"
    leaves = leaves_of(where, "like", like)
    arrays = [leaf for leaf in leaves if leaf.dtype is not None]
    for leaf in arrays:
        check_representable(where, leaf)
    try:
        metadata, data = _read_verified(place, path, leaves)
    except OSError as error:
        raise _worded(place, error) from error
    try:
        stored = dict(library.deserialize(data))
    except library.SafetensorError as error:
        raise Damaged(f"{place}: expected valid safetensors, got {shown(str(error))}") from None
    del data  # deserialize copied it
    _check_arrays(place, stored, arrays, metadata["arrays"])
    made = [from_host(leaf, stored.pop(leaf.name)["data"]) for leaf in arrays]
    return jax.tree.unflatten(jax.tree.structure(like), made), metadata["notes"]


def _read_verified(place: str, path: str, leaves: list[Leaf]) -> tuple[dict[str, Any], bytes]:
    """Verify the header, and read exactly the data that `like` needs."""

    def opener(path: str, flags: int) -> int:
        return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # do not wait for a pipe

    with open(path, "rb", opener=opener) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Damaged(f"{place}: expected a file, got a pipe or device")
        length = int.from_bytes(file.read(8), "little")
        if length > _LONGEST_HEADER:
            raise Damaged(
                f"{place}: expected a header of at most {_LONGEST_HEADER} bytes, got {length}"
            )
        metadata = _verified_metadata(place, file.read(length))
        _check_tree(place, metadata, leaves)
        _check_default_prng(place, metadata["default_prng"], leaves)
        wanted = 8 + length + sum(map(_bytes, leaves))
        if status.st_size != wanted:
            raise Damaged(f"{place}: expected {wanted} bytes, got {status.st_size}")
        file.seek(0)
        return metadata, file.read(wanted)


def _sealed(metadata: dict[str, Any]) -> str:
    """Return the JSON of the metadata, with its own digest as the last entry."""
    digest = _digest([json.dumps(metadata).encode()])
    return json.dumps({**metadata, "sha256": digest})


def _digest(parts: Iterable[Any]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _verified_metadata(place: str, header: bytes) -> dict[str, Any]:
    """Return the metadata of a file after verifying its digest and its version."""
    try:
        # Not json.loads(header), which would guess at UTF-16 too.
        text = json.loads(header.decode())["__metadata__"]["purenn"]
        metadata = json.loads(text)
        old = text == "1"
        intact = old or text == _sealed({k: v for k, v in metadata.items() if k != "sha256"})
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise Damaged(f"{place}: expected a file that save wrote") from None
    if not intact:
        raise Damaged(f"{place}: its header does not match its SHA-256")
    version = 1 if old else metadata.get("version")
    if version != _VERSION:
        raise ValueError(
            f"{place}: expected version {_VERSION} of the format, got version "
            f"{shown(str(version))}, of another release of purenn"
        )
    tree, notes = metadata.get("tree"), metadata.get("notes")
    texts = [metadata.get("default_prng"), metadata.get("arrays")]
    texts += [*tree.values(), *notes.values()] if type(tree) is type(notes) is dict else [None]
    if {*map(type, texts)} != {str}:
        raise Damaged(f"{place}: expected a file that save wrote")
    return metadata


def _check_tree(place: str, metadata: dict[str, Any], leaves: list[Leaf]) -> None:
    """Reject a different tree, with the names of the first differences."""
    file, like = metadata["tree"], {leaf.name: leaf.text for leaf in leaves}
    differences = [
        f"{shown(name)} is {shown(file[name])} in the file and {like[name]} in like"
        if name in file and name in like
        else f"{shown(name)} ({shown((file | like)[name])}) is in "
        + ("the file and not in like" if name in file else "like and not in the file")
        for name in like | file
        if like.get(name) != file.get(name)
    ]
    if differences:
        more = f"; and {len(differences) - 3} more" if len(differences) > 3 else ""
        raise OtherTree(f"{place}: {'; '.join(differences[:3])}{more}", metadata["notes"])


def _check_default_prng(place: str, saved: str, leaves: list[Leaf]) -> None:
    """Reject leaves that may be raw keys if the default PRNG implementation differs."""
    now = default_prng()
    for leaf in leaves:
        raw_key = leaf.dtype == np.uint32 and leaf.shape[-1:] in ((2,), (4,))
        if saved != now and raw_key and not is_key(leaf.value):
            raise ValueError(
                f"{place}: {leaf.name} may be a raw PRNG key, saved when the default was "
                f"{shown(saved)}; now jax_default_prng_impl is {now}"
            )


def _check_arrays(place: str, stored: dict[str, Any], arrays: list[Leaf], digest: str) -> None:
    """Check the arrays of a file against its tree and its digest."""
    held = {name: (info["dtype"], tuple(info["shape"])) for name, info in stored.items()}
    if held != {leaf.name: (CODES[leaf.dtype.name], leaf.shape) for leaf in arrays if leaf.dtype}:
        raise Damaged(f"{place}: its arrays are not those of its tree")
    if _digest(stored[leaf.name]["data"] for leaf in arrays) != digest:
        raise Damaged(f"{place}: its arrays do not match their SHA-256")
    for leaf in arrays:
        data = stored[leaf.name]["data"]
        if len(data) != _bytes(leaf) or (leaf.dtype == bool and max(data, default=0) > 1):
            raise Damaged(f"{place}: {leaf.name} does not hold {leaf.text}")


def _bytes(leaf: Leaf) -> int:
    return 0 if leaf.dtype is None else leaf.dtype.itemsize * math.prod(leaf.shape)


def _library(where: str) -> Any:
    try:
        importlib.import_module("safetensors.numpy")
        return importlib.import_module("safetensors")
    except ImportError as error:
        raise ImportError(
            f"{where}: needs safetensors; run pip install -e '.[checkpoints]' in purenn's folder"
        ) from error


def _worded(place: str, error: OSError) -> OSError:
    """Return the same error, with the function and the path in front."""
    worded = type(error)(f"{place}: {error.strerror or error}")
    worded.errno = error.errno
    return worded
