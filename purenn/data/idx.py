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
    """Reads an IDX file, gzipped or not, into an array.

    The file's first bytes tell whether it is gzipped, not its name. It must hold exactly one
    array: a file that is cut short, goes on too long or is damaged is refused. No more is read
    than the sizes in its header ask for, and those may ask for 1 GiB at most.

    Args:
        path: the file; `~` is expanded.

    Returns:
      A new, writable array of the shape that the file states, of dtype uint8, int8, int16, int32,
      float32 or float64, in the machine's byte order.

    Raises:
      FileNotFoundError: If there is no such file.
      TypeError: If `path` is neither a string nor a path.
      ValueError: If it is no sound IDX file; the message names it, what was expected and what came.

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
    """Reads an IDX file as its header and its array, still in the file's own byte order.

    The header's bytes and the array's, one after the other, are the decompressed content, byte for
    byte: a caller can hash them. Raises as `read_idx` does.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # A folder, or a pipe that might never answer.
            raise ValueError("expected an IDX file, got something that is no regular file")
        with path.open("rb") as file:
            zipped = file.peek(2)[:2] == b"\x1f\x8b"
            stream = gzip.GzipFile(fileobj=file, mode="rb") if zipped else file
            with stream:
                return _parse(stream)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: expected sound gzip data, got: {error}") from error


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
    # Python's integers cannot overflow. A size of 0 counts as 1, so that it does not hide others
    # that NumPy could not hold.
    if dtype.itemsize * math.prod(max(size, 1) for size in shape) > _MAX_BYTES:
        raise ValueError(f"expected at most {_MAX_BYTES} bytes, got sizes for more: {what}")

    # The payload grows as it comes: what the header claims is not allocated on its word alone.
    expected = dtype.itemsize * math.prod(shape)
    payload = bytearray()
    while chunk := stream.read(min(2**20, expected - len(payload))):
        payload += chunk
    if len(payload) < expected:
        raise ValueError(f"truncated: expected {expected} bytes of {what}, got {len(payload)}")
    # To read past the end is also what makes gzip compare its checksum.
    if stream.read(1):
        raise ValueError(f"trailing bytes: expected {expected} bytes of {what}, got more")
    return magic + sizes, np.frombuffer(payload, dtype).reshape(shape)
