"""Every function that takes a path: `~` is expanded, and what is not a local path is rejected."""

import os
import re
from pathlib import Path, PurePosixPath, PureWindowsPath

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import purenn as pn
from purenn.core.paths import local_path

TREE = {"w": np.arange(3.0)}
IDX = bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1])
X = np.ones((4, 2), np.float32)


def fit(checkpoints):
    options = {"epochs": 1, "batch_size": 2, "key": jax.random.key(0), "progress": False}
    return pn.fit(
        pn.dense(1), pn.mse, pn.sgd(0.1), (X, X[:, :1]), checkpoints=checkpoints, **options
    )


TAKERS = {
    "fit: checkpoints must be a folder": fit,
    "save: path must be the name of a file": lambda path: pn.save(path, TREE),
    "load: path must be the name of a file": lambda path: pn.load(path, TREE),
    "read_idx: path must be the name of a file": pn.read_idx,
    "load_mnist: directory must be a folder": pn.load_mnist,
}


class Fspath:
    """What is not a path of pathlib's, such as etils.epath has."""

    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return self.path


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current directory, and a home beside it."""
    for name in ("here", "home"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    return tmp_path / "here"


URLS = [
    "gs://bucket/run",
    "s3://bucket",
    "hf://datasets/x",
    "HTTPS://host/x.idx",
    "memory://x",
    "zip+file://x",
    " gs://bucket/run",
    PurePosixPath("gs://bucket/run"),  # gs:/bucket/run
    PureWindowsPath("gs://bucket/run"),  # gs:\bucket\run, as Windows writes it
    Fspath("gs://bucket/run"),
]


@pytest.mark.parametrize("words", TAKERS)
def test_a_url_is_rejected_and_makes_no_folder(words, here):
    for url in URLS:
        text = os.fspath(url)
        says = f"{words} on this machine's file system, got {text!r}; mount it, or copy"
        with pytest.raises(ValueError, match=f"^{re.escape(says)}"):
            TAKERS[words](url)
    with pytest.raises(ValueError, match=r"got 'file:///tmp/run'; leave out file://$"):
        TAKERS[words]("file:///tmp/run")
    assert os.listdir(here) == []


@pytest.mark.parametrize("words", TAKERS)
def test_what_cannot_name_anything_is_rejected(words, here):
    for path in ("", "a\0b"):
        with pytest.raises(ValueError, match=f"^{words}, got {re.escape(repr(path))}$"):
            TAKERS[words](path)
    with pytest.raises(ValueError, match=f"^{words}, got '~no such user/x': there is no such user"):
        TAKERS[words]("~no such user/x")
    for path in (b"run", Fspath(b"run")):
        where = words.partition(" must")[0]
        with pytest.raises(TypeError, match=f"^{where} must be a .*, got .*(bytes|Fspath)"):
            TAKERS[words](path)
    assert os.listdir(here) == []


@pytest.mark.parametrize("kind", [str, Path, Fspath])
def test_a_tilde_is_the_home_folder_and_never_a_name(kind, here):
    home = here.parent / "home"
    pn.save(kind("~/tree"), TREE)
    assert (home / "tree").is_file()
    np.testing.assert_array_equal(pn.load(kind("~/tree"), TREE)["w"], TREE["w"])
    (home / "labels").write_bytes(IDX)
    assert pn.read_idx(kind("~/labels")).tolist() == [7, 2, 1]
    with pytest.raises(FileNotFoundError, match=re.escape(f" in {home / 'mnist'}; ")):
        pn.load_mnist(kind("~/mnist"))
    if kind is str:
        fit("~/runs/one")
        assert any((home / "runs" / "one").glob("checkpoint-*"))
    assert os.listdir(here) == []


@pytest.mark.parametrize(
    "path",
    [
        "C:\\runs\\one",
        "C:/runs",
        "d:",
        "a:b",
        "run:1",
        "runs/gs:x",
        "/x/~/y",
        "a~",
        "./~",
        "-",
        " ",
    ],
)
def test_an_ordinary_path_stays_as_it_is(path):
    assert local_path("save", "path", path) == path
    assert local_path("save", "path", Fspath(path)) == path


def test_the_file_of_a_str_is_not_a_descriptor(here):
    for path in (0, True, None, jnp.zeros(3), ["run"]):
        with pytest.raises(TypeError, match="^load: path must be a str or os.PathLike, got "):
            pn.load(path, TREE)
