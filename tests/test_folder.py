"""`Folder`: one writer at a time, the newest few checkpoints, the fallback from damaged ones."""

import errno
import os
import sys
import warnings
from pathlib import Path

import jax.numpy as jnp
import pytest

from purenn.checkpoints.folder import Folder
from purenn.core.warn import warn
from purenn.storage.errors import Damaged, OtherTree

LIKE = {"w": jnp.zeros(3)}


def tree(step):
    return {"w": jnp.full(3, step, jnp.float32)}


def accept(file, tree, notes):
    return file.name, float(tree["w"][0]), notes


def name(step):
    return f"checkpoint-{step:010}.safetensors"


def written(path, *steps, **options):
    with Folder("fit", path, **options) as folder:
        for step in steps:
            folder.write(step, tree(step), {"epoch": str(step)})
    return folder


def newest(path, accept=accept, like=LIKE):
    with Folder("fit", path) as folder:
        return folder.newest(like, accept)


def damage(file):
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def test_the_newest_few_stay_and_the_newest_comes_back(tmp_path):
    folder = written(tmp_path / "a" / "run", 9, 10, 11)
    assert [file.name for file in folder.files()] == [name(11), name(10)]
    assert newest(folder.path) == (name(11), 11.0, {"epoch": "11"})
    assert len(written(tmp_path / "one", 1, 2, 3, keep=1).files()) == 1


def test_an_unused_folder_is_removed_and_one_with_other_files_stays(tmp_path):
    assert newest(tmp_path / "run") is None
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("kept")
    assert newest(tmp_path / "run") is None
    assert os.listdir(tmp_path / "run") == ["mine.txt"]


def test_one_run_at_a_time(tmp_path):
    with Folder("fit", tmp_path), pytest.raises(ValueError, match="fit: .*another run is writing"):
        Folder("fit", tmp_path).__enter__()
    written(tmp_path, 1)  # the lock was released


def test_what_a_killed_write_left_is_removed_and_nothing_else(tmp_path):
    for leftover in (f".{name(1)}-ab12.part", "other.part"):
        (tmp_path / leftover).write_text("half")
    written(tmp_path, 1)
    assert {file.name for file in tmp_path.glob("*.part")} == {"other.part"}


@pytest.mark.parametrize("kind", ["flipped", "unreadable", "rejected"])
def test_a_damaged_newest_falls_back_and_is_renamed(kind, tmp_path):
    written(tmp_path, 1, 2)
    if kind == "flipped":
        damage(tmp_path / name(2))
    if kind == "unreadable":
        (tmp_path / name(2)).unlink()
        (tmp_path / name(2)).symlink_to(tmp_path / "gone")

    def strict(file, tree, notes):
        if kind == "rejected" and notes["epoch"] == "2":
            raise Damaged(f"fit: {file}: no position")
        return accept(file, tree, notes)

    with pytest.warns(RuntimeWarning, match=f"{name(2)}.*{name(1)}.*damaged") as caught:
        assert newest(tmp_path, strict)[1] == 1.0
    assert caught[0].filename == __file__  # the first line outside purenn
    assert (tmp_path / name(2)).with_suffix(".damaged").is_symlink() == (kind == "unreadable")
    assert newest(tmp_path, strict)[1] == 1.0  # no warning: it is not tried again


def test_nothing_is_renamed_where_all_are_damaged(tmp_path):
    folder = written(tmp_path, 1, 2)
    for file in folder.files():
        damage(file)
    before = {file: file.read_bytes() for file in folder.files()}
    for _ in range(2):
        with pytest.raises(ValueError, match=f"every checkpoint.*\n.*{name(2)}.*\n.*{name(1)}"):
            newest(tmp_path)
    assert {file: file.read_bytes() for file in folder.files()} == before


def test_another_tree_and_an_error_of_the_caller_pass_through(tmp_path):
    written(tmp_path, 1, 2)
    with pytest.raises(OtherTree, match="like") as caught:
        newest(tmp_path, like={"v": jnp.zeros(3)})
    assert caught.value.notes == {"epoch": "2"}

    def strict(file, tree, notes):
        raise ValueError("the learning rate changed")

    with pytest.raises(ValueError, match="^the learning rate changed$"):
        newest(tmp_path, strict)
    assert len(list(tmp_path.glob("checkpoint-*.safetensors"))) == 2


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    def full(descriptor, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    with Folder("fit", tmp_path) as folder:
        folder.write(1, tree(1), {})
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            with pytest.raises(OSError, match="No space left"):
                folder.write(2, tree(2), {})
    assert sorted(os.listdir(tmp_path)) == [".lock", name(1)]


def test_a_path_that_cannot_be_a_folder_is_rejected(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ValueError, match="checkpoints must be a folder that can be written to"),
        Folder("fit", tmp_path / "file"),
    ):
        pass
    with pytest.raises(TypeError, match="fit: checkpoints must be a folder, got 3"):
        Folder("fit", 3)


@pytest.mark.parametrize("library", ["filelock", "safetensors"])
def test_a_missing_library_is_named(library, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"{library}; run pip install -e '\.\[checkpoints\]'"):
        Folder("fit", tmp_path / "run").__enter__()


def test_the_path_is_absolute_from_the_start(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Folder("fit", Path("run"))
    monkeypatch.chdir("/")
    with folder:
        folder.write(1, tree(1), {})
    assert (tmp_path / "run" / name(1)).exists()


def test_a_warning_never_ends_a_run_unless_warnings_are_errors(monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="so"):
            warn("so")
        warnings.simplefilter("always")

        def closed(*given):
            raise ValueError("I/O operation on closed file")

        monkeypatch.setattr(warnings, "_showwarnmsg", closed)
        warn("so")
