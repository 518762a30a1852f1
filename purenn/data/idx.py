"""The IDX file format, in which MNIST is published."""

import gzip
import io
import math
import os
import stat
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from purenn.core.paths import local_path

__all__ = ["read_idx"]

_MAX_BYTES = 2**30
_MAX_AXES = 32  # What every version of NumPy can hold.
_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read an IDX file, gzipped or not, into an array.

    The first bytes of the file, not its name, determine whether it is gzipped. The file must hold
    exactly one array: a file that is truncated, damaged, or has trailing bytes is rejected. The
    size stated in the header must be at most 1 GiB, and no more is read.

    Args:
        path: the file to read; `~` is expanded.

    Returns:
        A new, writable NumPy array with the shape and dtype stated in the file (uint8, int8, int16,
        int32, float32, or float64), in the machine's byte order.

    Raises:
        FileNotFoundError: if there is no such file.
        TypeError: if `path` is neither a string nor a path.
        ValueError: if the file is not a valid IDX file; the message names the file, what was
            expected, and what was found.

    Examples:
        >>> import tempfile
        >>> import purenn as pn
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with open(f"{folder}/labels", "wb") as file:  # uint8, one axis, of size 3
        ...         written = file.write(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
        ...     print(pn.read_idx(f"{folder}/labels"))
        [7 2 1]
    """
    _, array = read_parts(Path(local_path("read_idx", "path", path)))
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def read_parts(path: Path) -> tuple[bytes, NDArray[Any]]:
    """Read an IDX file as its header and its array, still in the file's own byte order.

    The bytes of the header followed by those of the array are exactly the decompressed content, so
    a caller can hash them. The errors are those of `read_idx`.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # A folder, or a pipe, which might block forever.
            raise ValueError("expected an IDX file, got something that is not a regular file")
        with path.open("rb") as file:
            zipped = file.peek(2)[:2] == b"\x1f\x8b"
            stream = gzip.GzipFile(fileobj=file, mode="rb") if zipped else file
            with stream:
                return _parse(stream)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: expected valid gzip data, got: {error}") from error


def _parse(stream: io.BufferedIOBase) -> tuple[bytes, NDArray[Any]]:
    magic = stream.read(4)
    if len(magic) < 4:
        raise ValueError(f"expected 4 bytes of magic number, got {len(magic)}")
    if magic[:2] != b"\0\0":
        raise ValueError(f"expected an IDX file, which starts with 00 00, got {magic.hex(' ')}")
    code, axes = magic[2:]
    if code not in _DTYPES:
        known = ", ".join(f"0x{code:02x}" for code in _DTYPES)
        raise ValueError(f"expected one of the type codes {known}, got 0x{code:02x}")
    if not 1 <= axes <= _MAX_AXES:
        raise ValueError(f"expected 1 to {_MAX_AXES} axes, got {axes}")

    sizes = stream.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise ValueError(f"expected {4 * axes} bytes of sizes of {axes} axes, got {len(sizes)}")
    shape = tuple(int.from_bytes(sizes[i : i + 4], "big") for i in range(0, 4 * axes, 4))
    dtype = np.dtype(_DTYPES[code])
    what = f"payload ({dtype.name} of shape {shape})"
    # Python's integers cannot overflow. A size of 0 counts as 1, so that it does not hide sizes
    # that NumPy could not hold.
    if dtype.itemsize * math.prod(max(size, 1) for size in shape) > _MAX_BYTES:
        raise ValueError(f"expected at most {_MAX_BYTES} bytes, got sizes for more: {what}")

    # The payload grows as it is read: memory is never allocated on the header's word alone.
    expected = dtype.itemsize * math.prod(shape)
    payload = bytearray()
    while chunk := stream.read(min(2**20, expected - len(payload))):
        payload += chunk
    if len(payload) < expected:
        raise ValueError(f"truncated: expected {expected} bytes of {what}, got {len(payload)}")
    # Reading past the end is also what makes gzip verify its checksum.
    if stream.read(1):
        raise ValueError(f"trailing bytes: expected {expected} bytes of {what}, got more")
    return magic + sizes, np.frombuffer(payload, dtype).reshape(shape)
