"""The file of `save`: safetensors, with its sum and its tree in the metadata.

    purenn        the version of this format, "1"
    sha256        over the whole file, with these 64 digits as zeros
    tree          {"params[0].w": "float32 (784, 128)", "params[1]": "empty", …}
    default_prng  JAX's default implementation, which is that of raw uint32 keys
    notes         more strings, of the caller's

Nothing in a file is a path, code or the name of something to look up. A file from a stranger can
at worst be refused: what is read and parsed is bounded by what `like` asks for.
"""

import hashlib
import importlib
import json
import os
import stat
from typing import Any

import jax
import numpy as np

from purenn.core.paths import local_path
from purenn.storage.atomic import write_whole
from purenn.storage.leaves import CODES, Leaf, check_holdable, from_host, is_key, leaves_of, to_host
from purenn.storage.parsing import Damaged as Damaged
from purenn.storage.parsing import OtherTree as OtherTree
from purenn.storage.parsing import parsed, shown, strings

_VERSION = "1"
# With a string after it this can be nothing else in the header: quotes in names are escaped.
_BEFORE_SUM = b'"sha256":"'
_ZEROS = b"0" * 64
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def write(where: str, path: str | os.PathLike[str], tree: Any, notes: dict[str, str]) -> None:
    """Write a tree; see `save`. `where` begins every message."""
    library = _library(where)
    path = local_path(where, "path", path)
    place = f"{where}: {path}"
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"{place}: the folder {folder} does not exist")
    if os.path.exists(path) and not os.path.isfile(path):
        raise ValueError(f"{place}: expected the name of a file, got a folder or device")
    leaves = leaves_of(where, "tree", tree)
    metadata = {
        "purenn": _VERSION,
        "sha256": _ZEROS.decode(),
        "tree": json.dumps({leaf.name: leaf.text for leaf in leaves}),
        "default_prng": _default_prng(),
        "notes": json.dumps(notes),
    }
    arrays = {leaf.name: to_host(where, leaf) for leaf in leaves if leaf.dtype is not None}
    try:
        data = library.numpy.save(arrays, metadata)
    except library.SafetensorError as error:  # an older version lacks some float8
        version = library.__version__
        raise TypeError(f"{where}: tree: refused by safetensors {version}: {error}") from error
    end = 8 + _header_length(data)
    header = _ordered(data[8:end])
    if len(header) > _longest_header(leaves):
        raise ValueError(
            f"{where}: tree: expected names and notes of at most {_longest_header(leaves)} bytes, "
            f"got {len(header)}"
        )
    start = bytearray(len(header).to_bytes(8, "little") + header)
    at = start.index(_BEFORE_SUM) + len(_BEFORE_SUM)
    payload = memoryview(data)[end:]
    start[at : at + 64] = _sum([start, payload], at)
    try:
        write_whole(path, [start, payload])
    except OSError as error:
        raise _worded(place, error) from error


def read(where: str, path: str | os.PathLike[str], like: Any) -> tuple[Any, dict[str, str]]:
    """The tree and the notes in a file; see `load`. `where` begins every message."""
    library = _library(where)
    path = local_path(where, "path", path)
    place = f"{where}: {path}"
    leaves = leaves_of(where, "like", like)
    arrays = [leaf for leaf in leaves if leaf.dtype is not None]
    for leaf in arrays:
        check_holdable(where, leaf)
    try:
        data, metadata = _read_checked(place, path, leaves)
    except OSError as error:
        raise _worded(place, error) from error
    notes = strings(place, "notes", metadata["notes"])
    _same_tree(place, metadata, leaves)
    _same_default_prng(place, metadata, leaves)
    try:
        stored = dict(library.deserialize(data))
    except library.SafetensorError as error:
        raise Damaged(f"{place}: expected sound safetensors, got {shown(str(error))}") from None
    del data  # deserialize copied it
    _same_arrays(place, stored, arrays)
    made = [from_host(leaf, stored.pop(leaf.name)["data"]) for leaf in arrays]
    return jax.tree.unflatten(jax.tree.structure(like), made), notes


def unchecked_notes(where: str, path: str | os.PathLike[str], like: Any) -> dict[str, str]:
    """The notes of a file that holds another tree than `like`, whose sum is not compared.

    For words in a message alone.
    """
    descriptor, place = os.open(path, _READ), f"{where}: {path}"
    with open(descriptor, "rb") as file:
        size, longest = (
            os.fstat(descriptor).st_size,
            _longest_header(leaves_of(where, "like", like)),
        )
        metadata = _metadata(
            place, parsed(place, "header", _read_header(place, file, size, longest)[8:])
        )
    return strings(place, "notes", metadata["notes"])


def _read_checked(place: str, path: str, leaves: list[Leaf]) -> tuple[bytes, dict[str, str]]:
    """The bytes of a file whose size and sum are right, and its metadata."""
    descriptor = os.open(path, _READ)  # not waiting, if it is a pipe
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Damaged(f"{place}: expected a file, got a folder, pipe or device")
        with open(descriptor, "rb", closefd=False) as file:
            start = _read_header(place, file, status.st_size, _longest_header(leaves))
            header = parsed(place, "header", start[8:])
            metadata = _metadata(place, header)
            wanted = len(start) + sum(_bytes(leaf) for leaf in leaves)
            if status.st_size != wanted:  # then no more is read
                if _ends_at(status.st_size - len(start), header):
                    _same_tree(place, metadata, leaves)
                raise Damaged(f"{place}: expected {wanted} bytes, got {status.st_size}")
            file.seek(0)
            data = file.read(wanted)
    finally:
        os.close(descriptor)
    if len(data) != wanted or not data.startswith(start):
        raise Damaged(f"{place}: changed while it was read")
    at = start.find(_BEFORE_SUM) + len(_BEFORE_SUM)
    if start.count(_BEFORE_SUM) != 1 or data[at : at + 64] != _sum([data], at):
        raise Damaged(f"{place}: its content does not have the SHA-256 that it states")
    return data, metadata


def _read_header(place: str, file: Any, size: int, longest: int) -> bytes:
    first = file.read(8)
    if len(first) < 8:
        raise Damaged(f"{place}: expected a file that save wrote, got {len(first)} bytes")
    length = _header_length(first)
    if length > longest:
        raise Damaged(f"{place}: expected a header of at most {longest} bytes, got {length}")
    rest = file.read(length)
    if len(rest) < length:
        raise Damaged(f"{place}: expected a header of {length} bytes, got a file of {size}")
    return first + rest


def _metadata(place: str, header: dict[str, Any]) -> dict[str, str]:
    metadata = header.get("__metadata__")
    names = ("purenn", "sha256", "tree", "default_prng", "notes")
    if not (
        isinstance(metadata, dict) and all(isinstance(metadata.get(name), str) for name in names)
    ):
        raise Damaged(f"{place}: expected a file that save wrote, got other safetensors")
    return metadata


def _same_tree(place: str, metadata: dict[str, str], leaves: list[Leaf]) -> None:
    """Refuse a sound file of another tree, by the names of the first differences."""
    if metadata["purenn"] != _VERSION:
        raise ValueError(
            f"{place}: expected version {_VERSION} of the format, got {shown(metadata['purenn'])}"
        )
    file = strings(place, "tree", metadata["tree"])
    like = {leaf.name: leaf.text for leaf in leaves}
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
        notes = strings(place, "notes", metadata["notes"])
        raise OtherTree(f"{place}: {'; '.join(differences[:3])}{more}", notes)


def _same_default_prng(place: str, metadata: dict[str, str], leaves: list[Leaf]) -> None:
    """Refuse what may be a raw key, whose implementation is the default, of another default."""
    saved, now = metadata["default_prng"], _default_prng()
    if saved == now:
        return
    for leaf in leaves:
        raw_key = leaf.dtype == np.uint32 and leaf.shape[-1:] in ((2,), (4,))
        if raw_key and not is_key(leaf.value):
            raise ValueError(
                f"{place}: {leaf.name} may be a raw PRNG key, saved when the default was "
                f"{shown(saved)}; now jax_default_prng_impl is {now}"
            )


def _same_arrays(place: str, stored: dict[str, Any], arrays: list[Leaf]) -> None:
    """Refuse arrays that are not those of the tree: a forged file."""
    held = {name: (info["dtype"], tuple(info["shape"])) for name, info in stored.items()}
    if held != {leaf.name: (CODES[leaf.dtype.name], leaf.shape) for leaf in arrays if leaf.dtype}:
        raise Damaged(f"{place}: its arrays are not those of its tree")
    for leaf in arrays:
        data = stored[leaf.name]["data"]
        if len(data) != _bytes(leaf) or (leaf.dtype == bool and max(data, default=0) > 1):
            raise Damaged(f"{place}: {leaf.name} does not hold {leaf.text}")


def _ends_at(payload: int, header: dict[str, Any]) -> bool:
    """Whether the arrays that a header speaks of take as many bytes: the file is not cut short."""
    try:
        ends = [header[name]["data_offsets"][1] for name in header if name != "__metadata__"]
        return max(ends, default=0) == payload
    except (TypeError, LookupError):
        return False


def _bytes(leaf: Leaf) -> int:
    if leaf.dtype is None:
        return 0
    size = leaf.dtype.itemsize
    for length in leaf.shape:
        size *= length
    return size


def _longest_header(leaves: list[Leaf]) -> int:
    """4 MiB and 1 KiB a leaf: what a stranger's file may make `load` parse, and no more."""
    return 2**22 + 2**10 * len(leaves)


def _header_length(data: bytes) -> int:
    return int.from_bytes(data[:8], "little")


def _ordered(header: bytes) -> bytes:
    """A header with its metadata in order, so that the same tree is the same file each time."""
    fields = json.loads(header)
    fields["__metadata__"] = dict(sorted(fields["__metadata__"].items()))
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    return text + b" " * (-len(text) % 8)  # aligned, as the format asks


def _sum(parts: list[Any], at: int) -> bytes:
    """SHA-256 of all parts, padding too, with the 64 digits of the sum itself as zeros.

    These are in the first part, from `at` on.
    """
    first = memoryview(parts[0])
    digest = hashlib.sha256(first[:at])
    digest.update(_ZEROS)
    digest.update(first[at + 64 :])
    for part in parts[1:]:
        digest.update(part)
    return digest.hexdigest().encode()


def _default_prng() -> str:
    return str(jax.config.jax_default_prng_impl)  # type: ignore[attr-defined]


def _library(where: str) -> Any:
    try:
        importlib.import_module("safetensors.numpy")
        return importlib.import_module("safetensors")
    except ImportError as error:
        raise ImportError(
            f"{where}: needs safetensors; pip install 'purenn[checkpoints]'"
        ) from error


def _worded(place: str, error: OSError) -> OSError:
    """The same error with the path and the function in front."""
    worded = type(error)(f"{place}: {error.strerror or error}")
    worded.errno = error.errno
    return worded
