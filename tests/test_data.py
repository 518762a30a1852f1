"""Tests of the IDX reader and of the MNIST loader."""

import email.message
import gzip
import hashlib
import http.client
import io
import os
import signal
import subprocess
import sys
import threading
import tracemalloc
import urllib.request
import urllib.response
from pathlib import Path

import numpy as np
import pytest
from robustness import idx_mutations

from purenn.data import mnist
from purenn.data.idx import read_idx
from purenn.data.mnist import load_mnist

EXAMPLES = Path(__file__).parent.parent / "examples" / "data" / "mnist"
CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
NAMES = tuple(mnist._SHAPES)


def header(code, *shape):
    """The header of an IDX file, written independently of the reader."""
    return bytes([0, 0, code, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)


def encode(array):
    """The bytes of the IDX file that holds `array`."""
    code = CODES[array.dtype.str[1:]]
    return header(code, *array.shape) + array.astype(array.dtype.newbyteorder(">")).tobytes()


SMALL = encode(np.arange(12, dtype=np.uint8).reshape(3, 4))


def write(folder, data, name="file"):
    """Writes `data` and returns the path."""
    path = folder / name
    path.write_bytes(data)
    return path


# ---------------------------------------------------------------------------------- read_idx


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("kind", CODES)
def test_read_idx_types(tmp_path, kind, zipped):
    """Every type comes back exactly, in native order, and can be written to."""
    array = np.array([[0, 1, 100], [7, 127, 3]]).astype(kind)
    array = array if kind == "u1" else -array
    data = gzip.compress(encode(array)) if zipped else encode(array)
    got = read_idx(write(tmp_path, data))
    assert got.dtype == np.dtype(kind) and got.dtype.isnative
    np.testing.assert_array_equal(got, array)
    got += 1


@pytest.mark.parametrize("shape", [(5,), (0,), (2, 0, 3), (2, 3, 4), (1,) * 32])
def test_read_idx_shapes(tmp_path, shape):
    """One axis to thirty-two, empty ones included; a path may be a string."""
    array = np.ones(shape, np.int16)
    np.testing.assert_array_equal(read_idx(str(write(tmp_path, encode(array)))), array)


def test_read_idx_gzip_members(tmp_path):
    """Gzip allows several members in one file: they are one stream."""
    data = gzip.compress(SMALL[:9]) + gzip.compress(SMALL[9:])
    assert encode(read_idx(write(tmp_path, data))) == SMALL


def flip(data, position):
    """`data` with one byte turned over."""
    data = bytearray(data)
    data[position] ^= 0xFF
    return bytes(data)


ZIPPED = gzip.compress(SMALL, mtime=0)
BAD = {
    "empty": (b"", "expected 4 bytes of magic number, got 0"),
    "truncated magic": (SMALL[:3], "expected 4 bytes of magic number, got 3"),
    "wrong magic": (b"\x01" + SMALL[1:], "starts with 00 00, got 01 00 08 02"),
    "text": (b"<html>404</html>", "starts with 00 00, got 3c 68 74 6d"),
    "wrong type code": (b"\0\0\x0a" + SMALL[3:], "type codes 0x08, .*, got 0x0a"),
    "no axes": (header(0x08) + b"\1", "expected 1 to 32 axes, got 0"),
    "many axes": (header(0x08, *[1] * 33) + b"\1", "expected 1 to 32 axes, got 33"),
    "truncated sizes": (SMALL[:9], "expected 8 bytes of sizes of 2 axes, got 5"),
    "truncated payload": (SMALL[:-2], r"truncated: expected 12 bytes .*\(3, 4\)\), got 10"),
    "no payload": (SMALL[:12], "truncated: expected 12 bytes .*, got 0"),
    "part of an element": (
        encode(np.ones(3))[:-1],
        r"truncated: expected 24 bytes of payload \(float64 of shape \(3,\)\), got 23",
    ),
    "trailing bytes": (SMALL + b"\0", "trailing bytes: expected 12 bytes .*, got more"),
    "over the cap": (header(0x08, 2**30 + 1), "expected at most 1073741824 bytes"),
    "over the cap in bytes": (header(0x0E, 2**27 + 1), "expected at most 1073741824 bytes"),
    "product is 0 mod 2**64": (header(0x08, 2**31, 2**31, 4), "expected at most 1073741824"),
    "largest sizes": (header(0x0E, *[2**32 - 1] * 32), "expected at most 1073741824"),
    "hidden by a zero": (header(0x08, 0, *[2**32 - 1] * 3), "expected at most 1073741824"),
    "zipped truncated": (gzip.compress(SMALL[:-2]), "truncated: expected 12 bytes .*, got 10"),
    "zipped trailing": (gzip.compress(SMALL + b"\0"), "trailing bytes: expected 12 bytes"),
    "gzip magic only": (ZIPPED[:2], "valid gzip data"),
    "gzip header only": (ZIPPED[:10], "valid gzip data, got: Compressed file ended"),
    "gzip cut in data": (ZIPPED[:-12], "valid gzip data, got: Compressed file ended"),
    "gzip cut in CRC": (ZIPPED[:-5], "valid gzip data, got: Compressed file ended"),
    "gzip CRC flipped": (flip(ZIPPED, -8), "valid gzip data, got: CRC check failed"),
    "gzip length flipped": (flip(ZIPPED, -4), "valid gzip data, got: Incorrect length"),
    "gzip data damaged": (flip(ZIPPED, 10), "valid gzip data"),
    "gzip unknown method": (flip(ZIPPED, 2), "valid gzip data, got: Unknown compression"),
    "gzip trailing garbage": (ZIPPED + b"garbage", "valid gzip data, got: Not a gzipped"),
    "gzip of nothing": (gzip.compress(b""), "expected 4 bytes of magic number, got 0"),
    "gzip twice": (gzip.compress(ZIPPED), "starts with 00 00, got 1f 8b"),
}


@pytest.mark.parametrize("case", BAD)
def test_read_idx_rejects(tmp_path, case):
    """Each kind of bad content is a ValueError that names the file and says what is wrong."""
    data, message = BAD[case]
    path = write(tmp_path, data, "bad.idx")
    with pytest.raises(ValueError, match=r"bad\.idx: .*" + message):
        read_idx(path)


def test_read_idx_rejects_what_is_not_a_file(tmp_path):
    """A missing file, a folder, a pipe, and things that are not a path."""
    with pytest.raises(FileNotFoundError, match="absent"):
        read_idx(tmp_path / "absent")
    with pytest.raises(ValueError, match="not a regular file"):
        read_idx(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ValueError, match=r"pipe: .*not a regular file"):
            read_idx(tmp_path / "pipe")
    for path in (3, None, b"file", ["file"], io.BytesIO(SMALL)):
        with pytest.raises(TypeError, match=f"str or os.PathLike, got {type(path).__name__}"):
            read_idx(path)


def bomb(start):
    """Gzipped, `start` and 64 MiB of zeros."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1) as out:
        out.write(start)
        for _ in range(64):
            out.write(bytes(2**20))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (bomb(header(0x08, 10)), "trailing bytes"),
        (bomb(header(0x0E, 2**32 - 1)), "expected at most"),
        (gzip.compress(header(0x08, 2**30) + b"few"), "truncated: .*, got 3"),
        (header(0x08, 2**30) + b"few", "truncated: .*, got 3"),
    ],
    ids=["bomb", "bomb with large sizes", "gzip that claims 1 GiB", "raw that claims 1 GiB"],
)
def test_read_idx_memory_is_bounded(tmp_path, data, message):
    """Neither what is compressed nor what is claimed makes the reader allocate it."""
    path = write(tmp_path, data)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 2 * 2**20
    finally:
        tracemalloc.stop()


def test_read_idx_damaged_files(tmp_path):
    """Ten thousand of those that the script makes by the million: read as they say, or rejected."""
    counts, failures = idx_mutations.run(10_000, seed=0, folder=tmp_path)
    assert not failures
    assert min(counts.values()) > 2000  # both outcomes were seen


# -------------------------------------------------------------------------------- load_mnist


@pytest.fixture(scope="module")
def real():
    """MNIST itself, read once."""
    return load_mnist(EXAMPLES)


def test_load_mnist_real(real):
    """The real files: shapes, dtypes, first labels, and the two ways to unpack them."""
    (x, y), (x_test, y_test) = real
    assert x.shape == (60000, 28, 28) and y.shape == (60000,)
    assert x_test.shape == (10000, 28, 28) and y_test.shape == (10000,)
    assert all(array.dtype == np.uint8 for array in (x, y, x_test, y_test))
    assert y[:5].tolist() == [5, 0, 4, 1, 9] and y_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(y).tolist()[:3] == [5923, 6742, 5958]
    assert round(float(x.mean()), 4) == 33.3184
    assert real.train.x is x and real.test.y is y_test


def test_read_idx_real(real, tmp_path):
    """`read_idx` gives the same, gzipped or raw, and the loader's checks left nothing out."""
    for name, expected in zip(NAMES[1:], (real.train.y, *real.test), strict=True):
        zipped = EXAMPLES / f"{name}.gz"
        raw = write(tmp_path, gzip.decompress(zipped.read_bytes()), name)
        np.testing.assert_array_equal(read_idx(zipped), expected)
        np.testing.assert_array_equal(read_idx(raw), expected)


def small_arrays():
    """Four small arrays in place of the real ones."""
    rng = np.random.default_rng(0)
    arrays = []
    for n in (20, 10):
        arrays.append(rng.integers(0, 256, (n, 28, 28), dtype=np.uint8))
        arrays.append(rng.integers(0, 10, n, dtype=np.uint8))
    return dict(zip(NAMES, arrays, strict=True))


@pytest.fixture
def small(monkeypatch):
    """A small MNIST: the loader expects these four arrays instead of the real ones."""
    arrays = small_arrays()
    expect(arrays, lambda name, value: monkeypatch.setattr(mnist, name, value))
    return arrays


def expect(arrays, set_):
    """The loader's expectations, set to these arrays."""
    set_("_SHAPES", {name: a.shape for name, a in arrays.items()})
    sums = {name: hashlib.sha256(encode(a)).hexdigest() for name, a in arrays.items()}
    set_("_SHA256", sums)


def fill(folder, arrays, zipped=True):
    """Writes the four files to `folder`."""
    for name, array in arrays.items():
        data = encode(array)
        path = folder / (f"{name}.gz" if zipped else name)
        path.write_bytes(gzip.compress(data) if zipped else data)


def assert_is(got, arrays):
    """What was loaded is `arrays`."""
    for have, want in zip((*got.train, *got.test), arrays.values(), strict=True):
        np.testing.assert_array_equal(have, want)


@pytest.mark.parametrize("zipped", [False, True])
def test_load_mnist_raw_and_gzipped(small, tmp_path, zipped):
    """Both kinds of file are accepted, and a folder may be named by a string."""
    fill(tmp_path, small, zipped)
    assert_is(load_mnist(tmp_path), small)
    assert_is(load_mnist(str(tmp_path)), small)


PLACES = {
    "7-zip": lambda name: name.replace("-idx", ".idx"),
    "7-zip, zipped": lambda name: name.replace("-idx", ".idx") + ".gz",
    "a folder each": lambda name: f"{name}/{name}",
    "a folder each, zipped": lambda name: f"{name}/{name}.gz",
    "a dotted folder each": lambda name: "{0}/{0}".format(name.replace("-idx", ".idx")),
    "folders and dotted files": lambda name: f"{name}/{name.replace('-idx', '.idx')}",
    "a folder named as the archive": lambda name: f"{name}.gz/{name}",
    "torchvision": lambda name: f"MNIST/raw/{name}",
    "torchvision's MNIST": lambda name: f"raw/{name}.gz",
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_load_mnist_finds_the_files_as_archives_name_them(small, tmp_path, place):
    """With dots, in folders of the same name each, and where torchvision puts them."""
    for name, array in small.items():
        path = tmp_path / place(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = encode(array)
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    assert_is(load_mnist(tmp_path), small)


def test_load_mnist_prefers_the_published_names(small, tmp_path):
    """Kaggle's archive holds each file twice; an empty folder of a file's name is passed over."""
    fill(tmp_path, small)
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name.replace("-idx", ".idx")).write_bytes(b"another")
    with pytest.raises(FileNotFoundError, match="no train-images-idx3-ubyte"):
        load_mnist(tmp_path / NAMES[0])
    assert_is(load_mnist(tmp_path), small)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (
            ["mnist.npz", "b"],
            r"holds 'b', 'mnist.npz'; only the files in the IDX format are read, ",
        ),
        ([*"gfedcba"], r"holds 'a', 'b', 'c', 'd', 'e', …; only"),
        ([], "The folder is empty"),
        (None, "No such file or directory"),
    ],
)
def test_load_mnist_says_what_is_there_instead(small, tmp_path, names, says):
    """Such as the files of keras, of tables or of HF."""
    folder = tmp_path / "folder"
    if names is not None:
        folder.mkdir()
        for name in names:
            (folder / name).touch()
    with pytest.raises(FileNotFoundError, match=says):
        load_mnist(folder)


@pytest.mark.parametrize("name", NAMES)
def test_load_mnist_missing_file(small, tmp_path, name):
    """A folder that lacks a file: the error names both and the way without a folder."""
    fill(tmp_path, small)
    (tmp_path / f"{name}.gz").unlink()
    message = rf"{name}\.gz in .*{tmp_path.name}; load_mnist\(\) with no directory"
    with pytest.raises(FileNotFoundError, match=message):
        load_mnist(tmp_path)
    with pytest.raises(FileNotFoundError, match="no train-images-idx3-ubyte"):
        load_mnist(tmp_path / "no such folder")


def test_load_mnist_rejects_other_types():
    """What is not a path is a TypeError."""
    for directory in (3, b"folder", ["folder"], False):
        with pytest.raises(TypeError, match=f"PathLike or None, got {type(directory).__name__}"):
            load_mnist(directory)


def changed(array, index, value):
    """A copy of `array` with one element changed."""
    array = array.copy()
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (NAMES[1], lambda a: a[:-1], r"expected uint8 of shape \(20,\), got uint8 .*\(19,\)"),
        (NAMES[2], lambda a: a[:-1], r"shape \(10, 28, 28\), got uint8 of shape \(9, 28, 28\)"),
        (NAMES[0], lambda a: a[:, :27], r"shape \(20, 28, 28\), got uint8 of shape \(20, 27, 28\)"),
        (NAMES[0], lambda a: a.reshape(20, 784), r"got uint8 of shape \(20, 784\)"),
        (NAMES[3], lambda a: a.astype(np.int32), r"uint8 of shape \(10,\), got int32 .*\(10,\)"),
        (NAMES[3], lambda a: changed(a, 6, 10), "expected labels from 0 to 9, got 10 at 6"),
        (NAMES[0], lambda a: changed(a, (3, 4, 5), 1), "expected content of SHA-256 [0-9a-f]{64}"),
        (NAMES[1], lambda a: changed(a, 3, (a[3] + 1) % 10), "Fashion-MNIST"),
    ],
    ids=["labels fewer", "images fewer", "27 rows", "flat", "int32", "label 10", "pixel", "label"],
)
def test_load_mnist_rejects(small, tmp_path, name, change, message):
    """A file that is sound IDX and not MNIST, the structural reasons before the checksum."""
    fill(tmp_path, small | {name: change(small[name])})
    with pytest.raises(ValueError, match=f"{name}.gz: .*{message}"):
        load_mnist(tmp_path)


# ---------------------------------------------------------------------------------- download


class Web:
    """Stands in for the opener: serves files, or fails, by mirror."""

    def __init__(self, arrays):
        """Both mirrors serve `arrays`, gzipped."""
        self.files = {f"{name}.gz": gzip.compress(encode(a)) for name, a in arrays.items()}
        self.asked = []
        self.first = self.second = lambda data: io.BytesIO(data)

    def __call__(self, url):
        """Opens `url`."""
        assert url.startswith("https://")
        self.asked.append(url)
        serve = self.first if url.startswith(mnist._MIRRORS[0]) else self.second
        return serve(self.files[url.rsplit("/", 1)[1]])


@pytest.fixture
def web(small, monkeypatch):
    """The stand-in for the network."""
    web = Web(small)
    monkeypatch.setattr(mnist, "_open_url", web)
    return web


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "purenn" / "mnist"


def fail(error):
    """A mirror that raises `error`."""

    def serve(data):
        raise error

    return serve


class Breaks(io.BytesIO):
    """A response that breaks off with `error` after its first part."""

    error: type[BaseException] = ConnectionResetError

    def read1(self, size=-1):
        """The first part, then the error."""
        if self.tell():
            raise self.error("broke off")
        return super().read1(100)


class Interrupted(Breaks):
    """A response during which the user presses Ctrl-C."""

    error = KeyboardInterrupt


def test_download_fills_the_cache_once(small, web, cache):
    """The four files come from the first mirror, and a second call asks for nothing."""
    assert_is(load_mnist(), small)
    assert web.asked == [f"{mnist._MIRRORS[0]}{name}.gz" for name in NAMES]
    assert sorted(os.listdir(cache)) == sorted(f"{name}.gz" for name in NAMES)
    assert_is(load_mnist(), small)
    assert_is(load_mnist(cache), small)
    assert len(web.asked) == 4


def test_download_only_what_is_missing(small, web, cache):
    """Files that the cache has, raw ones too, are not downloaded again."""
    cache.mkdir(parents=True)
    write(cache, encode(small[NAMES[0]]), NAMES[0])
    write(cache, gzip.compress(encode(small[NAMES[2]])), f"{NAMES[2]}.gz")
    assert_is(load_mnist(), small)
    assert [url.rsplit("/", 1)[1] for url in web.asked] == [f"{NAMES[1]}.gz", f"{NAMES[3]}.gz"]


@pytest.mark.parametrize(
    "first",
    [
        fail(TimeoutError("timed out")),
        fail(OSError("no route")),
        fail(http.client.BadStatusLine("?")),
        Breaks,
        lambda data: io.BytesIO(b""),
        lambda data: io.BytesIO(b"<html>sign in</html>"),
        lambda data: io.BytesIO(data[:-1]),
        lambda data: io.BytesIO(flip(data, -8)),
    ],
    ids=["timeout", "error", "no HTTP", "breaks off", "empty", "web page", "short", "damaged"],
)
def test_download_second_mirror(small, web, cache, first):
    """Whatever is wrong with the first mirror, the second one is asked."""
    web.first = first
    assert_is(load_mnist(), small)
    assert len(web.asked) == 8
    assert sorted(os.listdir(cache)) == sorted(f"{name}.gz" for name in NAMES)


def test_download_all_mirrors_fail(web, cache):
    """The error lists each mirror with its reason, and says what else can be done."""
    web.first, web.second = fail(OSError("no route")), fail(TimeoutError())
    message = (
        rf"could not download {NAMES[0]}\.gz to .*\n  {mnist._MIRRORS[0]}.*: no route"
        rf"\n  {mnist._MIRRORS[1]}.*: TimeoutError\n.*load_mnist\(folder\) reads them"
    )
    with pytest.raises(ConnectionError, match=message):
        load_mnist()
    assert os.listdir(cache) == []


def test_download_of_other_content(small, web, cache):
    """A valid file with other content is rejected, and nothing of it is kept."""
    other = changed(small[NAMES[0]], (0, 0, 0), small[NAMES[0]][0, 0, 0] ^ 1)
    web.files[f"{NAMES[0]}.gz"] = gzip.compress(encode(other))
    with pytest.raises(ConnectionError, match="(?s)SHA-256.*SHA-256"):
        load_mnist()
    assert os.listdir(cache) == []


def test_download_size_cap(web, cache, monkeypatch):
    """A mirror that never stops sending is left."""

    class Endless(io.BytesIO):
        def read1(self, size=-1):
            return bytes(size)

    monkeypatch.setattr(mnist, "_MAX_DOWNLOAD_BYTES", 2**20)
    web.first = web.second = Endless
    with pytest.raises(ConnectionError, match="expected at most 1048576 bytes, got more"):
        load_mnist()
    assert os.listdir(cache) == []


def test_download_deadline(web, cache, monkeypatch):
    """A mirror that sends a byte now and then, and so never times out, is left."""

    class Trickle(io.BytesIO):
        def read1(self, size=-1):
            clock[0] += 20
            return super().read1(1)

    clock = [0.0]
    monkeypatch.setattr(mnist.time, "monotonic", lambda: clock[0])
    web.first = web.second = Trickle
    with pytest.raises(ConnectionError, match="expected all of it in 600 s"):
        load_mnist()
    assert clock == [2 * 620] and os.listdir(cache) == []


@pytest.mark.parametrize("response", [Interrupted, fail(KeyboardInterrupt())])
def test_download_interrupted(small, web, cache, response):
    """Ctrl-C goes through at once, leaves nothing half done, and a later call starts afresh."""
    web.first = response
    with pytest.raises(KeyboardInterrupt):
        load_mnist()
    assert len(web.asked) == 1 and os.listdir(cache) == []
    web.first = web.second
    assert_is(load_mnist(), small)


def test_download_at_once(small, web, cache):
    """Several that download at once, each in the middle of it, do not disturb each other."""
    barrier = threading.Barrier(4)
    results = []

    def serve(data):
        if len(web.asked) <= 4:  # The first file: all four wait for each other.
            barrier.wait(timeout=5)
        return io.BytesIO(data)

    web.first = serve
    threads = [threading.Thread(target=lambda: results.append(load_mnist())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert len(results) == 4
    for got in results:
        assert_is(got, small)
    assert sorted(os.listdir(cache)) == sorted(f"{name}.gz" for name in NAMES)


PROCESS = """
import io, os, signal, sys, time, types
purenn = types.ModuleType("purenn")  # without JAX, which takes a second to import
purenn.__path__ = [sys.argv[1]]
sys.modules["purenn"] = purenn
from pathlib import Path
import numpy as np
import test_data
from purenn.data import mnist

mine, processes = int(sys.argv[2]), int(sys.argv[3])
small = test_data.small_arrays()
test_data.expect(small, lambda name, value: setattr(mnist, name, value))
web = test_data.Web(small)


def serve(data):
    Path(f"asked-{mine}").touch()
    while len(list(Path().glob("asked-*"))) < processes:  # all are in the middle of a download
        time.sleep(0.001)
    if mine == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return io.BytesIO(data)


web.first, mnist._open_url = serve, web
test_data.assert_is(mnist.load_mnist(), small)
"""


def test_download_by_several_processes_one_of_them_killed(small, cache, tmp_path):
    """Each gets sound files, and none gets a part of what the killed one left."""
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = {**os.environ, "PYTHONPATH": paths}
    package = Path(mnist.__file__).parent.parent
    several = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, package, str(i), "3"], cwd=tmp_path, env=environment
        )
        for i in range(3)
    ]
    assert [one.wait(timeout=60) for one in several] == [-signal.SIGKILL, 0, 0]
    assert_is(load_mnist(), small)
    names = [name for name in os.listdir(cache) if not name.endswith(".part")]
    assert sorted(names) == sorted(f"{name}.gz" for name in NAMES)


def test_damaged_cache_is_rejected(small, web, cache):
    """What the cache holds is checked every time, and never silently replaced."""
    load_mnist()
    write(cache, gzip.compress(encode(small[NAMES[1]])[:-1]), f"{NAMES[1]}.gz")
    with pytest.raises(ValueError, match="truncated: expected 20 bytes"):
        load_mnist()
    assert len(web.asked) == 4


def test_cache_folder(monkeypatch, tmp_path):
    """`XDG_CACHE_HOME` decides unless it is empty or relative; then it is `~/.cache`."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    home = tmp_path / ".cache" / "purenn" / "mnist"
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert mnist._cache_folder() == home
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert mnist._cache_folder() == home
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert mnist._cache_folder() == tmp_path / "xdg" / "purenn" / "mnist"


@pytest.mark.parametrize("url", ["http://localhost/file", "file:///etc/hostname"])
def test_open_url_knows_https_alone(url):
    """No other scheme is opened, so that no redirect can lead to one."""
    with pytest.raises(OSError, match="unknown url type"):
        mnist._open_url(url)


@pytest.mark.parametrize("code", [301, 302, 307, 404, 503])
def test_open_url_follows_no_redirect(monkeypatch, code):
    """A redirect is an error as a missing file is, and every request has a time-out."""
    asked = []

    def https_open(self, request):
        asked.append(request.timeout)
        headers = email.message.Message()
        headers["Location"] = "https://localhost/elsewhere"
        response = urllib.response.addinfourl(io.BytesIO(), headers, request.full_url, code)
        response.msg = "answer"
        return response

    monkeypatch.setattr(urllib.request.HTTPSHandler, "https_open", https_open)
    with pytest.raises(OSError, match=f"HTTP Error {code}: answer"):
        mnist._open_url("https://localhost/file")
    assert asked == [30.0]
