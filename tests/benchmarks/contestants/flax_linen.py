"""flax.linen: a compact module, `TrainState` and a jitted `train_step`, as its quick start has it.

The blocks of the memory row follow the guides on batch norm and on dropout.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import loops
import optax
from flax import linen as nn
from flax.training.train_state import TrainState
from loops import Work, scaled
from tasks import LEARNING_RATE, Task


class Network(nn.Module):
    """A dense network, with convolutions before it or without."""

    hidden: tuple[int, ...]
    cnn: bool

    @nn.compact
    def __call__(self, x: Any) -> Any:
        """Logits."""
        if self.cnn:
            x = nn.Conv(features=32, kernel_size=(3, 3))(x)
            x = nn.relu(x)
            x = nn.max_pool(x, window_shape=(2, 2), strides=(2, 2))
            x = nn.Conv(features=64, kernel_size=(3, 3))(x)
            x = nn.relu(x)
            x = nn.max_pool(x, window_shape=(2, 2), strides=(2, 2))
            x = x.reshape((x.shape[0], -1))
        for units in self.hidden:
            x = nn.Dense(features=units)(x)
            x = nn.relu(x)
        return nn.Dense(features=10)(x)


def state_and_step(task: Task) -> tuple[TrainState, Any]:
    """`create_train_state` and `train_step` of the quick start."""
    network = Network(task.hidden, task.cnn)
    params = network.init(jax.random.key(0), jnp.ones((1, *task.in_shape)))["params"]
    tx = optax.adam(LEARNING_RATE)
    state = TrainState.create(apply_fn=network.apply, params=params, tx=tx)

    def train_step(state: TrainState, x: Any, y: Any) -> tuple[TrainState, Any]:
        x = scaled(x)

        def loss_fn(params: Any) -> Any:
            logits = state.apply_fn({"params": params}, x)
            return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()

        loss, grads = jax.value_and_grad(loss_fn)(state.params)
        return state.apply_gradients(grads=grads), loss

    return state, train_step


def usual(task: Task) -> Work:
    """Its documented loop."""
    state, step = state_and_step(task)
    return loops.per_step(jax.jit(step, donate_argnums=0), state, task)


def scan(task: Task) -> Work:
    """purenn's loop."""
    state, step = state_and_step(task)
    return loops.scanned(step, state, task)


def host_time(task: Task) -> Work:
    """One call of the jitted step."""
    state, step = state_and_step(task)
    return loops.host_time(jax.jit(step, donate_argnums=0), state, task)


class KeyState(TrainState):
    """With a key, as the guide on dropout has it."""

    key: Any


def host_time_with_key(task: Task) -> Work:
    """The same with a key in the state, as purenn's has one."""
    state, step = state_and_step(task)
    state = KeyState(**vars(state), key=jax.random.key(0))
    return loops.host_time(jax.jit(step, donate_argnums=0), state, task)


class Blocks(nn.Module):
    """Eight blocks of dense, batch norm, gelu and dropout, and a dense layer."""

    @nn.compact
    def __call__(self, x: Any) -> Any:
        """Logits, in training mode."""
        for _ in range(8):
            x = nn.Dense(features=512)(x)
            x = nn.BatchNorm(use_running_average=False, momentum=0.9)(x)
            x = nn.gelu(x)
            x = nn.Dropout(rate=0.1, deterministic=False)(x)
        return nn.Dense(features=10)(x)


class BlocksState(KeyState):
    """With the running statistics too, as the guide on batch norm has it."""

    batch_stats: Any


def blocks(task: Task) -> Work:
    """The memory of one training step."""
    network, (x, y) = Blocks(), loops.blocks_data(task)
    params_key, dropout_key = jax.random.split(jax.random.key(0))
    variables = network.init({"params": params_key, "dropout": dropout_key}, x)
    state = BlocksState.create(
        apply_fn=network.apply,
        params=variables["params"],
        tx=optax.adam(LEARNING_RATE),
        batch_stats=variables["batch_stats"],
        key=dropout_key,
    )

    def train_step(state: BlocksState, x: Any, y: Any) -> tuple[BlocksState, Any]:
        def loss_fn(params: Any) -> Any:
            logits, updates = state.apply_fn(
                {"params": params, "batch_stats": state.batch_stats},
                x,
                mutable=["batch_stats"],
                rngs={"dropout": jax.random.fold_in(state.key, state.step)},
            )
            loss = optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()
            return loss, updates

        (loss, updates), grads = jax.value_and_grad(loss_fn, has_aux=True)(state.params)
        state = state.apply_gradients(grads=grads)
        return state.replace(batch_stats=updates["batch_stats"]), loss

    return loops.compiled_step(train_step, state, x, y)


def _layer(task: Task, *, scan: bool) -> Work:
    if task.convolution == "transposed":
        layer = nn.ConvTranspose(features=32, kernel_size=(3, 3), strides=(2, 2))
    else:
        groups = loops.GROUPS[task.convolution]
        layer = nn.Conv(features=64, kernel_size=(3, 3), feature_group_count=groups)
    x = jnp.ones((1, *loops.IN_SHAPES[task.convolution]))
    params = layer.init(jax.random.key(0), x)

    def loss_fn(params: Any, x: Any) -> Any:
        return jnp.mean(layer.apply(params, x) ** 2) / 2

    return loops.layer_steps(jax.grad(loss_fn, argnums=(0, 1)), params, task, scan=scan)


layer_usual, layer_scan = partial(_layer, scan=False), partial(_layer, scan=True)
