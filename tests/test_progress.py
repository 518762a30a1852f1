"""What `fit` shows of itself: a display that fails stops displaying, and the run goes on."""

import errno
import io
import os
import subprocess
import sys
import types
import warnings
from pathlib import Path

import jax
import numpy as np
import pytest
from tqdm import TqdmWarning

import purenn as pn
from purenn.core.warn import warn
from purenn.training.position import EpochRecord
from purenn.training.progress import Bar

X = np.linspace(-1, 1, 12, dtype=np.float32)[:, None]
MODEL, OPTIMIZER, KEY = pn.dense(1), pn.sgd(0.1), jax.random.key(0)
EPOCHS, STEPS = 2, 3


def fit(**options):
    given = {"epochs": EPOCHS, "batch_size": 4, "key": KEY}
    return pn.fit(MODEL, pn.mse, OPTIMIZER, (X, 3 * X), **(given | options))


def show():
    """All that a run asks of its bar."""
    with Bar(EPOCHS * STEPS, 0, enabled=True) as bar:
        for epoch in range(1, EPOCHS + 1):
            bar.begin(epoch, EPOCHS)
            bar.bar and setattr(bar.bar, "mininterval", 0)  # tqdm would not write so often
            for _ in range(STEPS):
                bar.advance(1, 0.5)
            bar.end(EpochRecord(epoch, 0.5, 1.0, 0.5, 0.75))
    return bar


class Stream(io.StringIO):
    """A stream that breaks after so many writes; None counts what there is to write."""

    def __init__(self, error, writes=0):
        super().__init__()
        self.error, self.writes, self.tried = error, writes, 0

    def write(self, text):
        self.tried += 1
        if self.error is not None and self.tried > self.writes:
            raise self.error
        return super().write(text)


ERRORS = [
    OSError(errno.EIO, "Input/output error"),  # a terminal that was closed, under nohup
    BrokenPipeError(errno.EPIPE, "Broken pipe"),
    BlockingIOError(errno.EAGAIN, "full"),
    ValueError("I/O operation on closed file"),
    UnicodeEncodeError("ascii", "█", 0, 1, "ordinal not in range"),
    AttributeError("'NoneType' object has no attribute 'write'"),
    RuntimeError("an error of a notebook's own"),
]


@pytest.fixture(params=["tqdm", "lines"])
def display(request, monkeypatch):
    if request.param == "lines":
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    return request.param


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_stream_that_breaks_at_any_write_ends_nothing(error, display, monkeypatch):
    whole = Stream(None)
    monkeypatch.setattr(sys, "stderr", whole)
    show()
    assert whole.tried >= 2 * EPOCHS
    for writes in range(whole.tried):
        stream = Stream(error, writes)
        monkeypatch.setattr(sys, "stderr", stream)
        bar = show()
        by_tqdm = "closed" in str(error) or (
            isinstance(error, OSError) and error.errno == errno.EIO
        )
        assert bar.bar is None or by_tqdm  # which tqdm leaves alone by itself
        assert by_tqdm or stream.tried - writes <= 3  # the bar, its end, and a line


def test_a_run_outlives_its_display(display, monkeypatch):
    expected = fit(progress=False)
    closed = io.StringIO()
    closed.close()
    for stream in (closed, None, Stream(BrokenPipeError(), 1)):
        monkeypatch.setattr(sys, "stderr", stream)
        train_state, history = fit()
        np.testing.assert_array_equal(train_state.params.w, expected[0].params.w)
        assert [record.loss for record in history] == [record.loss for record in expected[1]]


def test_without_stderr_nothing_goes_to_stdout(display, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    show()
    assert capsys.readouterr().out == ""


METHODS = ("__init__", "set_description", "set_postfix_str", "update", "close")


def broken_tqdm(monkeypatch, method, error):
    """A tqdm of which one method raises."""

    class Tqdm:
        def __init__(self, **options):
            pass

        def note(self, *given, **options):
            pass

        set_description = set_postfix_str = update = close = note

    def fails(self, *given, **options):
        raise error

    setattr(Tqdm, method, fails)
    monkeypatch.setitem(sys.modules, "tqdm.auto", types.SimpleNamespace(tqdm=Tqdm))


@pytest.mark.parametrize("method", METHODS)
def test_lines_take_the_place_of_a_bar_that_fails(method, monkeypatch, capsys):
    for error in (*ERRORS, ImportError("IProgress not found"), TqdmWarning("no widgets")):
        broken_tqdm(monkeypatch, method, error)
        assert show().bar is None or method == "close"
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == (0 if method == "close" else EPOCHS)
        assert all(line.endswith(": loss 0.5000, accuracy 75.00%, 1.0 s") for line in lines)


@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_in_the_display_stops_the_run(method, monkeypatch):
    broken_tqdm(monkeypatch, method, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        fit()


def test_ctrl_c_in_a_line_stops_the_run(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    monkeypatch.setattr(sys, "stderr", Stream(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        fit()


@pytest.mark.parametrize(
    "error", [ImportError("ipywidgets"), TqdmWarning("no widgets"), *ERRORS], ids=repr
)
def test_a_tqdm_that_cannot_be_imported_is_not_missed(error, monkeypatch, capsys):
    class Module(types.ModuleType):
        def __getattr__(self, name):
            raise error

    monkeypatch.setitem(sys.modules, "tqdm.auto", Module("tqdm.auto"))
    show()
    assert len(capsys.readouterr().err.splitlines()) == EPOCHS


# Warnings, which are shown on stderr too.


def test_a_warning_that_cannot_be_shown_ends_nothing(monkeypatch):
    def closed(*given, **options):
        raise ValueError("I/O operation on closed file")

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", closed)
        warn("no checkpoint")


def test_a_warning_that_is_an_error_is_one_and_names_who_called():
    with pytest.raises(RuntimeWarning, match="no checkpoint"):
        warn("no checkpoint")
    with pytest.warns(RuntimeWarning, match="no checkpoint") as caught:
        warn("no checkpoint")
    assert caught[0].filename == __file__


BROKEN = """
import contextlib, sys
import test_progress
from purenn.checkpoints.folder import Folder

def full(*given):
    raise OSError(28, "No space left on device")

Folder.write = full
state, history = test_progress.fit(epochs=2, checkpoints=sys.argv[1], checkpoint_every=0.0)
with contextlib.suppress(BrokenPipeError):
    sys.stderr.close()
state, history = test_progress.fit(epochs=2, checkpoints=sys.argv[1], checkpoint_every=0.0)
print(len(history), float(state.params.w[0, 0]))
"""


def test_a_broken_pipe_and_a_closed_stream_for_true(tmp_path):
    """With the warnings of a full disk, too."""
    expected, _ = fit(progress=False)
    with subprocess.Popen(
        [sys.executable, "-W", "always", "-c", BROKEN, tmp_path / "run"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(pn.__file__).parent.parent,
        # XLA compiles as here: otherwise the last bits may differ.
        env=os.environ | {"PYTHONPATH": f"{Path(__file__).parent}:."},
    ) as process:
        process.stderr.close()  # as `2>&1 | head` does
        out = process.stdout.read()
    assert out == f"2 {float(expected.params.w[0, 0])}\n"
