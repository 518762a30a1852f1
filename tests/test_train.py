"""`train`: what it yields, what an exception that ends it carries, and what it keeps alive."""

import gc
import signal
import sys
import types
from collections import deque
from contextlib import closing, suppress
from itertools import islice

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from spaced import spaced
from three_classes import CLASSES, EXAMPLES, FEATURES, X, Y

import purenn as pn
from purenn.training import train as train_module
from purenn.training.batches import Arrays
from purenn.training.compiled import Spec, compiled

pytestmark = pytest.mark.usefixtures("quickly")

KEY = jax.random.key(0)
BATCH, STEPS = 10, 7
MODEL = pn.serial(pn.batch_norm(), pn.dense(5), pn.relu, pn.dropout(0.25), pn.dense(CLASSES))
LOSS, ADAM = pn.softmax_cross_entropy, pn.adam(0.01)


def batches(epoch, *, before=lambda epoch, number: None):
    """Seven batches of ten, in another order in each epoch; `before` is called ahead of each."""
    rows = np.random.default_rng(epoch).permutation(EXAMPLES).reshape(STEPS, BATCH)
    for number, part in enumerate(rows, 1):
        before(epoch, number)
        yield X[part], Y[part]


SOURCES = {"arrays": (X, Y), "function": batches}
sources = pytest.mark.parametrize("data", SOURCES.values(), ids=SOURCES)


def train(data=(X, Y), function=pn.train, model=MODEL, **options):
    options = {"epochs": 2, "key": KEY, "batch_size": None if callable(data) else BATCH} | options
    options = {"optimizer": ADAM} | options
    return function(model, LOSS, options.pop("optimizer"), data, **options)


def fit(data=(X, Y), **options):
    return train(data, pn.fit, **{"progress": False} | options)


def same(one, other):
    """Assert that two training states are equal, bit for bit."""
    one, other = (s._replace(key=jax.random.key_data(s.key)) for s in (one, other))
    chex.assert_trees_all_equal(one, other, strict=True)


def all_losses(run):
    return np.concatenate([now.losses for now in run])


# What is yielded.


@sources
def test_train_takes_the_steps_of_fit(data):
    *_, last = run = list(train(data))
    train_state, history = fit(data)
    same(last.train_state, train_state)
    losses = all_losses(run).astype(np.float64).reshape(2, STEPS)
    assert [record.loss for record in history] == [sum(epoch) / STEPS for epoch in losses.tolist()]


@sources
@pytest.mark.parametrize("chunk", [1, 3, 7, 100, None])
def test_progress_comes_after_each_chunk_and_at_the_end_of_each_epoch(chunk, data):
    run = list(train(data, chunk=chunk))
    places = [(now.epoch, now.step) for now in run]
    if chunk is not None:
        ends = [*range(chunk, STEPS, chunk), STEPS]
        assert places == [(epoch, step) for epoch in (1, 2) for step in ends]
    assert places == sorted(set(places))
    done = 0
    for now in run:
        done += now.losses.size
        assert now.losses.size > 0 and isinstance(now.losses, np.ndarray)
        assert (now.epoch - 1) * STEPS + now.step == done == int(now.train_state.step)
        assert now.epoch_done == (now.step == STEPS)
    assert done == 2 * STEPS
    one_by_one = list(train(data, chunk=1))
    same(run[-1].train_state, one_by_one[-1].train_state)
    np.testing.assert_array_equal(all_losses(run), all_losses(one_by_one))


@sources
def test_a_run_continues_from_the_state_of_any_epoch(data):
    expected = [now for now in train(data, epochs=3) if now.epoch_done]
    first = {"first_epoch": 1} if callable(data) else {}
    run = list(train(data, epochs=2, train_state=expected[0].train_state, key=None, **first))
    assert [now.epoch for now in run if now.epoch_done] == [2, 3]
    same(run[-1].train_state, expected[-1].train_state)


def test_a_break_ends_the_run_and_closes_the_data():
    closed = []

    def data(epoch):
        try:
            yield from batches(epoch)
        finally:
            closed.append(epoch)

    for now in train(data, chunk=2, epochs=5):
        if now.epoch == 2:
            break
    assert closed == [0, 1] and (now.epoch, now.step) == (2, 2)
    same(now.train_state, list(train(batches, chunk=2))[4].train_state)

    for now in train(chunk=2, epochs=5):
        if now.epoch_done:
            break
    same(now.train_state, fit(epochs=1)[0])


STATIC = property(lambda source: True, lambda source, value: None)  # whatever the device is
OPTIMIZED = jax.jit  # as XLA compiles by default, where it drops a loop that has one step


def test_chunks_of_static_length_give_the_same_bits(monkeypatch):
    """As on a GPU, where each length of a chunk is compiled by itself."""
    monkeypatch.setattr(jax, "jit", OPTIMIZED)
    lengths, now = [], [0.0]
    options = {"model": pn.mlp((40, 30), CLASSES, w_init=spaced), "optimizer": pn.sgd(0.5)}

    def recorded(spec, sharding=None, *, static_length=False):
        def chunk(*given):
            lengths.append(given[-1])
            now[0] += 0.05 * given[-1]  # six steps take as long as a chunk
            return parts.chunk(*given)

        parts = compiled(spec, sharding, static_length=static_length)
        return parts._replace(chunk=chunk) if static_length else parts

    expected = list(train(**options))
    monkeypatch.setattr("purenn.training.batches.time.perf_counter", lambda: now[0])
    monkeypatch.setattr(Arrays, "static_length", STATIC, raising=False)
    monkeypatch.setattr(train_module, "compiled", recorded)
    for chunk in (None, 2):
        run = list(train(**options, chunk=chunk))
        same(run[-1].train_state, expected[-1].train_state)
        np.testing.assert_array_equal(all_losses(run), all_losses(expected))
    assert lengths == [1, 4, 2, 4, 2, 1, *([2, 2, 2, 1] * 2)]  # powers of two


# Arguments are checked when `train` is called, before anything is asked of the generator.

DELETED = jnp.zeros((12, 6))
DELETED.delete()
WRONG_CALLS = {
    "epochs must be at least 1": {"epochs": 0},
    "epochs must be a whole number": {"epochs": 1.5},
    "chunk must be at least 1, got 0": {"chunk": 0},
    "chunk must be a whole number, got 2.5": {"chunk": 2.5},
    "locate must be": {"locate": "yes"},
    "batch_size is missing": {"batch_size": None},
    "batch_size is 71, but x holds 70": {"batch_size": 71},
    "key must be one PRNG key": {"key": 0},
    "model must be a layer": {"model": 3},
    "optimizer must have init and update": {"optimizer": pn.adam},
    "train_state must be a TrainState": {"train_state": ()},
    "mesh must be": {"mesh": "all"},
    "blocks must be at least 1": {"blocks": 0},
    "blocks is for data in arrays": {"data": batches, "blocks": 2},
    "first_epoch is for a function": {"first_epoch": 0},
    "first_epoch must be at least 0": {"data": batches, "first_epoch": -1},
    r"data must be \(x, targets\)": {"data": X},
    r"data\(0\) gave no batch": {"data": lambda epoch: []},
    r"data\[0\] was deleted": {"data": (DELETED, Y[:12])},
    r"targets\[0\] is 3, expected labels": {"data": (X, np.append(np.int32(3), Y[1:]))},
}


@pytest.mark.parametrize("says", WRONG_CALLS)
def test_wrong_arguments_are_rejected_at_the_call(says):
    with pytest.raises((TypeError, ValueError), match=f"^train: .*{says}"):
        train(**WRONG_CALLS[says])


def test_a_traced_argument_is_rejected_at_the_call():
    with pytest.raises(TypeError, match="^train: key is traced.*training_run"):
        jax.jit(lambda key: train(key=key) and 0)(KEY)


# An exception that ends a run carries the last good progress.


class BrokenError(Exception):
    """An error of the user's own code."""


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)


def fail():
    raise BrokenError


ENDS = {"Ctrl-C": (press_ctrl_c, KeyboardInterrupt), "an error": (fail, BrokenError)}


@pytest.fixture(params=["train", "fit", "fit with checkpoints"])
def drain(request, tmp_path):
    """A run from its beginning to its end, by each of the functions that make one."""
    folder = {"checkpoints": tmp_path / "run"} if "checkpoints" in request.param else {}
    if request.param == "train":
        return lambda data, **options: list(train(data, **options))
    return lambda data, **options: fit(data, **options, **folder)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize(("stop", "kind"), ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("place", [(1, 4), (1, 1), (0, 3)], ids=str)
def test_progress_after_a_stop_in_the_data_function(place, stop, kind, drain):
    def before(epoch, number):
        if (epoch, number) == place:
            stop()

    with pytest.raises(kind) as caught:
        drain(lambda epoch: batches(epoch, before=before))
    progress = caught.value.progress
    done = place[0] * STEPS + place[1] - 1  # the step that was still running is waited for
    assert (progress.epoch - 1) * STEPS + progress.step == done
    assert progress.epoch_done == (place == (1, 1))
    same(progress.train_state, list(train(batches, chunk=1))[done - 1].train_state)
    again = list(train(batches, train_state=progress.train_state, first_epoch=place[0], epochs=1))
    assert int(again[-1].train_state.step) == done + STEPS
    if progress.epoch_done:
        same(again[-1].train_state, list(train(batches))[-1].train_state)


@sources
@pytest.mark.parametrize("kind", [KeyboardInterrupt, BrokenError])
def test_progress_after_an_exception_is_thrown_into_the_loop(kind, data):
    run = train(data, chunk=3)
    seen = [next(run) for _ in range(4)]
    with pytest.raises(kind) as caught:
        run.throw(kind())
    assert caught.value.progress is seen[-1]
    assert (seen[-1].epoch, seen[-1].step) == (2, 3)
    assert list(run) == []


def test_progress_after_a_stop_at_the_end_of_an_epoch_continues_to_the_same_bits():
    run = train()
    while not next(run).epoch_done:
        pass
    with pytest.raises(KeyboardInterrupt) as caught:
        run.throw(KeyboardInterrupt())
    start = caught.value.progress.train_state
    same(fit(train_state=start, epochs=1)[0], fit()[0])


# Its tenth update, the third one of the second epoch, is infinite.
JUMPS = pn.adam(lambda step: jnp.where(step == 9, jnp.inf, 0.01).astype(jnp.float32))


def poisoned(epoch):
    for number, (x, targets) in enumerate(batches(epoch), 1):
        yield x * np.float32(np.nan if (epoch, number) == (1, 3) else 1), targets


DIVERGING = {
    "arrays": ((X, Y), JUMPS),
    "function": (batches, JUMPS),
    "a NaN batch": (poisoned, ADAM),
}


@pytest.mark.parametrize(("data", "optimizer"), DIVERGING.values(), ids=DIVERGING)
def test_progress_of_a_run_that_diverges_is_the_last_finite_one(data, optimizer, drain):
    with pytest.raises(FloatingPointError, match=r"epoch 2, step 3\b") as caught:
        drain(data, optimizer=optimizer)
    progress = caught.value.progress
    done = (progress.epoch - 1) * STEPS + progress.step
    assert int(progress.train_state.step) == done <= STEPS + 2
    chex.assert_tree_all_finite(progress.train_state._replace(key=()))
    if callable(data):
        assert done == STEPS + 2
        before = train(batches, optimizer=optimizer, chunk=1)
        same(progress.train_state, list(islice(before, done))[-1].train_state)
    # It can be trained on, with an optimizer that does not jump.
    list(train((X, Y), train_state=progress.train_state, epochs=1))


@pytest.mark.parametrize("checkpoints", [False, True], ids=["", "checkpoints"])
@pytest.mark.parametrize("fails", ["validation", "the bar"])
def test_progress_after_an_error_in_what_fit_adds(fails, checkpoints, tmp_path, monkeypatch):
    options = {"checkpoints": tmp_path / "run"} if checkpoints else {}
    model, kind = MODEL, BrokenError
    if fails == "validation":

        def no_thirteen(x):
            if x.shape[0] == 13:
                raise BrokenError
            return x

        model, options["validation"] = (
            pn.serial(no_thirteen, pn.dense(CLASSES, w_init=spaced)),
            (X[:13], Y[:13]),
        )
    else:

        def pressed(*given, **options):
            raise KeyboardInterrupt

        names = ("__init__", "set_description", "update", "close")
        bar = type("Bar", (), dict.fromkeys(names, lambda *given, **options: None))
        bar.set_postfix_str = pressed
        monkeypatch.setitem(sys.modules, "tqdm.auto", types.SimpleNamespace(tqdm=bar))
        options["progress"], kind = True, KeyboardInterrupt
    with pytest.raises(kind) as caught:
        fit(model=model, **options)
    progress = caught.value.progress
    assert progress.epoch == 1 and progress.step == int(progress.train_state.step) > 0
    assert progress.epoch_done or fails != "validation"
    if progress.epoch_done:
        last = list(train(model=model, train_state=progress.train_state, epochs=1))[-1]
        same(last.train_state, list(train(model=model))[-1].train_state)


# What stays alive. The first weights have a shape that nothing else has.

WIDTH = 37
COUNTED = pn.mlp((WIDTH,), CLASSES, w_init=spaced)


def states_alive():
    """Count the training states: the parameters and Adam's two moments have that shape."""
    arrays = [a for a in jax.live_arrays() if a.shape == (FEATURES, WIDTH) and not a.is_deleted()]
    assert len(arrays) % 3 == 0
    return len(arrays) // 3


def counted(monkeypatch, counts):
    """Count the states whenever a chunk or a step is called, before its result is there."""

    def watched(spec, sharding=None, **options):
        def counting(program):
            def call(*given):
                counts.append(states_alive())
                return program(*given)

            return call

        parts = compiled(spec, sharding, **options)
        return parts._replace(chunk=counting(parts.chunk), step=counting(parts.step))

    monkeypatch.setattr(train_module, "compiled", watched)


@sources
@pytest.mark.parametrize("function", ["train", "fit"])
def test_at_most_two_states_are_alive_besides_the_one_that_is_computed(
    function, data, tmp_path, monkeypatch
):
    at_calls, in_data, at_yields = [], [], []
    counted(monkeypatch, at_calls)
    given = data
    if callable(data):

        def given(epoch):
            return batches(epoch, before=lambda *place: in_data.append(states_alive()))

    options = {"model": COUNTED, "epochs": 3}
    assert states_alive() == 0
    if function == "fit":
        fit(given, checkpoints=tmp_path / "run", checkpoint_every=0, validation=(X, Y), **options)
    else:
        for _now in train(given, chunk=3, **options):
            at_yields.append(states_alive())
        del _now
    assert states_alive() == 0
    if callable(data):
        assert len(at_calls) == len(in_data) == 3 * STEPS
        assert max(at_calls) == 2
        assert max(in_data) == 3  # one is being computed
        assert set(at_yields) <= {1}
    else:
        assert at_calls and set(at_calls) == {1}
        assert set(at_yields) <= {1}


@sources
def test_the_state_to_continue_from_is_neither_copied_nor_donated(data, monkeypatch):
    at_calls, in_data = [], []
    counted(monkeypatch, at_calls)
    start = pn.TrainState.create(COUNTED, ADAM, KEY, (FEATURES,))
    kept = jax.tree.map(np.asarray, start._replace(key=()))
    given = data
    if callable(data):

        def given(epoch):
            return batches(epoch, before=lambda *place: in_data.append(states_alive()))

    with closing(train(given, model=COUNTED, train_state=start, key=None)) as run:
        last = deque(run, maxlen=1).pop()  # earlier ones are let go
    assert at_calls[0] == 1 and (not in_data or in_data[0] == 1)
    assert states_alive() == 2  # the one that was given, and the last
    chex.assert_trees_all_equal(start._replace(key=()), kept)
    assert int(last.train_state.step) == 2 * STEPS


def test_programs_are_compiled_once_for_any_number_of_runs_and_chunks():
    parts = compiled(Spec(MODEL, LOSS, ADAM, None))
    for chunk in (2, 5, None):
        list(train(chunk=chunk))
        list(train(batches, chunk=chunk))
    sizes = parts.chunk._cache_size(), parts.step._cache_size()
    list(train(chunk=4))
    list(train(batches, chunk=4))
    assert sizes == (parts.chunk._cache_size(), parts.step._cache_size())


def test_an_exception_that_takes_no_attribute_comes_through_as_it_is():
    class ClosedError(Exception):
        def __setattr__(self, name, value):
            raise AttributeError(name)

    def data(epoch):
        yield X[:BATCH], Y[:BATCH]
        raise ClosedError("mine")

    with pytest.raises(ClosedError, match="mine"):
        list(train(data, epochs=1))


def test_the_states_of_a_run_whose_data_failed_are_freed_with_its_error():
    def data(epoch):
        yield np.zeros((4, 41), np.float32), np.zeros((4, 37), np.float32)
        raise OSError("disk")

    gc.collect()
    gc.disable()  # or a reference cycle would be found, later
    try:
        with suppress(OSError):
            list(pn.train(pn.dense(37), pn.mse, pn.sgd(0.1), data, epochs=1, key=KEY))
        assert not [array for array in jax.live_arrays() if array.shape == (41, 37)]
    finally:
        gc.enable()
