"""Training: the state, one step, whole runs, `fit`, and evaluation."""

import functools
import gc
import sys
import weakref
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from table import error, plain_dropout

import purenn as pn
from purenn.training import batches as batches_module
from purenn.training import train as train_module
from purenn.training.compiled import Spec, compiled
from purenn.training.shuffle import epoch_order

KEY = jax.random.key(0)
CLASSES, FEATURES, EXAMPLES = 3, 6, 70
# Batch norm comes first: a bias before it has a derivative of exactly zero, whose rounding noise
# Adam would blow up into whole steps.
MODEL = pn.serial(pn.batch_norm(), pn.dense(5), pn.relu, pn.dropout(0.25), pn.dense(CLASSES))
PLAIN = pn.mlp((5,), CLASSES)
LOSS = pn.softmax_cross_entropy
ADAM = pn.adam(0.01)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(EXAMPLES, FEATURES)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(np.int32) + (x[:, 1] > 0)


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


def same(a, b):
    """Bit-identical, keys included."""
    flat = [jax.tree.leaves(tree) for tree in (a, b)]
    assert len(flat[0]) == len(flat[1])
    for x, y in zip(*flat, strict=True):
        if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
            x, y = jax.random.key_data(x), jax.random.key_data(y)
        np.testing.assert_array_equal(x, y)


# The state, and one step.


def test_a_new_state_counts_from_an_int32_0_and_splits_its_key():
    train_state = pn.TrainState.create(MODEL, ADAM, KEY, (FEATURES,))
    init_key, run_key = jax.random.split(KEY)
    params, state = MODEL.init(init_key, (FEATURES,))
    same(train_state, (params, state, ADAM.init(params), run_key, jnp.int32(0)))
    assert (train_state.step.dtype, train_state.step.shape) == (jnp.int32, ())


@pytest.mark.usefixtures("quickly")
def test_step_t_is_one_of_plain_jax_under_fold_in_of_the_key_and_t(data):
    # The reference knows nothing of purenn's backward pass: autodiff, and the plain dropout
    # of the table. So it proves the key of the step too: fold_in(key, t), then part 1 of serial.
    x, targets = data
    model = pn.serial(pn.dense(8), pn.dropout(0.5), pn.dense(CLASSES))
    step = jax.jit(pn.train_step(model, LOSS, pn.sgd(0.5), penalty=pn.l2_penalty(0.1)))

    def reference(params, key, t):
        part_key = jax.random.fold_in(jax.random.fold_in(key, t), 1)
        hidden, _, out = params
        z = plain_dropout(0.5, (), (), x @ hidden.w + hidden.b, part_key)
        logits = z @ out.w + out.b
        log_p = jax.nn.log_softmax(logits)
        loss = -jnp.mean(jnp.take_along_axis(log_p, targets[:, None], 1))
        return loss + 0.1 / 2 * (jnp.sum(hidden.w**2) + jnp.sum(out.w**2))

    referee = jax.jit(jax.value_and_grad(reference))
    train_state = pn.TrainState.create(model, pn.sgd(0.5), KEY, (FEATURES,))
    for t in range(4):
        value, grads = referee(train_state.params, train_state.key, t)
        expected = jax.tree.map(lambda p, g: p - 0.5 * g, train_state.params, grads)
        before, (train_state, loss) = train_state, step(train_state, x, targets)
        np.testing.assert_allclose(loss, value, rtol=1e-6)
        assert error(train_state.params, expected) <= 1e-6
        same((train_state.key, train_state.step), (before.key, jnp.int32(t + 1)))
    assert step._cache_size() == 1


def test_a_step_runs_the_same_eagerly_and_jitted(data):
    step = pn.train_step(PLAIN, LOSS, pn.sgd(0.1))
    train_state = pn.TrainState.create(PLAIN, pn.sgd(0.1), KEY, (FEATURES,))
    eager, value = step(train_state, *data)
    jitted, same_value = jax.jit(step)(train_state, *data)
    assert error((eager.params, value), (jitted.params, same_value)) <= 1e-6


# A whole run.


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize(
    "optimizer",
    [pn.sgd(0.3), pn.momentum(0.3, nesterov=True), pn.adam(0.01), pn.adamw(0.01), optax.adam(0.01)],
    ids=["sgd", "momentum", "adam", "adamw", "optax"],
)
def test_a_run_is_its_steps_however_the_loop_carries_the_weights(optimizer, data):
    # Wide weights, narrow ones, and kernels, which the loop turns and flattens and a step does not.
    model = pn.serial(
        lambda x: x.reshape(-1, 3, 2, 1), pn.conv2d(4), pn.flatten(), pn.mlp((40,), CLASSES)
    )
    x, targets = jnp.asarray(data[0]), jnp.asarray(data[1])
    with jax.numpy_dtype_promotion("standard"):  # optax mixes dtypes
        run = jax.jit(pn.training_run(model, LOSS, optimizer, epochs=1, batch_size=10))
        after, losses = run(KEY, x, targets)
        step = jax.jit(pn.train_step(model, LOSS, optimizer))
        train_state, values = pn.TrainState.create(model, optimizer, KEY, (FEATURES,)), []
        for rows in epoch_order(train_state.key, 0, EXAMPLES, 10):
            train_state, value = step(train_state, x[rows], targets[rows])
            values.append(value)
    assert error((after.params, losses[0]), (train_state.params, jnp.stack(values))) <= 1e-5
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, train_state)


@pytest.mark.parametrize(("examples", "batch_size"), [(70, 10), (23, 5), (8, 8)])
def test_every_epoch_is_another_permutation_decided_by_the_key(examples, batch_size):
    def order(key, epoch):
        rows = np.asarray(epoch_order(key, epoch, examples, batch_size))
        assert rows.shape == (examples // batch_size, batch_size)
        assert len(np.unique(rows)) == rows.size and rows.min() >= 0 and rows.max() < examples
        return rows

    orders = [order(jax.random.key(k), epoch) for k in (0, 1) for epoch in (0, 1, 2)]
    assert len({rows.tobytes() for rows in orders}) == len(orders)
    np.testing.assert_array_equal(order(jax.random.key(0), 1), orders[1])


def test_an_incomplete_last_batch_is_dropped_but_its_examples_come_in_other_epochs():
    seen = [set(np.ravel(epoch_order(KEY, epoch, 13, 5))) for epoch in range(10)]
    assert all(len(rows) == 10 for rows in seen) and set.union(*seen) == set(range(13))


@pytest.fixture(scope="module")
def two_epochs(data):
    """A whole run: 23 steps an epoch, one example left over."""
    run = jax.jit(pn.training_run(MODEL, LOSS, ADAM, epochs=2, batch_size=3))
    result = run(KEY, *data)
    same(result, run(KEY, *data))  # bit for bit the same again
    return result


def test_a_run_is_its_steps_one_after_the_other(two_epochs, data):
    x, targets = data
    final, losses = two_epochs
    assert losses.shape == (2, 23) and losses.dtype == jnp.float32 and final.step == 46

    step = jax.jit(pn.train_step(MODEL, LOSS, ADAM))
    train_state = pn.TrainState.create(MODEL, ADAM, KEY, (FEATURES,))
    values = []
    for epoch in range(2):
        for rows in epoch_order(train_state.key, epoch, EXAMPLES, 3):
            train_state, value = step(train_state, x[rows], targets[rows])
            values.append(value)
    np.testing.assert_allclose(losses.ravel(), values, atol=1e-5)
    assert error(final.params, train_state.params) <= 1e-5


def test_no_epochs_give_the_initial_state(data):
    run = pn.training_run(PLAIN, LOSS, ADAM, epochs=0, batch_size=32)
    train_state, losses = run(KEY, *data)
    same(train_state, pn.TrainState.create(PLAIN, ADAM, KEY, (FEATURES,)))
    assert losses.shape == (0, 2)


@pytest.mark.usefixtures("quickly")
def test_runs_vmapped_over_keys_and_learning_rates_are_the_single_runs(data):
    def run(key, rate):
        return pn.training_run(PLAIN, LOSS, pn.adam(rate), epochs=2, batch_size=10)(key, *data)

    keys, rates = jax.random.split(KEY, 2), jnp.array([0.003, 0.03], jnp.float32)
    over_rates = jax.vmap(run, in_axes=(None, 0))
    many, losses = jax.jit(jax.vmap(over_rates, in_axes=(0, None)))(keys, rates)
    assert losses.shape == (2, 2, 2, 7)
    single = jax.jit(run)
    for i in range(2):
        for j in range(2):
            alone, alone_losses = single(keys[i], rates[j])
            params = jax.tree.map(lambda leaf, i=i, j=j: leaf[i, j], many.params)
            np.testing.assert_allclose(losses[i, j], alone_losses, atol=1e-6)
            assert error(params, alone.params) <= 1e-6


# fit


def test_fit_is_training_run(two_epochs, data):
    # 23 steps an epoch are more than one chunk.
    expected, losses = two_epochs
    got, history = fit(data, MODEL, epochs=2, batch_size=3)
    same((got.key, got.step), (expected.key, expected.step))
    assert error((got.params, got.state), (expected.params, expected.state)) <= 1e-5
    np.testing.assert_allclose([h.loss for h in history], losses.mean(1), rtol=1e-6)
    again, again_history = fit(data, MODEL, epochs=2, batch_size=3)
    same(again, got)
    assert [h.loss for h in again_history] == [h.loss for h in history]


def test_fit_goes_on_from_a_state_exactly_where_it_stopped(data):
    whole, history = fit(data, MODEL, epochs=2, batch_size=3)
    half, first = fit(data, MODEL, batch_size=3)
    kept = jax.tree.map(jnp.copy, half)
    rest, second = fit(data, MODEL, batch_size=3, train_state=half, key=None)
    same(rest, whole)
    assert [h.loss for h in first + second] == [h.loss for h in history]
    assert [h.epoch for h in first + second] == [1, 2]
    same(half, kept)  # the state that was given is still whole: copied, not consumed


@pytest.mark.usefixtures("quickly")
def test_epochs_count_on_in_history_bar_and_messages(data, capfd):
    pytest.importorskip("tqdm")
    # Three epochs of seven steps are done; that the last one stopped short of its end changes none.
    for step in (21, 27):
        start = pn.TrainState.create(PLAIN, ADAM, KEY, (FEATURES,))._replace(step=jnp.int32(step))
        _, history = fit(data, train_state=start, epochs=2, progress=True)
        assert [h.epoch for h in history] == [4, 5]
        err = capfd.readouterr().err
        assert "epoch 4/5:  60%" in err and "epoch 5/5: 100%" in err and "35/35" in err
        with pytest.raises(FloatingPointError, match=r"loss is nan at epoch 4, step 1;"):
            fit((data[0] * np.nan, data[1]), train_state=start)
    # Batches of another size: 35 steps an epoch.
    assert fit(data, train_state=start, batch_size=2)[1][0].epoch == 1


@pytest.mark.usefixtures("quickly")
def test_early_stopping_in_a_loop_knows_its_epochs(data):
    asked, train_state, function_state, epochs = [], None, None, []
    for i in range(3):
        train_state, (record,) = fit(data, train_state=train_state)
        given = lambda epoch: asked.append(epoch) or batches(data)(epoch)  # noqa: E731
        function_state, (by_function,) = fit(given, train_state=function_state, first_epoch=i)
        epochs.append((record.epoch, by_function.epoch))
    assert epochs == [(1, 1), (2, 2), (3, 3)] and asked == [0, 1, 2]
    same(function_state, fit(batches(data), epochs=3)[0])


@pytest.mark.usefixtures("quickly")
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


@pytest.mark.usefixtures("quickly")
def test_fit_never_consumes_what_it_was_given(data):
    x, targets = jnp.asarray(data[0]), jnp.asarray(data[1])
    key = jax.random.key(5)
    start = pn.TrainState.create(PLAIN, ADAM, key, (FEATURES,))
    for source in ((x, targets), lambda epoch: [(x[:10], targets[:10])]):
        fit(source, train_state=start, key=key)
        fit(source, key=key)
        for leaf in (x, targets, key, *jax.tree.leaves(start)):
            assert not leaf.is_deleted()
    np.testing.assert_array_equal(x, data[0])


@pytest.mark.usefixtures("quickly")
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
        y = jax.lax.fori_loop(0, 100, lambda i, y: jnp.tanh(y @ y), jnp.ones((500, 500)))
        return x + y[0, 0] / 1e6, ()

    def given(epoch):
        for _ in range(4):
            asked.extend(loss.is_ready() for loss in losses[-1:])
            yield X, Y

    slow = pn.serial(pn.Op(long, lambda _, dy: dy), pn.dense(CLASSES))
    pn.fit(slow, LOSS, pn.sgd(0.1), given, epochs=1, key=KEY, progress=False)
    assert asked == [False] * 3


@pytest.mark.usefixtures("quickly")
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

    model = pn.mlp((800,), 3)
    same(fit(refilled, model, epochs=2)[0], fit(fresh, model, epochs=2)[0])


def test_a_wrapped_update_is_not_taken_for_the_one_it_wraps(data):
    # `wraps` copies every mark of adam's update, and this one does mind the shapes.
    adam = pn.adam(0.01)

    @functools.wraps(adam.update)
    def update(grads, opt_state, params):
        updates, opt_state = adam.update(grads, opt_state, params)
        decay = lambda u, p: u - 0.1 * p if p.ndim > 1 else u  # noqa: E731
        return jax.tree.map(decay, updates, params), opt_state

    decayed = pn.Optimizer(adam.init, update)
    after, _ = pn.training_run(PLAIN, LOSS, decayed, epochs=1, batch_size=10)(KEY, *data)
    step = jax.jit(pn.train_step(PLAIN, LOSS, decayed))
    train_state = pn.TrainState.create(PLAIN, decayed, KEY, (FEATURES,))
    for rows in np.asarray(epoch_order(train_state.key, 0, EXAMPLES, 10)):
        train_state, _ = step(train_state, data[0][rows], data[1][rows])
    assert error(after.params, train_state.params) <= 1e-5


@pytest.mark.usefixtures("quickly")
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


@pytest.mark.usefixtures("quickly")
def test_data_can_be_a_function_of_the_epoch(data):
    asked = []

    def listed(epoch):
        asked.append(epoch)
        return list(batches(data)(epoch))

    from_list, history = fit(listed, epochs=3)
    from_generator, _ = fit(batches(data), epochs=3)
    same(from_list, from_generator)
    assert asked == [0, 1, 2] and from_list.step == 21

    step = jax.jit(pn.train_step(PLAIN, LOSS, ADAM))
    train_state = pn.TrainState.create(PLAIN, ADAM, KEY, (FEATURES,))
    for epoch in range(3):
        values = []
        for batch in batches(data)(epoch):
            train_state, value = step(train_state, *batch)
            values.append(value)
        np.testing.assert_allclose(history[epoch].loss, np.mean(values), rtol=1e-6)
    assert error(from_list.params, train_state.params) <= 1e-6


@pytest.mark.usefixtures("quickly")
def test_history_has_a_record_an_epoch_with_validation_if_asked(data):
    held_out = (data[0][:33], data[1][:33])
    train_state, history = fit(data, MODEL, epochs=2, batch_size=3, validation=held_out)
    assert [h.epoch for h in history] == [1, 2] and all(h.seconds > 0 for h in history)
    loss, accuracy = pn.evaluate(MODEL, LOSS, train_state.params, train_state.state, *held_out)
    assert (history[1].validation_loss, history[1].validation_accuracy) == (loss, accuracy)
    _, without = fit(data, MODEL, batch_size=3)
    assert (without[0].validation_loss, without[0].validation_accuracy) == (None, None)
    assert without[0].loss == history[0].loss  # looking changes nothing


@pytest.mark.usefixtures("quickly")
def test_progress_is_a_bar_on_stderr_and_nothing_when_off(data, capfd):
    pytest.importorskip("tqdm")
    fit(data, epochs=2, validation=data, progress=True)
    out, err = capfd.readouterr()
    assert out == "" and "epoch 2/2" in err and "14/14" in err
    assert "loss" in err and "accuracy" in err
    fit(data)
    assert capfd.readouterr() == ("", "")


def test_progress_without_tqdm_is_a_line_an_epoch(data, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    _, history = fit(data, epochs=2, validation=data, progress=True)
    out, err = capfd.readouterr()
    lines = err.splitlines()
    assert out == "" and len(lines) == 2
    for line, record in zip(lines, history, strict=True):
        assert line.startswith(f"epoch {record.epoch}: loss {record.loss:.4f}, accuracy ")
        assert line.endswith(" s")


@pytest.mark.usefixtures("quickly")
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


def test_a_wrong_label_in_a_batch_of_a_function_is_refused_before_its_step(data):
    wrong = data[1].copy()
    wrong[35] = CLASSES
    says = r"in epoch 1, batch 4, targets\[5\] is 3, expected labels in 0 … 2 \(1 of 10 "
    with pytest.raises(ValueError, match=says):
        fit(batches((data[0], wrong)))
    # On the device a label is looked at by the step first, for which fit would have to wait.
    with pytest.raises(FloatingPointError, match=r"epoch 1, step 4; .*targets\[5\] is 3, expected"):
        fit(batches((data[0], jnp.asarray(wrong))))


LABELS = r"targets\[3\] is {}, expected labels in 0 … 2 \(1 of 70 are outside\)"


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("wrong", [-1, CLASSES, 255])
@pytest.mark.parametrize("where", ["fit", "validation", "evaluate"])
def test_wrong_labels_are_refused_on_the_host_before_anything_compiles(where, wrong, data):
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
        ({"validation": (X, Y[:5])}, ValueError, "x holds 12 examples and targets 5"),
        ({"validation": X}, TypeError, r"validation must be \(x, targets\), got float32\(12, 6\)"),
        ({"validation": (X,)}, TypeError, r"validation must be \(x, targets\)"),
    ],
)
def test_fit_refuses_what_does_not_fit(options, kind, says):
    with pytest.raises(kind, match=f"fit: .*{says}"):
        fit(**({"data": (X, Y)} | options))


def test_training_run_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="epochs must be at least 0"):
        pn.training_run(PLAIN, LOSS, ADAM, epochs=-1, batch_size=4)
    with pytest.raises(ValueError, match="training_run: batch_size is 13, but x holds 12"):
        pn.training_run(PLAIN, LOSS, ADAM, epochs=1, batch_size=13)(KEY, X, Y)


# Real digits.

MNIST = Path(__file__).parent.parent / "examples" / "data" / "mnist"


@pytest.fixture(scope="module")
def digits():
    (x, y), _ = pn.load_mnist(MNIST)
    return x[:2000], y[:2000]


def images(*hidden):
    return pn.serial(pn.rescale(), pn.flatten(), pn.mlp(hidden, 10))


PINNED = {
    # hidden, optimizer, batch size: the losses of the first and the last step, and the mean
    "784-128-10": ((128,), pn.adam(1e-3), 128, (2.392461, 1.07005, 1.709984)),
    "784-16-16-10": ((16, 16), pn.sgd(0.1), 32, (2.311243, 0.77852, 1.461615)),
}


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize(("hidden", "optimizer", "size", "pinned"), PINNED.values(), ids=PINNED)
def test_an_epoch_of_each_network_has_the_pinned_losses(hidden, optimizer, size, pinned, digits):
    run = jax.jit(pn.training_run(images(*hidden), LOSS, optimizer, epochs=1, batch_size=size))
    train_state, losses = run(KEY, *digits)
    np.testing.assert_allclose([losses[0, 0], losses[0, -1], losses.mean()], pinned, rtol=1e-4)
    same((train_state, losses), run(KEY, *digits))  # deterministic, to the bit


@pytest.mark.usefixtures("quickly")
def test_an_mlp_memorises_twenty_digits(digits):
    x, y = digits[0][:20], digits[1][:20]
    run = jax.jit(pn.training_run(images(32), LOSS, pn.adam(0.01), epochs=100, batch_size=20))
    train_state, losses = run(KEY, x, y)
    assert losses[0, 0] > 2 and losses[-1, 0] < 0.01
    loss, accuracy = pn.evaluate(images(32), LOSS, train_state.params, train_state.state, x, y)
    assert loss < 0.01 and accuracy == 1


@pytest.mark.usefixtures("quickly")
def test_a_state_that_changes_its_shape_is_refused():
    """And not by the loop that carries it."""

    def forward(params, state, x, *, train=False, key=None):
        return x * params, jnp.zeros(3), x

    scale = pn.Layer(
        lambda key, in_shape: (jnp.ones(in_shape), ()),
        forward,
        lambda params, x, dy: (jnp.sum(dy * x, axis=0), dy * params),
    )
    step = pn.train_step(scale, pn.mse, pn.sgd(0.1))
    train_state = pn.TrainState.create(scale, pn.sgd(0.1), jax.random.key(0), (2,))
    with pytest.raises(ValueError, match="the model's new state has"):
        step(train_state, jnp.ones((4, 2)), jnp.ones((4, 2)))


@pytest.mark.usefixtures("quickly")
def test_models_that_were_trained_can_be_forgotten(data):
    """A sweep over many models must not keep them all, with their compiled programs."""
    kept = []
    for _ in range(12):
        model = pn.serial(pn.dense(2))
        params, state = model.init(KEY, (FEATURES,))
        pn.evaluate(model, pn.mse, params, state, data[0], np.zeros((len(data[0]), 2), np.float32))
        compiled(Spec(model, pn.mse, ADAM, None))
        kept.append(weakref.ref(model))
    del model
    gc.collect()
    assert sum(model() is not None for model in kept) <= 8


@pytest.mark.usefixtures("quickly")
def test_integer_targets_that_are_no_classes_are_left_alone(data):
    """A loss of one's own may take whole numbers for what it likes."""

    def counts(outputs, targets):
        return jnp.mean((outputs[:, 0] - targets.astype(outputs.dtype)) ** 2)

    model, x = pn.dense(2), data[0]
    targets = np.full(len(x), 17)
    train_state, _ = pn.fit(
        model, counts, ADAM, (x, targets), epochs=1, batch_size=10, key=KEY, progress=False
    )
    one = pn.serial(pn.dense(1), lambda z: z[:, 0])
    params, state = one.init(KEY, (FEATURES,))
    loss = pn.sigmoid_binary_cross_entropy
    assert pn.evaluate(one, loss, params, state, x, targets * 0)[1] is None
    assert int(train_state.step) == len(x) // 10


def test_a_step_may_consume_a_state_with_batch_norm():
    """No array is in it twice."""
    model = pn.serial(pn.batch_norm(), pn.dense(2))
    step = jax.jit(pn.train_step(model, pn.softmax_cross_entropy, ADAM), donate_argnums=0)
    train_state = pn.TrainState.create(model, ADAM, KEY, (3,))
    train_state, _ = step(train_state, jnp.ones((4, 3)), jnp.arange(4) % 2)
    assert int(train_state.step) == 1
