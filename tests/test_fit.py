"""`fit`: the run of `train`, with its history, its bar, its validation and its checks of data."""

import gc
import sys
import weakref

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from spaced import spaced
from table import error
from three_classes import CLASSES, EXAMPLES, FEATURES

import purenn as pn
from purenn.training import batches as batches_module
from purenn.training import train as train_module
from purenn.training.compiled import Spec, compiled
from purenn.training.shuffle import epoch_order

pytestmark = pytest.mark.usefixtures("quickly")

KEY = jax.random.key(0)
PLAIN = pn.mlp((5,), CLASSES, w_init=spaced)
MODEL = pn.serial(pn.batch_norm(), pn.dropout(0.25), PLAIN)
LOSS = pn.softmax_cross_entropy
ADAM = pn.adam(0.01)


def fit(data, model=PLAIN, optimizer=ADAM, *, key=KEY, progress=False, **options):
    options = {"epochs": 1} | options
    if not callable(data):
        options = {"batch_size": 10} | options
    return pn.fit(model, LOSS, optimizer, data, key=key, progress=progress, **options)


def batches(data, *, poisoned=()):
    """Seven batches of ten, in order; NaN in the poisoned (epoch, batch)."""

    def epoch_of(epoch):
        for i in range(0, EXAMPLES, 10):
            bad = np.float32(np.nan if (epoch, i // 10) in poisoned else 1)
            yield data[0][i : i + 10] * bad, data[1][i : i + 10]

    return epoch_of


def same(one, other):
    """Assert that two trees are equal, bit for bit."""
    chex.assert_trees_all_equal(one, other, strict=True)


def test_epochs_count_on_in_history_bar_and_messages(data, capfd):
    pytest.importorskip("tqdm")
    # Three epochs of seven steps are done; that the last one stopped short of its end
    # changes nothing.
    for step in (21, 27):
        start = pn.TrainState.create(PLAIN, ADAM, KEY, (FEATURES,))._replace(step=jnp.int32(step))
        _, history = fit(data, train_state=start, epochs=2, progress=True)
        assert [h.epoch for h in history] == [4, 5]
        err = capfd.readouterr().err
        assert "epoch 4/5:  60%" in err and "epoch 5/5: 100%" in err and "35/35" in err
        with pytest.raises(FloatingPointError, match=r"loss is nan at epoch 4, step 1;"):
            fit((data[0] * np.nan, data[1]), train_state=start)
    # Batches of another size: 35 steps per epoch.
    assert fit(data, train_state=start, batch_size=2)[1][0].epoch == 1


def test_early_stopping_in_a_loop_knows_its_epochs(data):
    asked, train_state, function_state, epochs = [], None, None, []
    for i in range(3):
        train_state, (record,) = fit(data, train_state=train_state)
        given = lambda epoch: asked.append(epoch) or batches(data)(epoch)  # noqa: E731
        function_state, (by_function,) = fit(given, train_state=function_state, first_epoch=i)
        epochs.append((record.epoch, by_function.epoch))
    assert epochs == [(1, 1), (2, 2), (3, 3)] and asked == [0, 1, 2]
    same(function_state, fit(batches(data), epochs=3)[0])


def test_a_function_s_epochs_count_on_from_the_first(data, capfd):
    asked = []

    def given(epoch):
        asked.append(epoch)
        return batches(data, poisoned={(6, 3)})(epoch)

    _, history = fit(given, first_epoch=4, epochs=2, progress=True)
    assert asked == [4, 5] and [h.epoch for h in history] == [5, 6]
    assert "epoch 6/6" in capfd.readouterr().err
    with pytest.raises(FloatingPointError, match=r"loss is nan at epoch 7, step 4;"):
        fit(given, first_epoch=5, epochs=2)
    wrong = data[1].copy()
    wrong[35] = CLASSES
    with pytest.raises(ValueError, match=r"in epoch 5, batch 4, targets\[5\] is 3"):
        fit(batches((data[0], wrong)), first_epoch=4)
    with pytest.raises(ValueError, match=r"fit: data\(4\) gave no batch"):
        fit(lambda epoch: [], first_epoch=4)
    # Without it they begin at 0, whatever the state has seen.
    start = pn.TrainState.create(PLAIN, ADAM, KEY, (FEATURES,))._replace(step=jnp.int32(21))
    assert fit(batches(data), train_state=start)[1][0].epoch == 1


def test_fit_never_donates_what_it_was_given(data):
    x, targets = jnp.asarray(data[0]), jnp.asarray(data[1])
    key = jax.random.key(5)
    start = pn.TrainState.create(PLAIN, ADAM, key, (FEATURES,))
    for source in ((x, targets), lambda epoch: [(x[:10], targets[:10])]):
        fit(source, train_state=start, key=key)
        fit(source, key=key)
        for leaf in (x, targets, key, *jax.tree.leaves(start)):
            assert not leaf.is_deleted()
    np.testing.assert_array_equal(x, data[0])


@pytest.mark.parametrize("source", ["arrays", "function"])
@pytest.mark.parametrize("kind", ["op", "plain-function"])
def test_the_same_model_loss_and_optimizer_compile_once(source, kind, data):
    traces = []

    def counted(logits, targets):
        traces.append(logits.shape)
        return LOSS(logits, targets)

    def forward(predictions, targets):
        traces.append(predictions.shape)
        off = predictions - jax.nn.one_hot(targets, CLASSES)
        return jnp.mean(off * off), off

    def backward(off, dy):
        return 2 * off * dy / off.size

    loss = counted if kind == "plain-function" else pn.Op(forward=forward, backward=backward)
    given = data if source == "arrays" else batches(data)
    options = {"batch_size": 10} if source == "arrays" else {}

    def once(key):
        pn.fit(
            PLAIN, loss, ADAM, given, epochs=2, key=key, validation=data, progress=False, **options
        )

    once(KEY)
    first = len(traces)
    once(jax.random.key(1))
    assert first > 0 and len(traces) == first


def test_next_batch_is_prepared_while_the_device_works_and_no_more_than_one(monkeypatch):
    losses, asked = [], []

    def watched(spec, sharding=None, **options):
        def step(*given):
            assert all(loss.is_ready() for loss in losses[:-1])  # one step ahead of the device
            train_state, *values = compiled(spec).step(*given)
            losses.append(values[1])
            return train_state, *values

        return compiled(spec)._replace(step=step)

    monkeypatch.setattr(train_module, "compiled", watched)

    def long(x):  # a step takes tenths of a second, asking for a batch takes none
        y = jax.lax.fori_loop(0, 60, lambda i, y: jnp.tanh(y @ y), jnp.ones((500, 500)))
        return x + y[0, 0] / 1e6, ()

    def given(epoch):
        for _ in range(4):
            asked.extend(loss.is_ready() for loss in losses[-1:])
            yield X, Y

    slow = pn.serial(pn.Op(long, lambda _, dy: dy), pn.dense(CLASSES, w_init=spaced))
    pn.fit(slow, LOSS, pn.sgd(0.1), given, epochs=1, key=KEY, progress=False)
    assert asked == [False] * 3


def test_a_generator_may_fill_the_same_arrays_again(rng):
    # Large, and aligned as XLA wants its arrays: it would read them in place, and later than asked.
    every = rng.normal(size=(8, 256, 300)).astype(np.float32)
    raw = np.empty(every[0].nbytes + 64, np.uint8)
    start = -raw.ctypes.data % 64
    x = raw[start : start + every[0].nbytes].view(np.float32).reshape(every[0].shape)

    def fresh(epoch):
        return ((rows, np.arange(256, dtype=np.int32) % 3) for rows in every)

    def refilled(epoch):
        for rows, targets in fresh(epoch):
            x[:] = rows
            yield x, targets

    model = pn.mlp((800,), 3, w_init=spaced)
    same(fit(refilled, model, epochs=2)[0], fit(fresh, model, epochs=2)[0])


def test_bar_looks_at_a_long_epoch_at_least_twice_a_second(monkeypatch):
    # By a clock that a step moves by 10 ms: no machine is slow or fast enough to change the test.
    now, chunks = [0.0], []

    def timed(spec, sharding=None, **options):
        def chunk(*given):
            chunks.append(given[-1])
            now[0] += 0.01 * chunks[-1]
            return compiled(spec).chunk(*given)

        return compiled(spec)._replace(chunk=chunk)

    monkeypatch.setattr(train_module, "compiled", timed)
    monkeypatch.setattr(batches_module.time, "perf_counter", lambda: now[0])
    x, targets = np.zeros((200, FEATURES), np.float32), np.zeros(200, np.int32)
    fit((x, targets), PLAIN, epochs=2, batch_size=1)
    # The first is short, since nothing is known yet; what is learned serves the next epoch too.
    assert sum(chunks) == 400 and chunks[0] < 50
    assert max(chunks) <= 50 and len(chunks) <= 20


def test_data_can_be_a_function_of_the_epoch(data):
    asked = []

    def listed(epoch):
        asked.append(epoch)
        return list(batches(data)(epoch))

    from_list, _ = fit(listed, epochs=3)
    from_generator, _ = fit(batches(data), epochs=3)
    same(from_list, from_generator)
    assert asked == [0, 1, 2] and from_list.step == 21


def test_the_steps_of_a_function_s_batches_are_those_of_train_step(data, x64):
    # In float64, since in float32 the steps of another program may differ by a rounding each; and
    # from the same start, since weights that a jitted program draws differ by a rounding too.
    model = pn.as_dtype(PLAIN, jnp.float64)
    data = data[0].astype(np.float64), data[1]
    train_state = pn.TrainState.create(model, ADAM, KEY, (FEATURES,))
    got, history = fit(batches(data), model, epochs=3, train_state=train_state)
    step = jax.jit(pn.train_step(model, LOSS, ADAM))
    for epoch in range(3):
        values = []
        for batch in batches(data)(epoch):
            train_state, value = step(train_state, *batch)
            values.append(value)
        np.testing.assert_allclose(history[epoch].loss, np.mean(values), rtol=1e-12)
    assert error(got.params, train_state.params) <= 1e-12


def test_history_has_a_record_per_epoch_with_validation_if_asked(data):
    held_out = (data[0][:33], data[1][:33])
    train_state, history = fit(data, MODEL, epochs=2, batch_size=3, validation=held_out)
    assert [h.epoch for h in history] == [1, 2] and all(h.seconds > 0 for h in history)
    loss, accuracy = pn.evaluate(MODEL, LOSS, train_state.params, train_state.state, *held_out)
    assert (history[1].validation_loss, history[1].validation_accuracy) == (loss, accuracy)
    _, without = fit(data, MODEL, batch_size=3)
    assert (without[0].validation_loss, without[0].validation_accuracy) == (None, None)
    assert without[0].loss == history[0].loss  # looking changes nothing


def test_progress_is_a_bar_on_stderr_and_nothing_when_off(data, capfd):
    pytest.importorskip("tqdm")
    fit(data, epochs=2, validation=data, progress=True)
    out, err = capfd.readouterr()
    assert out == "" and "epoch 2/2" in err and "14/14" in err
    assert "loss" in err and "accuracy" in err
    fit(data)
    assert capfd.readouterr() == ("", "")


def test_progress_without_tqdm_is_a_line_per_epoch(data, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    _, history = fit(data, epochs=2, validation=data, progress=True)
    out, err = capfd.readouterr()
    lines = err.splitlines()
    assert out == "" and len(lines) == 2
    for line, record in zip(lines, history, strict=True):
        assert line.startswith(f"epoch {record.epoch}: loss {record.loss:.4f}, accuracy ")
        assert line.endswith(" s")


def test_a_nan_stops_the_run_and_names_its_epoch_and_step(data):
    with pytest.raises(FloatingPointError, match=r"loss is nan at epoch 2, step 4;"):
        fit(batches(data, poisoned={(1, 3)}), epochs=3)
    # With arrays: one bad row, in whichever step the shuffle puts it, here past the first chunk.
    train_key = jax.random.split(KEY)[1]
    row = int(epoch_order(train_key, 0, EXAMPLES, 2)[24, 1])
    x = data[0].copy()
    x[row] = np.nan
    with pytest.raises(FloatingPointError, match=r"loss is nan at epoch 1, step 25;"):
        fit((x, data[1]), batch_size=2)


def test_a_wrong_label_in_a_batch_of_a_function_is_rejected_before_its_step(data):
    wrong = data[1].copy()
    wrong[35] = CLASSES
    says = r"in epoch 1, batch 4, targets\[5\] is 3, expected labels in 0 … 2 \(1 of 10 "
    with pytest.raises(ValueError, match=says):
        fit(batches((data[0], wrong)))
    # On the device a label is looked at by the step first, for which fit would have to wait.
    with pytest.raises(FloatingPointError, match=r"epoch 1, step 4; .*targets\[5\] is 3, expected"):
        fit(batches((data[0], jnp.asarray(wrong))))


LABELS = r"targets\[3\] is {}, expected labels in 0 … 2 \(1 of 70 are outside\)"


@pytest.mark.parametrize("wrong", [-1, CLASSES, 255])
@pytest.mark.parametrize("where", ["fit", "validation", "evaluate"])
def test_wrong_labels_are_rejected_on_the_host_before_anything_compiles(where, wrong, data):
    x, targets = data
    bad = targets.copy()
    bad[3] = wrong
    traces = []

    def forward(logits, targets):
        traces.append(logits)
        return LOSS.functions.forward(logits, targets)

    loss = LOSS.replace(forward=forward)

    def run():
        if where == "evaluate":
            params, state = PLAIN.init(KEY, (FEATURES,))
            return pn.evaluate(PLAIN, loss, params, state, x, bad)
        given, validation = ((x, bad), None) if where == "fit" else (data, (x, bad))
        options = {"epochs": 1, "batch_size": 10, "key": KEY, "progress": False}
        return pn.fit(PLAIN, loss, ADAM, given, validation=validation, **options)

    with pytest.raises(ValueError, match=LABELS.format(wrong)):
        run()
    assert not traces


X, Y = np.zeros((12, FEATURES), np.float32), np.zeros(12, np.int32)


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"data": (X[:0], Y[:0])}, ValueError, r"x holds no examples, shape \(0, 6\)"),
        ({"data": (X, Y[:5])}, ValueError, "x holds 12 examples and targets 5"),
        ({"data": X}, TypeError, r"data must be \(x, targets\) or a function.*float32\(12, 6\)"),
        ({"data": (X.tolist(), Y)}, TypeError, "x must be an array, got a list"),
        ({"data": lambda epoch: []}, ValueError, r"data\(0\) gave no batch"),
        ({"data": lambda epoch: [(X, Y)][epoch:], "epochs": 2}, ValueError, "no batch in epoch 2"),
        ({"data": lambda epoch: None if epoch else [(X, Y)], "epochs": 2}, TypeError, r"data\(1\)"),
        ({"data": lambda epoch: [X]}, TypeError, r"first batch must be \(x, targets\)"),
        ({"batch_size": 13}, ValueError, "batch_size is 13, but x holds 12 examples"),
        ({"batch_size": None}, TypeError, "batch_size is missing"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ({"epochs": 0}, ValueError, "epochs must be at least 1, got 0"),
        ({"epochs": 1.5}, TypeError, "epochs must be a whole number, got 1.5"),
        ({"first_epoch": 0}, TypeError, "first_epoch is for a function of the epoch"),
        (
            {"data": lambda epoch: [(X, Y)], "first_epoch": -1},
            ValueError,
            "first_epoch must be at least 0, got -1",
        ),
        ({"key": 0}, TypeError, "key must be one PRNG key.*got 0"),
        ({"optimizer": pn.adam}, TypeError, "optimizer must have.*call it with a learning rate"),
        ({"model": 3}, TypeError, "model must be a layer, an op or a function, got 3"),
        (
            {"validation": (X, Y[:5])},
            ValueError,
            "validation's x holds 12 .* validation's targets 5",
        ),
        ({"validation": X}, TypeError, r"validation must be \(x, targets\), got float32\(12, 6\)"),
        ({"validation": (X,)}, TypeError, r"validation must be \(x, targets\)"),
    ],
)
def test_fit_rejects_what_does_not_fit(options, kind, says):
    with pytest.raises(kind, match=f"fit: .*{says}"):
        fit(**({"data": (X, Y)} | options))


def test_models_that_were_trained_can_be_forgotten(data):
    """A sweep over many models must not keep them all, with their compiled programs."""
    kept = []
    for _ in range(12):
        model = pn.serial(lambda x: x)
        pn.evaluate(model, pn.mse, ((),), ((),), data[0], data[0])
        pn.predict(model, ((),), ((),), data[0])
        compiled(Spec(model, pn.mse, ADAM, None))
        kept.append(weakref.ref(model))
    del model
    gc.collect()
    assert sum(model() is not None for model in kept) <= 8


def test_integer_targets_that_are_not_classes_are_left_alone(data):
    """A loss of one's own may take integers for what it likes."""

    def counts(outputs, targets):
        return jnp.mean((outputs[:, 0] - targets.astype(outputs.dtype)) ** 2)

    model, x = pn.dense(2, w_init=spaced), data[0]
    targets = np.full(len(x), 17)
    train_state, _ = pn.fit(
        model, counts, ADAM, (x, targets), epochs=1, batch_size=10, key=KEY, progress=False
    )
    one = pn.serial(pn.dense(1, w_init=spaced), lambda z: z[:, 0])
    params, state = one.init(KEY, (FEATURES,))
    loss = pn.sigmoid_binary_cross_entropy
    assert pn.evaluate(one, loss, params, state, x, targets * 0)[1] is None
    assert int(train_state.step) == len(x) // 10
