"""`fit` with checkpoints: whatever stops a run, it resumes to the same numbers, bit for bit."""

import json
import os
import re
import signal
import threading
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import jit_quickly
from test_training import same

import purenn as pn
from purenn.checkpoints.folder import Folder
from purenn.distributed.processes import Processes
from purenn.storage import tree_file
from purenn.training import batches, fingerprint
from purenn.training import fit as fit_module
from purenn.training.checkpoints import Checkpoints
from purenn.training.position import Position
from purenn.training.progress import Bar
from purenn.training.shuffle import epoch_order

KEY = jax.random.key(3)
EXAMPLES, FEATURES, CLASSES = 60, 6, 3
MODEL = pn.serial(pn.batch_norm(), pn.dense(5), pn.relu, pn.dropout(0.25), pn.dense(CLASSES))
WIDER = pn.serial(pn.batch_norm(), pn.dense(7), *MODEL.parts[2:])
LOSS, PENALTY = pn.softmax_cross_entropy, pn.l2_penalty(0.01)
ADAM = pn.adam(pn.cosine_decay(0.01, 30))  # 6 steps an epoch
RNG = np.random.default_rng(0)
X = RNG.normal(size=(EXAMPLES, FEATURES)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int32) + (X[:, 1] > 0)


def function(epoch):
    order = np.random.default_rng(epoch).permutation(EXAMPLES).reshape(6, 10)
    return ((X[rows], Y[rows]) for rows in order)


SOURCES = {"arrays": ((X, Y), 10), "function": (function, None)}


def fit(folder=None, source="arrays", **options):
    data, batch_size = SOURCES[source] if isinstance(source, str) else (source, 10)
    given = {"model": MODEL, "loss": LOSS, "optimizer": ADAM, "penalty": PENALTY, "epochs": 4}
    given |= {"data": data, "batch_size": batch_size, "validation": (X[:20], Y[:20])}
    given |= {"key": KEY, "progress": False, "checkpoints": folder, "checkpoint_every": 0.0}
    return pn.fit(**(given | options))


def assert_same_run(got, expected):
    same(got[0], expected[0])
    without = [
        [record._replace(seconds=0.0) for record in history] for _, history in (got, expected)
    ]
    assert without[0] == without[1]


pytestmark = pytest.mark.usefixtures("ctrl_c")


@pytest.fixture(scope="module", autouse=True)
def compile_quickly():
    """Every run here is compared with others of the same programs, whatever XLA makes of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax, "jit", jit_quickly)
        yield


@pytest.fixture(autouse=True)
def quick_settings(request, monkeypatch):
    """Each of the programs takes a tenth of a second to tell: only tests of them need that."""
    if "finished" not in request.fixturenames:
        monkeypatch.setattr(fingerprint, "_program", lambda *_: "the same")


@pytest.fixture(scope="module")
def whole():
    """Runs that were never stopped."""
    return {source: fit(source=source) for source in SOURCES}


@pytest.fixture
def single_steps(monkeypatch):
    """Chunks of one step, each with its checkpoint, so that a run can stop between any two."""
    monkeypatch.setattr(batches, "FIRST_CHUNK", 1)
    monkeypatch.setattr(batches, "CHUNK_SECONDS", 0.0)
    monkeypatch.setattr("purenn.training.checkpoints.SHARE", 1)


def press(monkeypatch, *, at, times=1, where="advance"):
    """Ctrl-C, as the bar moves for the `at`-th time."""
    moves, original = [], getattr(Bar, where)

    def pressed(self, *given):
        original(self, *given)
        moves.append(given)
        if len(moves) == at:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Bar, where, pressed)


def files(folder):
    return sorted(path.name for path in Path(folder).glob("checkpoint-*"))


# Stop, and resume.


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("at", [1, 9, 12, 24])
def test_a_stopped_run_resumes_bit_for_bit(source, at, whole, single_steps, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        press(patch, at=at)
        with pytest.raises(KeyboardInterrupt) as stopped:
            fit(tmp_path, source)
    epoch, step = divmod(at - 1, 6)
    assert str(stopped.value) == (
        f"fit: stopped; the last checkpoint in {tmp_path} is of epoch {epoch + 1}, step {step + 1}"
    )
    assert files(tmp_path)[-1] == f"checkpoint-{at:010}.safetensors"
    assert_same_run(fit(tmp_path, source, resume=True), whole[source])
    assert len(files(tmp_path)) == 2
    # It has ended: resuming it returns it again, and writes nothing.
    newest = tmp_path / files(tmp_path)[-1]
    written = newest.stat().st_ino
    assert_same_run(fit(tmp_path, source, resume=True), whole[source])
    assert newest.stat().st_ino == written


def test_a_run_resumes_as_often_as_it_is_stopped_and_to_more_epochs(
    whole, single_steps, monkeypatch, tmp_path
):
    for at in (2, 7, 3):
        with monkeypatch.context() as patch:
            press(patch, at=at)
            with pytest.raises(KeyboardInterrupt):
                fit(tmp_path, resume=True)
    fit(tmp_path, resume=True, epochs=3)
    assert_same_run(fit(tmp_path, resume=True), whole["arrays"])
    with pytest.raises(ValueError, match=r"fit: epochs is 3, but the run in .* has done 4"):
        fit(tmp_path, resume=True, epochs=3)


def test_checkpoints_change_nothing_and_start_from_a_given_state_too(tmp_path, single_steps):
    start = pn.TrainState.create(MODEL, ADAM, jax.random.PRNGKey(1), (FEATURES,))  # a raw key
    expected = fit(train_state=start, key=None, epochs=2)
    assert_same_run(
        fit(tmp_path, train_state=start, key=None, epochs=1),
        (*fit(train_state=start, key=None, epochs=1),),
    )
    assert_same_run(fit(tmp_path, train_state=start, key=None, epochs=2, resume=True), expected)
    kept = pn.load(tmp_path / files(tmp_path)[-1], start)
    same(kept, expected[0])  # a checkpoint is its train_state, for `load`


@pytest.mark.parametrize("source", SOURCES)
def test_epochs_count_on_when_a_run_that_began_with_a_state_is_stopped(
    source, single_steps, monkeypatch, tmp_path
):
    state, before = fit(source=source, epochs=2)
    options = {"train_state": state, "epochs": 3}
    options |= {"first_epoch": len(before)} if source == "function" else {}
    expected = fit(source=source, **options)
    assert [record.epoch for record in expected[1]] == [3, 4, 5]
    with monkeypatch.context() as patch:
        press(patch, at=9)
        with pytest.raises(KeyboardInterrupt, match="is of epoch 4, step 3$"):
            fit(tmp_path, source, **options)
    assert_same_run(fit(tmp_path, source, resume=True, **options), expected)
    whole, history = fit(source=source, epochs=5)
    same(expected[0], whole)
    assert [r.loss for r in before + expected[1]] == [r.loss for r in history]
    with pytest.raises(ValueError, match=r"fit: epochs is 2, but the run in .* has done 3"):
        fit(tmp_path, source, resume=True, **options | {"epochs": 2})


def test_weak_types_do_not_make_a_resumed_run_another(tmp_path, single_steps, monkeypatch):
    # A file keeps no weak types, and a strong float32 beside bfloat16 promotes to float32.
    def forward(params, state, x, *, train=False, key=None):
        y = (x * state).astype(x.dtype)
        return y, jnp.asarray(0.3) if train else state, (state, x)

    tempered = pn.Layer(
        lambda key, in_shape: ((), jnp.asarray(0.3)),
        forward,
        lambda params, cache, dy: ((), (dy * cache[0]).astype(dy.dtype)),
    )
    assert tempered.init(KEY, (3,))[1].weak_type
    model = pn.mixed_precision(pn.serial(pn.dense(8), tempered, pn.relu, pn.dense(CLASSES)))
    options = {"model": model, "epochs": 1, "penalty": None, "validation": None}
    with jax.numpy_dtype_promotion("standard"):
        expected = fit(**options)
        with monkeypatch.context() as patch:
            press(patch, at=3)
            with pytest.raises(KeyboardInterrupt):
                fit(tmp_path, **options)
        assert_same_run(fit(tmp_path, resume=True, **options), expected)


def test_a_folder_stays_where_it_was_when_the_directory_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()

    def moving(epoch):
        os.chdir(tmp_path / "elsewhere")
        return function(epoch)

    fit("run", "function", data=moving)
    assert files(tmp_path / "run")[-1] == "checkpoint-0000000024.safetensors"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_data_that_have_become_fewer_are_rejected(whole, single_steps, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        press(patch, at=9)
        with pytest.raises(KeyboardInterrupt):
            fit(tmp_path, "function")
    fewer = {"data": lambda epoch: list(function(epoch))[: 2 if epoch else 6]}
    says = r"fit: data\(1\) gave 2 batches, expected the 3 that the run has used already"
    with pytest.raises(ValueError, match=says):
        fit(tmp_path, "function", resume=True, **fewer)


def test_a_second_ctrl_c_stops_at_once(single_steps, monkeypatch, tmp_path):
    press(monkeypatch, at=8, times=2)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path)
    assert files(tmp_path)[-1] == "checkpoint-0000000007.safetensors"  # step 8 has none
    assert signal.getsignal(signal.SIGINT) is before


def test_after_a_second_ctrl_c_nothing_is_written(single_steps, monkeypatch, tmp_path):
    monkeypatch.setattr("purenn.training.checkpoints.time.monotonic", lambda: 0.0)  # none is due
    press(monkeypatch, at=8, times=2)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "run", checkpoint_every=1000.0)
    assert not (tmp_path / "run").exists()


def test_ctrl_c_before_the_first_step_takes_none(whole, single_steps, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setattr(
            fingerprint, "_device", lambda mesh: signal.raise_signal(signal.SIGINT) or "cpu"
        )
        patch.setattr(fit_module, "evaluate_between", None)
        patch.setattr(Bar, "advance", None)
        with pytest.raises(KeyboardInterrupt, match="is of epoch 1, step 0"):
            fit(tmp_path)
    assert files(tmp_path) == ["checkpoint-0000000000.safetensors"]
    monkeypatch.setattr(fingerprint, "_device", lambda mesh: "cpu")
    assert_same_run(fit(tmp_path, resume=True), whole["arrays"])


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_during_the_last_write(times, whole, monkeypatch, tmp_path):
    def pressed(*given):
        for _ in range(times):
            signal.raise_signal(signal.SIGINT)
        return write(*given)

    write = Folder.write
    with monkeypatch.context() as patch:
        patch.setattr(Folder, "write", pressed)
        patch.setattr(Checkpoints, "due", lambda self: False)
        with pytest.raises(KeyboardInterrupt) as stopped:
            fit(tmp_path)
    if times == 1:  # it is finished first
        assert str(stopped.value).endswith("is of the end of epoch 4")
    assert len(files(tmp_path)) == (times == 1)
    assert_same_run(fit(tmp_path, resume=True), whole["arrays"])


@pytest.mark.parametrize("where", ["scores", "data"])
def test_ctrl_c_does_not_wait_for_scores_or_data(where, whole, monkeypatch, tmp_path):
    def waits(*given, **options):
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("kept waiting")

    def slow(epoch):
        yield from list(function(epoch))[:2]
        waits()

    source, steps = ("arrays", 6) if where == "scores" else ("function", 2)
    with monkeypatch.context() as patch:
        patch.setattr(fit_module, "evaluate_between", waits)
        with pytest.raises(KeyboardInterrupt):
            fit(tmp_path, source, data=slow if where == "data" else (X, Y))
    assert files(tmp_path)[-1] == f"checkpoint-{steps:010}.safetensors"
    assert_same_run(fit(tmp_path, source, resume=True), whole[source])


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_is_not_raised_within_jax_but_between_two_batches(whole, monkeypatch, tmp_path):
    inside = {"__name__": "jax._src.somewhere", "signal": signal}
    exec("def call():\n    signal.raise_signal(signal.SIGINT)\n    return 1", inside)
    finished = []

    def in_a_batch(between, *given, **options):
        between()
        finished.append(inside["call"]())
        between()
        raise AssertionError("continued with the next batch")

    with monkeypatch.context() as patch:
        patch.setattr(fit_module, "evaluate_between", in_a_batch)
        with pytest.raises(KeyboardInterrupt):
            fit(tmp_path)
    assert finished == [1]
    assert_same_run(fit(tmp_path, resume=True), whole["arrays"])


def test_without_checkpoints_and_off_the_main_thread_ctrl_c_is_left_alone(tmp_path, whole):
    before, seen, results = signal.getsignal(signal.SIGINT), [], []

    def watched(epoch):
        seen.append(signal.getsignal(signal.SIGINT))
        return function(epoch)

    fit(None, watched, batch_size=None)
    thread = threading.Thread(
        target=lambda: results.append(fit(tmp_path, watched, batch_size=None))
    )
    thread.start()
    thread.join()
    assert set(seen) == {before}
    assert_same_run(results[0], whole["function"])


def test_an_ignored_ctrl_c_stays_ignored(whole, single_steps, monkeypatch, tmp_path):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a background job has it; `ctrl_c` restores it
    press(monkeypatch, at=8, times=2)
    assert_same_run(fit(tmp_path), whole["arrays"])
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_an_error_in_the_data_loses_no_step(whole, tmp_path):
    def failing(epoch):
        for i, batch in enumerate(function(epoch)):
            if (epoch, i) == (2, 3):
                raise OSError("the disk with the data has gone")
            yield batch

    with pytest.raises(OSError, match="has gone"):
        fit(tmp_path, failing, batch_size=None, checkpoint_every=1000.0)
    assert files(tmp_path)[-1] == "checkpoint-0000000015.safetensors"
    assert_same_run(fit(tmp_path, "function", resume=True), whole["function"])


def test_checkpoints_come_as_often_as_asked_and_writing_takes_a_twentieth(monkeypatch, tmp_path):
    # By a clock that a look moves by 1 s, and a write by 2.
    now, written = [0.0], []
    monkeypatch.setattr("purenn.training.checkpoints.time.monotonic", lambda: now[0])

    def write(folder, step, tree, notes):
        written.append(now[0])
        now[0] += 2.0

    monkeypatch.setattr(Folder, "write", write)
    train_state = pn.TrainState.create(MODEL, ADAM, KEY, (FEATURES,))
    with Checkpoints(tmp_path, 10.0, Processes("fit", None)) as kept:
        for step in range(100):
            now[0] += 1.0
            if kept.due():
                kept.write(train_state, Position(1, step))
    assert written == [2.0, 42.0, 82.0]  # the first one soon


# What is broken, changed or taken.


def test_a_broken_newest_falls_back_and_says_so(whole, single_steps, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        press(patch, at=9)
        with pytest.raises(KeyboardInterrupt):
            fit(tmp_path)
    older, newest = (tmp_path / name for name in files(tmp_path))
    intact = newest.read_bytes()
    newest.write_bytes(intact[:-100] + bytes([intact[-100] ^ 1]) + intact[-99:])
    says = f"fit: {newest}: .*; resuming from the checkpoint before, {older.name}"
    with pytest.warns(RuntimeWarning, match=says):
        assert_same_run(fit(tmp_path, resume=True), whole["arrays"])
    assert newest.with_suffix(".damaged").exists()  # and is not taken for the newest again


GLOROT = pn.dense(5, w_init=pn.initializers.glorot_normal)
CHANGES = {  # more of them in test_fingerprint.py
    "model": (
        {"model": pn.serial(*MODEL.parts[:3], pn.dropout(0.2), MODEL.parts[4])},
        "layer 3 was dropout(0.25), is dropout(0.2)",
    ),
    "optimizer": ({"optimizer": pn.adam(pn.cosine_decay(0.02, 30))}, "initial was 0.01, is 0.02"),
    "data": ({"data": (X + np.float32(1e-6), Y)}, "as before, with other numbers"),
    "key": ({"key": jax.random.key(4)}, "was threefry2x32 [0, 3], is threefry2x32 [0, 4]"),
    "initial train_state": (
        {"model": pn.serial(MODEL.parts[0], GLOROT, *MODEL.parts[2:])},
        "which the initializers",
    ),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    fit(folder)
    return folder


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_run_is_rejected_in_the_words_that_the_user_gave(name, finished):
    changes, says = CHANGES[name]
    for older in files(finished)[:-1]:  # the newest alone, since another might be read instead
        (finished / older).unlink()
    before = {name: (finished / name).read_bytes() for name in files(finished)}
    with pytest.raises(ValueError, match=rf"fit: resume: {name} changed since") as error:
        fit(finished, resume=True, **changes)
    _, line = str(error.value).split("\n")
    assert line.startswith(f"  {name}: ") and says in line
    assert {name: (finished / name).read_bytes() for name in files(finished)} == before


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"model": WIDER},
            r"params\[1\].w is .*\n  model: layer 1 was dense\(5\), is dense\(7\)",
        ),
        (
            {"model": pn.mlp((5,), CLASSES)},
            r"\n  model: layer 0, batch_norm, is gone; layer 3, dropout\(0.25\), is gone",
        ),
        (
            {"optimizer": pn.sgd(0.1)},
            r"opt_state.*\n  optimizer: was adam\(.*, is sgd\(learning_rate=0.1\)",
        ),
    ],
    ids=["units", "layers", "optimizer"],
)
def test_another_tree_is_rejected_by_its_leaves_and_in_words(changes, says, finished):
    with pytest.raises(
        ValueError, match=r"the model or the optimizer is not the one that"
    ) as error:
        fit(finished, resume=True, **changes)
    _, *lines = str(error.value).split("\n")
    assert re.search(says, str(error.value)) and len(lines) == 1


def test_another_machine_is_warned_of(finished, monkeypatch, whole):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(77), raising=False)
    says = "fit: resume: the device was cpu, .* and is cpu, 77 cores: the last bits"
    with pytest.warns(RuntimeWarning, match=says):
        assert_same_run(fit(finished, resume=True), whole["arrays"])


def test_a_run_does_not_begin_in_the_folder_of_another(finished):
    with pytest.raises(
        ValueError, match=r"holds those of a run, up to checkpoint-0000000024.*resume"
    ):
        fit(finished)
    with pytest.raises(ValueError, match=r"fit: resume needs checkpoints"):
        fit(resume=True)


def test_a_folder_serves_one_run_at_a_time(tmp_path):
    def meanwhile(epoch):
        if epoch:
            with pytest.raises(
                ValueError, match=r"another run is writing to .*; expected a folder"
            ):
                fit(tmp_path, resume=True)
        return function(epoch)

    fit(tmp_path, "function", data=meanwhile, epochs=2)
    fit(tmp_path, "function", resume=True, epochs=2)  # released


def test_a_checkpoint_of_something_else_is_no_checkpoint(finished, tmp_path):
    newest = finished / files(finished)[-1]
    start = pn.TrainState.create(MODEL, ADAM, KEY, (FEATURES,))
    pn.save(tmp_path / newest.name, start)
    with pytest.raises(ValueError, match="expected a checkpoint of fit in this version"):
        fit(tmp_path, resume=True)


@pytest.mark.parametrize("forged", ["[]", "{}", "null", "text", '{"jax": 1}'])
def test_a_forged_fingerprint_is_rejected(forged, finished, tmp_path, whole):
    newest = tmp_path / files(finished)[-1]
    train_state, notes = tree_file.read("fit", finished / newest.name, whole["arrays"][0])
    tree_file.write("fit", newest, train_state, notes | {"fingerprint": forged})
    with pytest.raises(ValueError, match="expected a checkpoint of fit in this version"):
        fit(tmp_path, resume=True)
    if forged != "{}":  # with a model of other shapes, the notes are only looked at for words
        with pytest.raises(ValueError, match=r"is not the one that the run began with$"):
            fit(tmp_path, resume=True, model=WIDER)


FORGED = """
[]  {}  null  [0,0.0,0.0]  [-1,0.0,0.0,[]]  [0.5,0.0,0.0,[]]  [true,0.0,0.0,[]]  [0,"",0.0,[]]
[0,0.0,0.0,5]  [0,0.0,0.0,"ab"]  [0,0.0,0.0,["abcd"]]  [0,0.0,0.0,[[0.1,0.2,0.3]]]
[0,0.0,0.0,[[0.1,0.2,"0.3",null]]]  [0,0.0,0.0,[[0.1,null,null,null]]]  [0,1e999,0.0,[]]
[0,0.0,NaN,[]]  [0,0.0,0.0,[[0.1,0.2,null,null,null]]]  [0,0.0,0.0,{"abcd":1}]
"""


def test_a_position_adds_up_what_came_before_it():
    position = Position(1, step=2, total=3.0, seconds=1.5)
    position = position.after(np.array([0.5, 0.25], np.float32), 0.5)
    assert position == (1, 4, 3.75, 2.0, ())
    record = pn.EpochRecord(1, 3.75 / 4, 2.0, 0.1, None)
    assert position.next_epoch(0.1, None) == (2, 0, 0.0, 0.0, (record,))
    later = position._replace(epoch=8).next_epoch(0.1, None)
    assert later == (9, 0, 0.0, 0.0, (record._replace(epoch=8),))
    assert Position.from_json(later.to_json(), 8) == later


def test_a_long_history_fits_and_comes_back_bit_for_bit(tmp_path):
    rng = np.random.default_rng(0)
    rows = [*rng.normal(size=(99_999, 4)).tolist(), [float("nan"), -0.0, 5e-324, None]]
    history = tuple(pn.EpochRecord(i, *row) for i, row in enumerate(rows, 1))
    position = Position(100_001, 3, 0.1, 0.2, history)
    notes = {"position": position.to_json()}
    tree_file.write("fit", tmp_path / "long", {"w": X}, notes)
    _, notes = tree_file.read("fit", tmp_path / "long", {"w": X})
    again = Position.from_json(notes["position"], 1)
    assert repr(again) == repr(position)  # -0.0 and NaN too


@pytest.mark.parametrize("text", ["", *FORGED.split(), "[" * 100_000])
def test_a_forged_position_is_rejected(text):
    with pytest.raises(ValueError):  # noqa: PT011 - JSON's own, or that it is not a position
        Position.from_json(text, 1)


def test_a_position_that_is_not_the_state_s_falls_back(whole, single_steps, tmp_path):
    fit(tmp_path)
    older, newest = (tmp_path / name for name in files(tmp_path))
    train_state, notes = tree_file.read("fit", newest, whole["arrays"][0])
    step, *rest = json.loads(notes["position"])
    tree_file.write("fit", newest, train_state, notes | {"position": json.dumps([step + 1, *rest])})
    says = rf"a position that is not 24 steps from the start; resuming from .*{older.name}"
    with pytest.warns(RuntimeWarning, match=says):
        assert_same_run(fit(tmp_path, resume=True), whole["arrays"])


def test_a_full_disk_does_not_stop_a_run(whole, tmp_path, monkeypatch):
    full = OSError(28, "No space left on device")

    def write(descriptor, data):
        raise full

    monkeypatch.setattr(os, "write", write)
    says = "No space left on device.*without this checkpoint"
    with pytest.warns(RuntimeWarning, match=says):
        assert_same_run(fit(tmp_path), whole["arrays"])
    assert files(tmp_path) == []


def test_a_state_that_cannot_be_written_is_rejected_before_the_run(tmp_path):
    zero = pn.Optimizer(
        lambda params: jnp.zeros(3, jnp.int4),
        lambda grads, state, params: (jax.tree.map(jnp.zeros_like, grads), state),
    )
    with pytest.raises(TypeError, match="fit: train_state.opt_state is int4, a dtype that safeten"):
        fit(tmp_path, optimizer=zero)


def test_a_run_that_wrote_nothing_leaves_no_folder(tmp_path):
    bad = np.full_like(X, np.nan)
    with pytest.raises(FloatingPointError):
        fit(tmp_path / "runs" / "one", data=(bad, Y))
    assert list((tmp_path / "runs").iterdir()) == []


# Values that are not finite.


def root():
    """|x| under a root: at 0 the value is 0 and the derivative is not a number."""
    return pn.Op(
        lambda x: (jnp.sqrt(jnp.abs(x)), x),
        lambda x, dy: dy * 0.5 * jnp.sign(x) / jnp.sqrt(jnp.abs(x)),
        name="root",
    )


ROOT = pn.serial(pn.dense(4), root(), pn.dense(CLASSES))
STILL = pn.sgd(0.0)  # an update by 0 × NaN is NaN


@pytest.mark.parametrize("source", SOURCES)
def test_a_gradient_that_is_not_finite_stops_the_run_at_its_step(source, tmp_path):
    x = np.abs(X) + 1
    x[37] = 0  # z = b = 0
    options = {"model": ROOT, "optimizer": STILL, "penalty": None, "validation": None}
    if source == "function":
        data, step = lambda epoch: ((x[i : i + 10], Y[i : i + 10]) for i in range(0, 60, 10)), 4
    else:
        train_key = jax.random.split(KEY)[1]
        order = np.asarray(epoch_order(train_key, 0, 60, 10))
        data, step = (x, Y), int(np.argwhere(order == 37)[0, 0]) + 1
    options |= {"data": data, "batch_size": SOURCES[source][1]}
    says = (
        rf"fit: params\[0\].w\[0, 0\] is nan after the update at epoch 1, step {step}, whose loss"
    )
    with pytest.raises(FloatingPointError, match=says) as error:
        fit(tmp_path, locate=True, **options)
    assert "it began in the backward pass of layer 1, root: dx[" in str(error.value)
    # The last one is of before, and sound.
    for name in files(tmp_path):
        start = pn.TrainState.create(ROOT, STILL, KEY, (FEATURES,))
        assert np.isfinite(pn.load(tmp_path / name, start).params[0].w).all()


def boom(place, value):
    """A layer that makes its last value `value`, on the way there or back."""

    def spoil(x):
        return x.at[-1, -1].set(value)

    forward = (lambda x: (spoil(x), ())) if place == "y" else lambda x: (x, ())
    return pn.Op(forward, lambda _, dy: spoil(dy) if place == "dx" else dy, name="boom")


def between_dense(layer):
    return pn.serial(pn.dense(4), layer, pn.dense(CLASSES))


def huge(key, shape, dtype=jnp.float32):
    return jnp.full(shape, 3e38, dtype)


@pytest.mark.parametrize(
    ("model", "x", "says"),
    [
        (between_dense(boom("y", np.inf)), X, "forward pass of layer 1, boom: y[9, 3] is inf"),
        (between_dense(boom("dx", np.nan)), X, "backward pass of layer 1, boom: dx[9, 3] is nan"),
        (pn.dense(3, w_init=huge), X, "forward pass of layer 0, dense(3): y["),
        (between_dense(boom("y", np.nan)), X, "forward pass of layer 1, boom: y[9, 3] is nan"),
    ],
    ids=["forward", "backward", "overflow", "probabilities"],
)
def test_locate_names_the_first_value_that_is_not_finite(model, x, says, request):
    options = {"model": model, "optimizer": pn.sgd(0.1), "penalty": None, "validation": None}
    if "probabilities" in request.node.name:  # which the loss rejects, if it sees them
        options |= {"model": pn.serial(model, pn.softmax), "loss": pn.categorical_cross_entropy}
    with pytest.raises(FloatingPointError) as error:
        fit(data=(x.astype(np.float32), Y), locate=True, **options)
    assert f"; it began in the {says}" in str(error.value)
    assert "epoch 1, step 1" in str(error.value)
    with pytest.raises(FloatingPointError) as without:
        fit(data=(x.astype(np.float32), Y), **options)
    assert "it began" not in str(without.value)


def growing(value):
    """A layer with a state that a step makes `value`."""

    def forward(params, state, x, *, train=False, key=None):
        return x, state.at[1].set(value) if train else state, ()

    def init(key, in_shape):
        return (), jnp.array([-jnp.inf, 0.0])  # a maximum so far may begin like that

    return pn.Layer(init, forward, lambda params, cache, dy: ((), dy), name="growing")


def spoiled_penalty(value, derivative):
    return pn.Op(
        lambda params: (jnp.float32(value), params),
        lambda params, dy: jax.tree.map(lambda w: w * derivative, params),
        takes="tree",
    )


@pytest.mark.parametrize(
    ("layer", "penalty", "says"),
    [
        (growing(np.inf), None, "state that the forward pass leaves: state[1][1] is inf"),
        (pn.relu, spoiled_penalty(np.inf, 0), "penalty: its value is inf"),
        (pn.relu, spoiled_penalty(0, np.nan), "penalty: its derivative"),
    ],
    ids=["state", "penalty", "penalty-derivative"],
)
def test_locate_knows_state_and_penalty_from_the_layers(layer, penalty, says):
    options = {"model": between_dense(layer), "optimizer": pn.sgd(0.1), "validation": None}
    with pytest.raises(FloatingPointError) as error:
        fit(penalty=penalty, locate=True, **options)
    assert f"; it began in the {says}" in str(error.value)


@pytest.mark.parametrize("source", SOURCES)
def test_a_state_may_begin_with_infinities(source):
    options = {"model": between_dense(growing(0.0)), "penalty": None, "validation": None}
    train_state, _ = fit(source=source, epochs=1, **options)
    np.testing.assert_array_equal(train_state.state[1], [-np.inf, 0])
    options["model"] = between_dense(growing(-np.inf))
    with pytest.raises(
        FloatingPointError, match=r"fit: state\[1\]\[1\] is -inf (after|at epoch 1)"
    ):
        fit(source=source, epochs=1, **options)


def test_an_optimizer_whose_statistics_overflow_does_not_stand_still_silently():
    # v = g² overflows, and every step of Adam would be 0 from there on, with a finite loss.
    def large(x):
        return x, ()

    model = pn.serial(pn.dense(3), pn.Op(large, lambda _, dy: dy * 1e25))
    with pytest.raises(FloatingPointError, match=r"fit: opt_state.* is inf after the update"):
        fit(model=model, optimizer=pn.adam(0.0), penalty=None, validation=None)
