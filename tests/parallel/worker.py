"""What each of several processes computes, on four devices together, and one alone."""

import signal
import warnings
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from parallel.meshes import cut, numbers, sharded_model
from table import as_dtype, jit_quickly

import purenn as pn
from purenn.distributed.mesh import put
from purenn.distributed.processes import to_host
from purenn.training.shuffle import epoch_order

# Eight blocks of seven examples, of which a step takes five: one step an epoch, and the epoch's
# loss is that step's.
FEATURES, CLASSES, EXAMPLES, BATCH, BLOCKS, STEPS = 12, 4, 56, 40, 8, 50
MODEL = pn.serial(
    pn.dense(20), pn.relu, pn.batch_norm(), pn.dropout(0.3), pn.dense(CLASSES),
)  # fmt: skip
ADAM, LOSS, PENALTY = pn.adam(1e-3), pn.softmax_cross_entropy, pn.l2_penalty(1e-3)


def key():
    return jax.random.key(1)


def data(dtype=np.float32):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(EXAMPLES, FEATURES)).astype(dtype)
    return x, rng.integers(CLASSES, size=EXAMPLES).astype(np.int32)


def fit(mesh, epochs, examples=None, model=MODEL, **options):
    given = {"batch_size": BATCH, "blocks": BLOCKS} if not callable(examples) else {}
    given |= {"key": key(), "penalty": PENALTY, "mesh": mesh, "progress": False} | options
    return pn.fit(model, LOSS, ADAM, examples or data(), epochs=epochs, **given)


def losses_of(history):
    return np.array([record.loss for record in history])


def measured(mesh, dtype):
    """Gradients and statistics from one state, and what a run of 50 steps says of itself."""
    with jax.enable_x64(dtype is np.float64):
        start = as_dtype(pn.TrainState.create(MODEL, ADAM, key(), (FEATURES,)), dtype)
        x, targets = data(dtype)

        @jax.jit
        def program(params, state, key, x, targets):
            _, grads = found = pn.value_and_grad(MODEL, LOSS, penalty=PENALTY)(
                params, state, x, targets, key=key
            )
            masked, *_ = pn.dropout(0.3).forward((), (), jnp.ones_like(x), train=True, key=key)
            order = epoch_order(key, 3, EXAMPLES, BATCH, BLOCKS)
            return found[0][0], found[0][1], grads, masked, order

        given = start.params, start.state, key(), x, targets
        if mesh is not None:
            shardings = [NamedSharding(mesh, spec) for spec in (P(), P("data"))]
            given = (
                *(jax.tree.map(partial(put, sharding=shardings[0]), tree) for tree in given[:3]),
                *(put(array, shardings[1]) for array in given[3:]),
            )
        value, state, grads, masked, order = jax.tree.map(to_host, program(*given))
        scored = pn.evaluate(MODEL, LOSS, start.params, start.state, x, targets, mesh=mesh)
        given = {"train_state": start, "validation": (x, targets)}
        _, history = fit(mesh, STEPS, (x, targets), **given)
        scores = [[e.validation_loss, e.validation_accuracy] for e in history]
        return {
            "value": value,
            "gradients": np.concatenate([g.ravel() for g in numbers(grads)]),
            "statistics": np.concatenate(numbers(state)),
            "masked": masked,
            "order": order,
            "losses": losses_of(history),
            "scores": np.array([[*scored], *scores]),
        }


# Of two and of four processes: how many devices, and the dtype.
OF_TWO = [(2, np.float64), (4, np.float32)]
OF_FOUR = [(4, np.float64)]


def numbers_on(meshes, spread):
    """All that is compared, by the number of devices: under one name each, for one file."""
    return {
        f"{what} {count} {dtype.__name__}": value
        for count, dtype in spread
        for what, value in measured(meshes[count], dtype).items()
    }


def batches(epoch, pressed_in=None):
    """As many in each epoch; Ctrl-C is pressed in one of them."""
    x, targets = data()
    for rows in np.random.default_rng(epoch).permutation(EXAMPLES).reshape(7, 8):
        yield x[rows], targets[rows]
        if epoch == pressed_in:
            signal.raise_signal(signal.SIGINT)
            pressed_in = None


def work_of_four(index, folder):
    """As one of four processes, each with one device, write what it finds to the folder."""
    jax.jit = jit_quickly
    mesh = Mesh(np.array(jax.devices()), ["data"])
    np.savez(folder / f"{index}.npz", **numbers_on({4: mesh}, OF_FOUR))


def work_of_two(index, folder):
    """As one of two processes, each with two devices, write all that it finds to the folder."""
    jax.jit = jit_quickly
    devices = np.array(jax.devices()).reshape(2, 2)  # one row per process
    meshes = {2: Mesh(devices[:, 0], ["data"]), 4: Mesh(devices.reshape(-1), ["data"])}
    found = numbers_on(meshes, OF_TWO)
    mesh, seen = meshes[2], folder if index == 0 else folder / "of another machine"
    fit(mesh, 3, checkpoints=seen / "of two")
    with warnings.catch_warnings(record=True) as caught:
        _, history = fit(mesh, STEPS, checkpoints=seen / "of one", resume=True)
    found["gone on"] = losses_of(history)
    found["warned"] = "".join(str(warning.message) for warning in caught)
    found |= cut_over_processes(devices, seen / "cut")
    found |= stopped(mesh, index, seen / "stopped")
    x, targets = data()
    targets[-1] = CLASSES
    try:
        fit(mesh, 1, (x, targets))
    except ValueError as error:
        found["bad labels"] = str(error)
    np.savez(folder / f"{index}.npz", **found)


def cut_over_processes(devices, folder):
    """A model of which each process holds a half, trained, and gone on with."""
    mesh, model = Mesh(devices.T, ["data", "model"]), sharded_model(20, CLASSES)
    whole, history = fit(mesh, 4, model=model)
    fit(mesh, 2, model=model, checkpoints=folder)
    gone_on, again = fit(mesh, 4, model=model, checkpoints=folder, resume=True)
    assert cut(gone_on.params) == cut(gone_on.opt_state.m) == [(12, 10), (10,), (10, 4), (4,)]
    assert same(whole, gone_on)
    assert np.array_equal(losses_of(history), losses_of(again))
    moments = [to_host(a).ravel() for a in jax.tree.leaves(gone_on.opt_state.m)]
    return {"cut losses": losses_of(history), "cut moments": np.concatenate(moments)}


def same(one, other):
    one, other = (numbers(jax.tree.map(to_host, tree._replace(key=()))) for tree in (one, other))
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def stopped(mesh, index, folder):
    """Ctrl-C in process 1 alone."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # even where pytest ignores it
    examples = partial(batches, pressed_in=1) if index == 1 else batches
    whole, history = fit(mesh, 3, batches)
    try:
        fit(mesh, 3, examples, checkpoints=folder, checkpoint_every=1000)
    except KeyboardInterrupt as error:
        said = str(error)
    gone_on, again = fit(mesh, 3, batches, checkpoints=folder, resume=True)
    assert same(whole, gone_on)
    assert np.array_equal(losses_of(history), losses_of(again))
    return {"batches": losses_of(history), "stopped": said}
