"""purenn: `fit`, as the README has it, and the parts that rows of their own measure."""

import math
import os
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import loops
import numpy as np
from data import batches_of, images
from jax import lax
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P
from loops import Work
from tasks import LEARNING_RATE, Done, Task

import purenn as pn
from purenn.training.shuffle import shuffled


def network(task: Task) -> pn.Layer:
    """Images go in as bytes: scaling them is part of the model."""
    layers: list[Any] = [pn.rescale()] if task.inputs == 784 else []
    if task.cnn:
        layers += [pn.conv2d(32), pn.relu, pn.max_pool(), pn.conv2d(64), pn.relu, pn.max_pool()]
        layers.append(pn.flatten())
    return pn.serial(*layers, pn.mlp(task.hidden, 10))


def fit(task: Task) -> Work:
    """A few epochs of `fit`, which goes on from the state of the ones before."""
    return run_fit(network(task), pn.adam(LEARNING_RATE), images(task), task)


def run_fit(model: pn.Layer, optimizer: pn.Optimizer, examples: Any, task: Task) -> Work:
    """The same with any network."""
    train_state = None
    x, y = map(jnp.asarray, examples)
    epochs = max(1, task.steps // (len(x) // task.batch))

    def work() -> Done:
        nonlocal train_state
        start = 0 if train_state is None else int(train_state.step)
        train_state, history = pn.fit(
            model,
            pn.softmax_cross_entropy,
            optimizer,
            (x, y),
            epochs=epochs,
            batch_size=task.batch,
            key=jax.random.key(0),
            train_state=train_state,
            progress=False,
        )
        jax.block_until_ready(train_state)
        losses = np.repeat([record.loss for record in history], task.steps // epochs)
        return Done(losses, start, task.steps)

    return work


def to_accuracy(task: Task) -> Work:
    """`fit` by the epoch, and `evaluate` after each; compiled before."""
    model, loss, optimizer = network(task), pn.softmax_cross_entropy, pn.adam(LEARNING_RATE)
    x, y = map(jnp.asarray, images(task))
    test = tuple(map(jnp.asarray, images(task, "t10k")))

    def look(train_state: pn.TrainState) -> float:
        _, accuracy = pn.evaluate(model, loss, train_state.params, train_state.state, *test)
        return accuracy

    def begin(seed: int) -> Any:
        train_state = None

        def epoch() -> float:
            nonlocal train_state
            train_state, _ = pn.fit(
                model,
                loss,
                optimizer,
                (x, y),
                epochs=1,
                batch_size=task.batch,
                key=jax.random.key(seed),
                train_state=train_state,
                progress=False,
            )
            return look(train_state)

        return epoch

    begin(0)()  # compiles
    return loops.to_accuracy(begin, task)


def many(task: Task) -> Work:
    """An epoch of many networks, as docs/pages/howto/ensembles.md has it: a device per core."""
    cores = math.gcd(len(os.sched_getaffinity(0)), task.networks)
    jax.config.update("jax_num_cpu_devices", cores)
    mesh = jax.make_mesh((cores,), ("members",), axis_types=(AxisType.Auto,))
    run = pn.training_run(
        network(task),
        pn.softmax_cross_entropy,
        pn.adam(LEARNING_RATE),
        epochs=1,
        batch_size=task.batch,
    )

    def share(keys: Any, x: Any, y: Any) -> Any:
        return lax.map(lambda key: run(key, x, y), keys, batch_size=8)

    specs = P("members"), P(), P()
    runs = jax.jit(jax.shard_map(share, mesh=mesh, in_specs=specs, out_specs=P("members")))
    x, y = map(jnp.asarray, images(task))
    keys = jax.random.split(jax.random.key(0), task.networks)

    def work() -> Done:
        _, losses = jax.block_until_ready(runs(keys, x, y))
        return Done(losses, 0, task.steps)

    return work


def _state_and_step(task: Task) -> tuple[pn.TrainState, Any]:
    model, optimizer = network(task), pn.adam(LEARNING_RATE)
    train_state = pn.TrainState.create(model, optimizer, jax.random.key(0), task.in_shape)
    return train_state, pn.train_step(model, pn.softmax_cross_entropy, optimizer)


def host_time(task: Task) -> Work:
    """One call of the jitted `train_step`."""
    train_state, step = _state_and_step(task)
    return loops.host_time(jax.jit(step, donate_argnums=0), train_state, task)


def host_time_raw_key(task: Task) -> Work:
    """The same with a raw key: JAX checks a typed one in Python whenever a call returns it."""
    train_state, step = _state_and_step(task)
    train_state = train_state._replace(key=jax.random.key_data(train_state.key))
    return loops.host_time(jax.jit(step, donate_argnums=0), train_state, task)


def products(task: Task) -> Work:
    """The matrix products of a dense network alone, over batches gathered as `fit` does.

    Each takes the one before as an operand and the loop carries the dw out, so that XLA can leave
    out none; there is no bias, activation, loss or update. Operands stand as in `dense`.
    """
    x, _ = map(jax.device_put, images(task))
    rng = np.random.default_rng(0)
    sizes = [(k, n) for _, k, n in task.products]
    weights = [jnp.asarray(rng.normal(scale=k**-0.5, size=(k, n)), jnp.float32) for k, n in sizes]

    @partial(jax.jit, donate_argnums=0)
    def run(gradients: Any, weights: Any, x: Any, order: Any) -> Any:
        def step(gradients: Any, rows: Any) -> Any:
            inputs, y = [], x[rows].astype(jnp.float32)
            for w in weights:
                inputs.append(y)
                y = y @ w
            dy, gradients = y, []
            for y, w in zip(reversed(inputs[1:]), reversed(weights[1:]), strict=True):
                gradients.insert(0, y.T @ dy)
                dy = dy @ w.T
            return [inputs[0].T @ dy, *gradients], None

        return lax.scan(step, gradients, order)[0]

    gradients = [jnp.zeros_like(w) for w in weights]

    def work() -> Done:
        nonlocal gradients
        order = batches_of(rng.permutation(len(x)).astype(np.int32), task)
        gradients = jax.block_until_ready(run(gradients, weights, x, order))
        return Done(steps=task.steps)

    return work


def max_pool_backward(task: Task) -> Work:
    """The backward of `max_pool`, from what its forward kept."""
    layer, x, dy = pn.max_pool((2, 2)), *loops.pool_data(task)
    _, _, cache = jax.jit(layer.forward)((), (), x)
    return loops.repeated(jax.jit(lambda cache, dy: layer.backward((), cache, dy)[1]), cache, dy)


def max_pool_both(task: Task) -> Work:
    """Forward and backward of `max_pool` as one program."""
    layer = pn.max_pool((2, 2))

    def both(x: Any, dy: Any) -> Any:
        y, _, cache = layer.forward((), (), x)
        return y, layer.backward((), cache, dy)[1]

    return loops.repeated(jax.jit(both), *loops.pool_data(task))


def _layer(task: Task, *, scan: bool) -> Work:
    if task.convolution == "transposed":
        layer = pn.conv2d_transpose(32, strides=2)
    else:
        layer = pn.conv2d(64, groups=loops.GROUPS[task.convolution])
    params, _ = layer.init(jax.random.key(0), loops.IN_SHAPES[task.convolution])

    def derivatives(params: Any, x: Any) -> Any:
        y, _, cache = layer.forward(params, (), x)
        return layer.backward(params, cache, y / y.size)

    return loops.layer_steps(derivatives, params, task, scan=scan)


layer_usual, layer_scan = partial(_layer, scan=False), partial(_layer, scan=True)


def shuffle(task: Task) -> Work:
    """All indices of an epoch."""
    permutation = jax.jit(lambda key: shuffled(key, task.examples))
    return loops.repeated(permutation, jax.random.key(0))


def _block_step(task: Task, *layers: Any) -> Work:
    model, optimizer = pn.serial(*layers), pn.adam(LEARNING_RATE)
    train_state = pn.TrainState.create(model, optimizer, jax.random.key(0), (512,))
    step = pn.train_step(model, pn.softmax_cross_entropy, optimizer)
    return loops.compiled_step(step, train_state, *loops.blocks_data(task))


def blocks(task: Task) -> Work:
    """Eight blocks of dense, batch norm, gelu and dropout."""
    block = (pn.dense(512), pn.batch_norm(), pn.gelu, pn.dropout(0.1))
    return _block_step(task, *block * 8, pn.dense(10))


def recomputed_blocks(task: Task) -> Work:
    """The same network, each block computed again on the way back, up to its dense layer."""
    before = (pn.batch_norm(), pn.gelu, pn.dropout(0.1))
    blocks = [pn.recompute(pn.serial(*before, pn.dense(units))) for units in (512,) * 7 + (10,)]
    return _block_step(task, pn.dense(512), *blocks)
