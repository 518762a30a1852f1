"""`save` and `load`: bit for bit, whole or not at all, and rejected in words."""

import errno
import json
import os
import sys
import tracemalloc
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import optax
import pytest
import safetensors
from robustness import checkpoint_mutations
from robustness.checkpoint_mutations import parts, same, sealed

import purenn as pn
from purenn.storage import tree_file
from purenn.storage.errors import Damaged, OtherTree

KEY = jax.random.key(0)
MODEL = pn.serial(pn.dense(4), pn.batch_norm(), pn.relu, pn.dropout(0.5), pn.dense(2))
ADAM = pn.adamw(pn.cosine_decay(0.1, 9), weight_decay=0.1)
START = pn.TrainState.create(MODEL, ADAM, KEY, (3,))
CHAIN = pn.chain(pn.clip_by_global_norm(1.0), pn.rmsprop(0.1), optax.scale(0.5))
OPTIMIZERS = (
    pn.sgd(pn.cosine_decay(0.1, 9)), pn.momentum(0.1), pn.adam(0.1), ADAM, CHAIN,
    pn.rmsprop(0.1, momentum=0.9), pn.adagrad(0.1), pn.adamax(0.1),
)  # fmt: skip


class Pair(NamedTuple):
    a: Any
    b: Any


def metadata(path):
    """The metadata of a file, as another tool reads them."""
    with safetensors.safe_open(path, "np") as file:
        return json.loads(file.metadata()["purenn"])


def says(caught, *keywords):
    """Whether a message holds all of these words."""
    return all(word in str(caught.value) for word in keywords)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "tree.safetensors"


# ------------------------------------------------------------------------ what comes back

# fmt: off
DTYPES = {
    "bool": "BOOL", "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64", "uint8": "U8",
    "uint16": "U16", "uint32": "U32", "uint64": "U64", "float16": "F16", "bfloat16": "BF16",
    "float32": "F32", "float64": "F64", "complex64": "C64", "float8_e4m3fn": "F8_E4M3",
    "float8_e4m3fnuz": "F8_E4M3FNUZ", "float8_e5m2": "F8_E5M2", "float8_e5m2fnuz": "F8_E5M2FNUZ",
    "float8_e8m0fnu": "F8_E8M0",
}
# fmt: on
WIDE = ("int64", "uint64", "float64")  # JAX has them with jax_enable_x64 only


def bits(dtype, shape, rng):
    """Numbers of all bit patterns: NaN with and without payload, subnormal, infinite, -0."""
    if dtype == "bool":
        return rng.random(shape) < 0.5
    # A dtype of a string alone is not known to every version of NumPy.
    array = np.frombuffer(rng.bytes(np.prod(shape, dtype=int) * 8), ml_dtypes_or_numpy(dtype))
    return array[: np.prod(shape, dtype=int)].reshape(shape)


def ml_dtypes_or_numpy(name):
    return np.dtype(getattr(ml_dtypes, name, name))


def test_every_dtype_comes_back_bit_for_bit_as_other_tools_can_read_it(path, rng):
    numpy = {name: bits(name, (31, 7), rng) for name in DTYPES}
    arrays = {f"jax {name}": jnp.array(numpy[name]) for name in DTYPES if name not in WIDE}
    tree = {**numpy, **arrays}
    assert pn.save(path, tree) is None
    loaded = pn.load(path, tree)
    assert same(loaded, tree)
    assert all(loaded[name].flags.writeable for name in numpy)
    with safetensors.safe_open(path, "np") as file:
        found = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 no mapping
        assert {name: part.get_dtype() for name, part in found.items()} == {
            f"['{name}']": DTYPES[name.removeprefix("jax ")] for name in tree
        }
        assert np.array_equal(file.get_tensor("['int64']"), numpy["int64"])
    assert metadata(path)["default_prng"] == "threefry2x32"


ODD = np.arange(24, dtype=np.float32).reshape(4, 6)
TREES = {
    "an array alone": jnp.ones(3),
    "a number alone": 3,
    "nothing": (),
    "nested": {"a": [ODD, (ODD[0], {}), None], "b": Pair(jnp.ones(2), Pair((), [])), "c": {3: 1}},
    "Python's numbers": [True, -(2**63), 2**63 - 1, -0.0, float("nan"), 5e-324],
    "NumPy's numbers": [np.float32(1.5), np.bool_(True), np.int8(-1), np.float64(2.5)],
    "strides": [ODD[::-1, ::2], ODD.T, np.asfortranarray(ODD), np.broadcast_to(ODD[0], (3, 6))],
    "big-endian": [
        ODD.astype(">f4"),
        np.array(-2, ">i2"),
        np.array([0x01A07F7F], "<u4").view(">f4"),
    ],
    "no axes or no elements": [jnp.zeros(()), np.zeros((0, 3)), jnp.zeros((2, 0)), np.array(1)],
    "optimizers": [optimizer.init(START.params) for optimizer in OPTIMIZERS],
    "keys": [KEY, jax.random.key(1, impl="rbg"), jax.random.split(KEY, 3), jax.random.PRNGKey(2)],
}


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_trees_come_back_as_they_were(path, tree):
    pn.save(path, tree)
    loaded = pn.load(str(path), tree)
    assert same(loaded, tree)
    orders = [getattr(leaf, "dtype", None) for leaf in jax.tree.leaves(loaded)]
    assert orders == [getattr(leaf, "dtype", None) for leaf in jax.tree.leaves(tree)]


def test_training_goes_on_from_a_file_with_no_second_compilation(path):
    x, targets = jnp.ones((4, 3)), jnp.zeros(4, jnp.int32)
    step = jax.jit(pn.train_step(MODEL, pn.softmax_cross_entropy, ADAM))
    start, _ = step(START, x, targets)
    pn.save(path, start)
    once, _ = step(start, x, targets)
    for like in (start, jax.eval_shape(lambda tree: tree, start)):
        loaded = pn.load(path, like)
        assert same(loaded, start)
        again, _ = step(loaded, x, targets)
        assert same(again, once)
    assert step._cache_size() == 1


def test_the_same_tree_is_the_same_file(path):
    files = []
    for _ in range(5):
        pn.save(path, START)
        files.append(path.read_bytes())
    assert len(set(files)) == 1
    assert int.from_bytes(files[0][:8], "little") % 8 == 0  # the arrays are aligned


def test_the_names_are_those_of_the_tree(path):
    pn.save(path, START)
    with safetensors.safe_open(path, "np") as file:
        names = file.keys()
    tree = metadata(path)["tree"]
    assert {"params[0].w", "params[1].gamma", "state[1].mean", "key", "step"} < set(names)
    assert tree["params[0].w"] == "float32 (3, 4)" and tree["params[2]"] == "empty"
    assert tree["key"] == "key threefry2x32 ()" and tree["step"] == "int32 ()"


def test_an_array_goes_to_the_device_that_like_was_put_on(path):
    device = jax.devices()[0]
    like = jax.device_put(jnp.ones(3), device)
    pn.save(path, like)
    assert pn.load(path, like).committed
    assert not pn.load(path, jnp.ones(3)).committed


# ----------------------------------------------------------------- another tree than expected

SAVED = {"w": jnp.ones((2, 3)), "step": 3, "key": KEY, "tail": (jnp.ones(4), ())}
OTHERS = [
    ({"w": jnp.ones((3, 2))}, "['w'] is float32 (2, 3) in the file", "float32 (3, 2) in like"),
    ({"w": jnp.ones((2, 3), jnp.bfloat16)}, "['w'] is float32", "bfloat16 (2, 3) in like"),
    # As many bytes: only the names and dtypes tell.
    ({"w": jnp.ones((2, 3), int)}, "['w'] is float32 (2, 3)", "int32 (2, 3) in like"),
    ({"step": 3.0}, "['step'] is int in the file", "float in like"),
    ({"step": jnp.array(3)}, "['step'] is int in the file", "int32 () in like"),
    ({"key": jax.random.PRNGKey(0)}, "['key'] is key threefry2x32 ()", "uint32 (2,) in like"),
    ({"key": jax.random.key(0, impl="rbg")}, "key threefry2x32 () in the file", "key rbg ()"),
    ({"b": jnp.ones(1)}, "['b'] (float32 (1,)) is in like and not in the file"),
    ({"tail": (jnp.ones(4),)}, "['tail'][1] (empty) is in the file and not in like"),
    ({"tail": (jnp.ones(4), jnp.ones(0))}, "['tail'][1] is empty", "float32 (0,) in like"),
    (dict.fromkeys(SAVED), "['key'] is key", "['step'] is int", "empty in like", "and 3 more"),
]


@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case[1])
def test_another_tree_is_rejected_by_the_names_of_what_differs(path, case):
    change, *keywords = case
    pn.save(path, SAVED)
    with pytest.raises(OtherTree, match=f"^load: {path}: ") as caught:
        pn.load(path, SAVED | change)
    assert says(caught, *keywords)


def test_what_may_be_a_raw_key_is_rejected_where_the_default_is_another(path):
    typed, raw = {"a": KEY, "b": jnp.ones(2)}, {"a": KEY, "raw": jax.random.PRNGKey(0)}
    pn.save(path, raw)
    with jax.default_prng_impl("rbg"), pytest.raises(ValueError, match=r"\['raw'\]") as caught:
        pn.load(path, raw)
    assert says(caught, "raw PRNG key", "threefry2x32", "rbg")
    pn.save(path, typed)
    with jax.default_prng_impl("rbg"):
        assert same(pn.load(path, typed), typed)


def test_float64_is_not_halved(path, x64):
    tree = {"w": jnp.ones(3, jnp.float64)}
    pn.save(path, tree)
    assert same(pn.load(path, jax.eval_shape(lambda: tree)), tree)
    with jax.enable_x64(False), pytest.raises(ValueError, match=r"\['w'\].*jax_enable_x64"):
        pn.load(path, tree)


def test_donated_and_traced_arrays_are_rejected(path):
    w = jnp.ones(3)
    jax.jit(lambda w: w + 1, donate_argnums=0)(w)
    with pytest.raises(ValueError, match=r"save: tree\['w'\] was deleted or donated"):
        pn.save(path, {"w": w})
    for call in (pn.save, pn.load):
        with pytest.raises(TypeError, match=rf"{call.__name__}: .*\['w'\] is traced"):
            jax.jit(lambda w, call=call: call(path, {"w": w}))(jnp.ones(3))
    assert not os.listdir(path.parent)


# --------------------------------------------------------------------------- damaged files

TINY = {"w": np.array([1.5, -2], np.float16), "ü": KEY, "ok": True}


def test_every_flipped_bit_and_every_cut_is_noticed(path):
    pn.save(path, TINY)
    data = path.read_bytes()
    descriptor = os.open(path, os.O_RDWR)
    for bit in range(8 * len(data)):
        byte = data[bit // 8]
        os.pwrite(descriptor, bytes([byte ^ 1 << bit % 8]), bit // 8)
        with pytest.raises(Damaged):
            pn.load(path, TINY)
        os.pwrite(descriptor, bytes([byte]), bit // 8)
    assert same(pn.load(path, TINY), TINY)
    for length in reversed(range(len(data))):
        os.ftruncate(descriptor, length)
        with pytest.raises(Damaged):
            pn.load(path, TINY)
    os.pwrite(descriptor, data[:-1], 0)
    with pytest.raises(OtherTree):  # which the intact header tells
        pn.load(path, {"w": TINY["w"]})
    os.pwrite(descriptor, data + b"\0", 0)
    os.close(descriptor)
    with pytest.raises(Damaged, match=f"expected {len(data)} bytes, got {len(data) + 1}"):
        pn.load(path, TINY)


def test_mutated_files_load_as_they_were_or_are_rejected(path):
    found = checkpoint_mutations.try_all(path, count=3_000, seed=1)
    assert found.total() == 3_000
    assert min(found["same"], found["OtherTree"]) > 100  # the forgeries get past the digests


def forged(path, change):
    """A file of TINY whose header is changed, and its digests made right."""
    pn.save(path, TINY)
    header, payload = parts(path.read_bytes())
    path.write_bytes(sealed(change(header), payload))


def huge(path, header, size):
    """A file of TINY that claims a header of some size, and is itself of some size."""
    pn.save(path, TINY)
    with path.open("r+b") as file:
        file.write(header.to_bytes(8, "little"))
        file.truncate(size)


MEBI = 2**20
JUNK = b'{"a":[' + b"[]," * (MEBI // 3) + b"[]],"
FORGERIES = {
    "a header of 2**64 - 1 bytes": lambda path: huge(path, 2**64 - 1, MEBI),
    "a header of 1 TiB in a file of 1 TiB": lambda path: huge(path, 2**40, 2**40 + 99),
    "a payload of 1 TiB": lambda path: os.truncate(path, 2**40),
    "a million lists": lambda path: forged(path, lambda header: JUNK + header[1:]),
    "a very deep list": lambda path: forged(path, lambda header: b"[" * MEBI),
    "a very long number": lambda path: forged(path, lambda header: b'{"a":' + b"1" * MEBI),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_hostile_file_is_rejected_in_bounded_memory(path, forge):
    pn.save(path, TINY)
    forge(path)
    tracemalloc.start()
    with pytest.raises(Damaged):
        pn.load(path, TINY)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 * MEBI  # 32 bytes for one: an empty list takes 3 as JSON and 72 in memory


def test_the_header_and_the_arrays_have_digests_of_their_own(path):
    pn.save(path, TINY)
    header, payload = parts(path.read_bytes())
    for name, broken in (
        ("header", header.replace(b"\\u00fc", b"\\u00FC") + payload),  # the same JSON
        ("header", header.replace(b"threefry2x32", b"threefry2x33") + payload),
        ("arrays", header + payload[:-1] + bytes([payload[-1] ^ 1])),
    ):
        path.write_bytes(len(header).to_bytes(8, "little") + broken)
        with pytest.raises(Damaged, match=f"{name} .* SHA-256"):
            pn.load(path, TINY)


def test_words_from_a_file_are_fit_to_be_printed(path):
    forged(path, lambda header: header.replace(b"['w']", rb"\\u001b[2J" + b"w" * 99))
    with pytest.raises(ValueError, match=r"and not in like|in like and not") as caught:
        pn.load(path, TINY)
    assert "u001b[2Jw" not in str(caught.value) and str(caught.value).isprintable()
    assert "\\x1b[2Jwww" in str(caught.value) and len(str(caught.value)) < 400


def test_a_file_that_changes_while_it_is_read_is_rejected(path, monkeypatch):
    tree = {"w": np.ones(5000)}  # more than the reader's buffer
    pn.save(path, tree)
    size, real = path.stat().st_size, tree_file._verified_metadata

    def then_cut(place, header):
        os.truncate(path, size - 1)
        return real(place, header)

    monkeypatch.setattr(tree_file, "_verified_metadata", then_cut)
    with pytest.raises(Damaged):
        pn.load(path, tree)


def test_a_true_or_false_is_0_or_1(path):
    pn.save(path, {"ok": True})
    header, _ = parts(path.read_bytes())
    path.write_bytes(sealed(header, bytes([2])))
    with pytest.raises(Damaged, match=r"\['ok'\] does not hold bool"):
        pn.load(path, {"ok": True})


NO_FILES = {
    "folder": "directory",
    "pipe": "pipe",
    "empty": "expected a file that save wrote",
    "foreign": "expected a file that save wrote",
    "missing": "No such file or directory",
    "later version": "expected version 2.* got version 3",
    "earlier version": "expected version 2.* got version 1",
}


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_save_did_not_write_is_rejected(path, kind):
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)  # a reader that waits would wait forever
    elif kind == "empty":
        path.touch()
    elif kind == "foreign":
        path.write_bytes(safetensors.numpy.save({"w": TINY["w"]}))
    elif kind == "later version":
        forged(path, lambda header: header.replace(rb"\"version\": 2", rb"\"version\": 3"))
    elif kind == "earlier version":
        path.write_bytes(safetensors.numpy.save({"w": TINY["w"]}, {"purenn": "1", "tree": "{}"}))
    with pytest.raises((OSError, ValueError), match=f"^load: {path}: .*{NO_FILES[kind]}") as caught:
        pn.load(path, TINY)
    assert isinstance(caught.value, Damaged) == (kind in ("pipe", "empty", "foreign"))


# ------------------------------------------------------------------------ writes that fail

OLD, NEW = {"w": np.zeros(5)}, {"w": np.ones(5)}
CALLS = ("open", "write", "fsync", "close", "replace")


class Faults:
    """The system calls of a save counted, and one of them made to fail."""

    def __init__(self, monkeypatch, name="", number=0, error=None, short=()):
        self.counts = dict.fromkeys(CALLS, 0)
        self.fails = (name, number, error)
        self.short = short
        for call in CALLS:
            monkeypatch.setattr(os, call, self.counting(call, getattr(os, call)))

    def counting(self, call, real):
        def counted(*arguments):
            self.counts[call] += 1
            name, number, error = self.fails
            if call == "write" and self.counts[call] in self.short:
                arguments = (arguments[0], arguments[1][: len(arguments[1]) // 2])
            if (call, self.counts[call]) != (name, number):
                return real(*arguments)
            if call == "close":  # POSIX: it fails, and it is closed
                real(*arguments)
            raise error

        return counted


def errors():
    for name, number in (*((name, 1) for name in CALLS), ("write", 2)):
        short = (1,) if number == 2 else ()  # so that there is a second
        for code in (errno.ENOSPC, errno.EIO):
            yield name, number, OSError(code, os.strerror(code)), short
        yield name, number, KeyboardInterrupt(), short
    yield "", 0, None, (1, 2, 3)


@pytest.mark.parametrize(("name", "number", "error", "short"), [*errors()])
def test_a_write_that_fails_leaves_the_old_file(path, monkeypatch, name, number, error, short):
    pn.save(path, OLD)
    with monkeypatch.context() as patch:
        faults = Faults(patch, name, number, error, short)
        if error is None:  # short writes continue
            pn.save(path, NEW)
        else:
            with pytest.raises(type(error)) as caught:
                pn.save(path, NEW)
    if isinstance(error, OSError):
        assert str(caught.value) == f"save: {path}: {error.strerror}"
        assert caught.value.errno == error.errno
    assert same(pn.load(path, OLD), OLD if error else NEW)
    assert os.listdir(path.parent) == [path.name]
    assert faults.counts["open"] == faults.counts["close"] + (name == "open")


@pytest.mark.parametrize("name", ["open", "fsync", "close"])
def test_where_only_the_sync_of_the_folder_fails_the_new_file_is_there(path, monkeypatch, name):
    pn.save(path, OLD)
    with monkeypatch.context() as patch:
        Faults(patch, name, 2, OSError(errno.EIO, "no luck"))
        with pytest.raises(OSError, match=f"save: {path}: no luck"):
            pn.save(path, NEW)
    assert same(pn.load(path, OLD), NEW)
    assert os.listdir(path.parent) == [path.name]


def test_every_call_of_a_save_is_among_those_that_were_made_to_fail(path, monkeypatch):
    with monkeypatch.context() as patch:
        faults = Faults(patch)
        pn.save(path, NEW)
    assert faults.counts == {"open": 2, "write": 1, "fsync": 2, "close": 2, "replace": 1}


def test_a_file_goes_where_its_name_says_with_the_usual_permissions(path, tmp_path):
    (tmp_path / "folder").mkdir()
    link = tmp_path / "link"
    link.symlink_to("folder/there")
    mask = os.umask(0o027)
    try:
        pn.save(link, OLD)
    finally:
        os.umask(mask)
    there = tmp_path / "folder" / "there"
    assert link.is_symlink() and same(pn.load(there, OLD), OLD)
    assert there.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("place", "keyword"),
    [("missing/tree", "does not exist"), (".", "folder or device"), ("/dev/null", "device")],
)
def test_a_place_where_no_file_can_be_is_rejected(tmp_path, place, keyword):
    path = tmp_path / place
    with pytest.raises((OSError, ValueError), match=f"^save: {path}: .*{keyword}"):
        pn.save(path, OLD)
    assert not os.listdir(tmp_path) and Path("/dev/null").is_char_device()


class Twin:
    """A node whose two children have one name."""


def test_leaves_that_share_a_name_are_rejected(path):
    names = [jax.tree_util.GetAttrKey("w")] * 2
    jax.tree_util.register_pytree_with_keys(
        Twin, lambda _: ([(name, 1.0) for name in names], None), lambda *_: Twin()
    )
    with pytest.raises(ValueError, match=r"save: tree\.w .* the name w is taken"):
        pn.save(path, Twin())


def test_without_safetensors_the_remedy_is_said(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for call in (pn.save, pn.load):
        with pytest.raises(
            ImportError, match=rf"{call.__name__}: needs safetensors; .*\[checkpoints\]"
        ):
            call(path, TINY)


def test_notes_come_back_and_may_not_be_longer_than_load_reads(path):
    notes = {"epoch": "3", "näme": 'a "quoted" \\ \ud800 line\n'}
    tree_file.write("fit", path, TINY, notes)
    assert tree_file.read("fit", path, TINY)[1] == notes
    with pytest.raises(
        ValueError, match=r"^fit: .*notes .* 16\d+ bytes, expected at most 16777216"
    ):
        tree_file.write("fit", path, TINY, {"history": "x" * 2**24})
    assert tree_file.read("fit", path, TINY)[1] == notes
