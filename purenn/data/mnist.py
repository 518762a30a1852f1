"""The MNIST handwritten digits, from a folder or from a public mirror."""

import hashlib
import io
import os
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from purenn.core.paths import local_path
from purenn.data.idx import read_parts

__all__ = ["Mnist", "Split", "load_mnist"]

_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
_SHAPES: dict[str, tuple[int, ...]] = {
    "train-images-idx3-ubyte": (60_000, 28, 28),
    "train-labels-idx1-ubyte": (60_000,),
    "t10k-images-idx3-ubyte": (10_000, 28, 28),
    "t10k-labels-idx1-ubyte": (10_000,),
}
_SHA256 = {  # Of the decompressed content, since each mirror may compress it differently.
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_MAX_DOWNLOAD_BYTES = 2**24  # The largest of the four has just under 10 MB.
_MAX_DOWNLOAD_SECONDS = 600.0  # Per file: a mirror that trickles would never time out.


class Split(NamedTuple):
    """Images `x`, uint8 `(n, 28, 28)`, and their labels `y`, uint8 `(n,)`."""

    x: NDArray[np.uint8]
    y: NDArray[np.uint8]


class Mnist(NamedTuple):
    """The two parts of MNIST: 60,000 examples to train on and 10,000 to test with."""

    train: Split
    test: Split


def load_mnist(directory: str | os.PathLike[str] | None = None) -> Mnist:
    """Load the MNIST digits, `(x, y), (x_test, y_test)`, from a folder or by download.

    Without `directory`, the four files are kept in the folder `purenn/mnist` of your cache
    (`$XDG_CACHE_HOME`, or else `~/.cache`). Missing files are downloaded, 11 MB in all. A file
    appears there only once its download is complete, which may take up to 10 minutes per file. On
    each call, every file is checked against its published SHA-256.

    With `directory`, the files are read from there, gzipped or not: `train-images-idx3-ubyte` or
    `train-images-idx3-ubyte.gz`, and so on. Their names may have a dot, `train-images.idx3-ubyte`,
    as in Kaggle's archive or after 7-zip. Each may be in a folder of the same name, and all may be
    in torchvision's `MNIST/raw`.

    Args:
        directory: the folder with the four files; `~` is expanded. The default, None, is the cache.

    Returns:
        `Mnist(train, test)`, each a `Split(x, y)` of NumPy arrays: `x` is uint8 `(60000, 28, 28)`
        or `(10000, 28, 28)`, from 0 (paper) to 255 (ink), and `y` is uint8 `(60000,)` or
        `(10000,)`.

    Raises:
        ConnectionError: if no mirror provided a valid file; the message says why for each of them.
        FileNotFoundError: if `directory` lacks a file.
        TypeError: if `directory` is neither a string nor a path.
        ValueError: if a file is not the published one, and the message says how it differs; or
            `directory` is a URL, which is never downloaded.

    Examples:
        >>> import purenn as pn
        >>> (x, y), (x_test, y_test) = pn.load_mnist("examples/data/mnist")
        >>> print(x.shape, x.dtype, x_test.shape, y[:5])
        (60000, 28, 28) uint8 (10000, 28, 28) [5 0 4 1 9]
    """
    if directory is None:
        folder = _cache_folder()
    else:
        kind = "a str, os.PathLike or None"
        given = local_path("load_mnist", "directory", directory, kind=kind, what="a folder")
        folder = Path(given)
    arrays = []
    for name in _SHAPES:
        path = _find(folder, name)
        if path is None and directory is not None:
            raise FileNotFoundError(
                f"load_mnist: no {name} or {name}.gz in {folder}; load_mnist() with no directory "
                f"reads from {_cache_folder()} and downloads what is missing there"
                f"{_instead(folder)}"
            )
        arrays.append(_read(path or _download(folder, name), name))
    return Mnist(Split(*arrays[:2]), Split(*arrays[2:]))


def _find(folder: Path, name: str) -> Path | None:
    """Find one of the four files, under any of the names that archives give it.

    Its content is later compared with that of the published file.
    """
    files = [
        f"{spelling}{end}"
        for spelling in (name, name.replace("-idx", ".idx"))
        for end in ("", ".gz")
    ]
    for place in (".", *files, "raw", "MNIST/raw"):
        for file in files:
            path = folder / place / file
            if path.exists() and not path.is_dir():
                return path
    return None


def _instead(folder: Path) -> str:
    """Say what the folder contains instead of the missing file, as the end of a message."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        return f". {folder}: {error.strerror}"
    if not names:
        return ". The folder is empty"
    more = ", …" if len(names) > 5 else ""
    return (
        f". The folder holds {', '.join(map(repr, names[:5]))}{more}; only the files in the IDX "
        f"format are read, not npz, csv, or parquet"
    )


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification says to ignore a relative path.
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "purenn" / "mnist"


def _read(path: Path, name: str) -> NDArray[np.uint8]:
    """Read one file and check it, with the checksum last, since it explains the least."""
    header, array = read_parts(path)
    shape, expected = _SHAPES[name], _SHA256[name]
    if array.dtype != np.uint8 or array.shape != shape:
        got = f"{array.dtype.name} of shape {array.shape}"
        raise ValueError(f"{path}: expected uint8 of shape {shape}, got {got}")
    if "labels" in name and array.max() > 9:
        where = int(array.argmax())
        raise ValueError(f"{path}: expected labels from 0 to 9, got {array[where]} at {where}")
    digest = hashlib.sha256(header + array.tobytes()).hexdigest()
    if digest != expected:
        raise ValueError(
            f"{path}: expected content of SHA-256 {expected}, got {digest}: it is damaged or not "
            "MNIST (Fashion-MNIST has the same file names). Once a bad file is removed from the "
            "download cache, load_mnist() downloads it again."
        )
    return array


def _download(folder: Path, name: str) -> Path:
    from http.client import HTTPException

    folder.mkdir(parents=True, exist_ok=True)
    reasons = []
    for mirror in _MIRRORS:
        url = f"{mirror}{name}.gz"
        try:
            return _download_from(url, folder, name)
        except (OSError, ValueError, HTTPException) as error:
            reasons.append(f"\n  {url}: {str(error) or type(error).__name__}")
    raise ConnectionError(
        f"load_mnist: could not download {name}.gz to {folder}:{''.join(reasons)}\n"
        "With copies of the four files in a folder, load_mnist(folder) reads them from there."
    )


def _download_from(url: str, folder: Path, name: str) -> Path:
    import tempfile

    deadline = time.monotonic() + _MAX_DOWNLOAD_SECONDS
    # Each download has a separate file in its final folder: processes that download at the same
    # time do not disturb each other, and the last step is atomic.
    descriptor, temporary = tempfile.mkstemp(prefix=f"{name}-", suffix=".part", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as out, _open_url(url) as response:
            while chunk := response.read1(2**16):  # What has arrived; `read` waits for all.
                if time.monotonic() > deadline:
                    raise TimeoutError(f"expected all of it in {_MAX_DOWNLOAD_SECONDS:g} s")
                if out.tell() + len(chunk) > _MAX_DOWNLOAD_BYTES:
                    raise ValueError(f"expected at most {_MAX_DOWNLOAD_BYTES} bytes, got more")
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        _read(Path(temporary), name)
        return Path(temporary).replace(folder / f"{name}.gz")
    except BaseException:  # Interrupts, too: no incomplete file is left behind.
        Path(temporary).unlink(missing_ok=True)
        raise


def _open_url(url: str) -> io.BufferedIOBase:
    from urllib import request

    # An opener that knows only https: no redirect leads to another scheme or to a local file.
    opener = request.OpenerDirector()
    handlers: list[request.BaseHandler] = [request.ProxyHandler(), request.HTTPSHandler()]
    handlers += [request.HTTPErrorProcessor(), request.HTTPDefaultErrorHandler()]
    for handler in (*handlers, request.UnknownHandler()):
        opener.add_handler(handler)
    response: io.BufferedIOBase = opener.open(url, timeout=30.0)
    return response
