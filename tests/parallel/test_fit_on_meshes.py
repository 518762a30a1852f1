"""`fit` and `evaluate` on 1, 2, 4 and 8 devices: the same run, whoever computes it."""

import functools
import shutil
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P
from parallel.meshes import DEVICES, EXACT, EXPLICIT, apart, cut, mesh_of, numbers, sharded_model
from table import as_dtype, jit_quickly

import purenn as pn
from purenn.core.blocks import in_blocks
from purenn.distributed.mesh import data_mesh, state_sharding
from purenn.training.compiled import Spec, compiled
from purenn.training.shuffle import batch_of

KEY = jax.random.key(1)
FEATURES, CLASSES, EXAMPLES, BATCH, EPOCHS = 12, 4, 203, 40, 10  # five steps an epoch
MODEL = pn.serial(
    pn.dense(40), pn.batch_norm(), pn.relu, pn.dropout(0.3), pn.dense(CLASSES),
)  # fmt: skip
ADAM, LOSS, PENALTY = pn.adam(1e-3), pn.softmax_cross_entropy, pn.l2_penalty(1e-3)
COUNTS = (1, 2, 4, 8)
dtypes = pytest.mark.parametrize("dtype", EXACT, ids=lambda dtype: dtype.__name__)


def data(dtype=np.float32, examples=EXAMPLES):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(examples, FEATURES)).astype(dtype)
    return x, rng.integers(CLASSES, size=examples).astype(np.int32)


def start_of(dtype=np.float32, model=MODEL):
    """The state before the first step, in a dtype."""
    return as_dtype(pn.TrainState.create(model, ADAM, KEY, (FEATURES,)), dtype)


def fit(mesh=None, examples=None, model=MODEL, **options):
    given = {"epochs": 2, "batch_size": BATCH, "key": KEY, "progress": False, "mesh": mesh}
    given |= {"blocks": DEVICES if mesh is None else None, "penalty": PENALTY} | options
    return pn.fit(model, LOSS, ADAM, data() if examples is None else examples, **given)


def losses_of(history):
    return np.array([record.loss for record in history])


def same(one, other):
    """Whether two trees of numbers are equal, bit for bit."""
    pairs = zip(numbers(one), numbers(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


class Whole(NamedTuple):
    """All that a run on some devices is compared by."""

    order: Any  # the rows of an epoch's steps
    batch: Any  # the examples of its second step
    gradients: Any  # Adam's first moments after the first step: a tenth of them
    statistics: Any
    losses: Any  # of each step, 50 of them
    scores: Any  # of evaluate, by the epoch


@functools.cache
def whole_run(devices, dtype):
    """A run on so many devices, 0 for none."""
    with jax.enable_x64(dtype is np.float64), pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax, "jit", jit_quickly)
        mesh, start = mesh_of(devices) if devices else None, start_of(dtype)
        x, targets = data(dtype)
        losses = []
        sharding = None if mesh is None else state_sharding(data_mesh("", mesh), start)
        parts = compiled(Spec(MODEL, LOSS, ADAM, PENALTY), sharding)
        validation = (x[:77], targets[:77]) if dtype is np.float64 else None
        options = {"epochs": EPOCHS, "train_state": start, "validation": validation}
        _, history = fit(mesh, (x, targets), **options)
        # The same programs, that fit compiled, step by step.
        state, order = start if sharding is None else sharding.put(start), None
        if sharding is None:
            held = in_blocks(x, DEVICES), in_blocks(targets, DEVICES)
        else:
            held = tuple(sharding.mesh.put_examples("", part, DEVICES) for part in (x, targets))
        after = None
        for epoch in range(EPOCHS):
            order = parts.order(state.key, np.int32(epoch), EXAMPLES, BATCH, DEVICES)
            if after is None:
                after, _, _ = parts.chunk(state, *held, order, np.int32(0), np.int32(1))
            state, of_epoch, _ = parts.chunk(state, *held, order, np.int32(0), np.int32(5))
            losses.append(np.asarray(of_epoch))
        batch = jax.jit(batch_of)(held[0], order, 1)
        assert np.allclose([e.loss for e in history], np.mean(losses, axis=1), rtol=1e-6)
        scores = [(e.validation_loss, e.validation_accuracy) for e in history]
        return Whole(
            np.asarray(order), np.asarray(batch), numbers(after.opt_state.m), numbers(after.state),
            np.concatenate(losses), np.array(scores),
        )  # fmt: skip


@dtypes
@pytest.mark.parametrize("devices", COUNTS)
def test_the_run_is_the_same_on_any_number_of_devices(devices, dtype):
    got, expected = whole_run(devices, dtype), whole_run(0, dtype)
    assert np.array_equal(got.order, expected.order)
    assert np.array_equal(got.batch, expected.batch)
    assert got.losses.shape == (50,) and got.losses.dtype == dtype
    # The scores need float64: the derivative with respect to the bias before batch norm is zero,
    # and Adam makes steps of its rounding, which only the running mean then shows.
    parts = ("gradients", "statistics", "losses", "scores")
    for part in parts if dtype is np.float64 else parts[:-1]:
        assert apart(getattr(got, part), getattr(expected, part)) <= EXACT[dtype], part


@pytest.mark.parametrize("devices", COUNTS)
def test_evaluate_is_the_same_on_any_number_of_devices(devices, quickly):
    start, (x, targets) = start_of(), data()
    given = MODEL, LOSS, start.params, start.state, x, targets
    expected = pn.evaluate(*given)
    for batch_size in (1024, 64):  # 203, and 11 at last: no multiple of the devices
        got = pn.evaluate(*given, mesh=mesh_of(devices), batch_size=batch_size)
        assert abs(got[0] - expected[0]) <= 1e-6 * expected[0]
        assert got[1] == expected[1]


def test_dropout_masks_are_the_same_on_any_number_of_devices():
    layer, x = pn.dropout(0.3), np.ones((BATCH, 50), np.float32)

    @jax.jit
    def both(x):
        y, _, cache = layer.forward((), (), x, train=True, key=KEY)
        return y, layer.backward((), cache, x)[1]

    expected = both(x)
    assert 0 < np.count_nonzero(expected[0]) < x.size
    for devices in COUNTS:
        got = both(jax.device_put(x, NamedSharding(mesh_of(devices), P("data"))))
        assert cut(got) == [(BATCH // devices, 50)] * 2
        for a, b in zip(got, expected, strict=True):
            assert np.array_equal(a, b)


FORMS = {
    "explicit": lambda: mesh_of(DEVICES, kind=EXPLICIT),
    "two axes": lambda: mesh_of(4, 2),
    "one axis of any name": lambda: jax.make_mesh((4,), ("rows",), devices=jax.devices()[:4]),
    "other devices": lambda: jax.make_mesh((2,), ("data",), devices=jax.devices()[3:5]),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_mesh_of_any_form_will_do(form, quickly):
    mesh, (expected, of_expected) = FORMS[form](), run_alone()
    train_state, history = fit(mesh)
    assert apart(losses_of(history), losses_of(of_expected)) <= 1e-6
    assert apart(numbers(train_state.opt_state.m), numbers(expected.opt_state.m)) <= 1e-5
    for leaf in jax.tree.leaves(train_state):  # whole, on each of the devices
        assert leaf.sharding.is_fully_replicated
        assert leaf.sharding.device_set == set(mesh.devices.flat)


@functools.cache
def run_alone():
    """Two epochs without a mesh."""
    return fit()


def test_a_run_goes_on_from_a_state_that_lies_anywhere(quickly):
    mesh = mesh_of(4)
    whole, _ = fit(mesh)
    half, _ = fit(mesh, epochs=1)
    kept = numbers(half)
    for given in (half, jax.device_put(half, jax.devices()[5])):
        gone_on, _ = fit(mesh, epochs=1, train_state=given)
        assert same(gone_on, whole)
        assert same(given._replace(key=()), kept)  # it was copied


def test_batches_of_a_function_are_spread_as_they_come(quickly):
    x, targets = data()

    def batches(epoch):
        order = np.random.default_rng(epoch).permutation(EXAMPLES)[:200].reshape(5, BATCH)
        return ((x[rows], targets[rows]) for rows in order)

    runs = [fit(mesh, batches, batch_size=None, blocks=None) for mesh in (None, mesh_of(DEVICES))]
    assert apart(*(losses_of(history) for _, history in runs)) <= 1e-6


def test_weights_go_with_their_examples(tmp_path, quickly):
    (x, labels), weights = data(), np.random.default_rng(1).integers(3, size=EXAMPLES)
    examples = x, (np.where(weights == 0, -1, labels), weights)
    validation = x[:77], (examples[1][0][:77], weights[:77])
    meshes = None, mesh_of(DEVICES)
    runs = [fit(m, examples, checkpoints=tmp_path / str(i)) for i, m in enumerate(meshes)]
    assert apart(*(losses_of(history) for _, history in runs)) <= 1e-6
    learned = runs[0][0].params, runs[0][0].state
    scores = [pn.evaluate(MODEL, LOSS, *learned, *validation, mesh=mesh) for mesh in meshes]
    assert apart(*map(np.array, scores)) <= 1e-6
    given = {"checkpoints": tmp_path / "1", "resume": True}
    with pytest.raises(ValueError, match=r"targets\[1\]: int32\[203\] as before, with other"):
        fit(mesh_of(DEVICES), (x, (examples[1][0], 2 * weights)), **given)


def test_training_run_over_sharded_data_is_fit(quickly):
    examples = tuple(a[:200] for a in data())
    run = pn.training_run(
        MODEL, LOSS, ADAM, penalty=PENALTY, epochs=2, batch_size=BATCH, blocks=DEVICES
    )
    mesh = mesh_of(DEVICES)
    rows = NamedSharding(mesh, P("data"))
    train_state, losses = jax.jit(run)(KEY, *jax.device_put(examples, (rows, rows)))
    fitted, history = fit(mesh, examples)
    assert losses.shape == (2, 5)
    assert apart(np.asarray(losses, np.float64).mean(1), losses_of(history)) <= 1e-6
    assert apart(numbers(train_state.opt_state.m), numbers(fitted.opt_state.m)) <= 1e-5


def test_a_checkpoint_of_eight_devices_goes_on_on_any_number(tmp_path, quickly):
    whole, history = fit(mesh_of(DEVICES))
    fit(mesh_of(DEVICES), epochs=1, checkpoints=tmp_path / "0")
    for name in "12":
        shutil.copytree(tmp_path / "0", tmp_path / name)
    train_state, again = fit(mesh_of(DEVICES), checkpoints=tmp_path / "0", resume=True)
    assert same(train_state, whole)
    assert np.array_equal(losses_of(again), losses_of(history))
    for name, mesh in (("1", mesh_of(2)), ("2", None)):
        with pytest.warns(RuntimeWarning, match="^fit: resume: the device was {'data': 8} of cpu"):
            _, again = fit(mesh, checkpoints=tmp_path / name, resume=True)
        assert apart(losses_of(again), losses_of(history)) <= 1e-6


def test_fit_of_weights_that_are_cut_is_fit_of_whole_ones(tmp_path, quickly):
    model, mesh = sharded_model(40, CLASSES), mesh_of(2, 4)
    train_state, history = fit(mesh, model=model, checkpoints=tmp_path)
    shapes = [(FEATURES, 10), (10,), (10, CLASSES), (CLASSES,)]
    for tree in (train_state.params, train_state.opt_state.m, train_state.opt_state.v):
        assert cut(tree) == shapes
    expected, of_expected = fit(model=sharded_model(40, CLASSES, cut=False))
    assert apart(losses_of(history), losses_of(of_expected)) <= 1e-6
    assert apart(numbers(train_state.opt_state.m), numbers(expected.opt_state.m)) <= 1e-5
    # What goes on is sharded as it was: from the state, and from the checkpoint.
    gone_on, _ = fit(mesh, model=model, epochs=3, checkpoints=tmp_path, resume=True)
    again, _ = fit(mesh, model=model, epochs=1, train_state=train_state)
    assert cut(gone_on.params) == cut(again.params) == shapes
    assert same(gone_on, again)
