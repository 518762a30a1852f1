"""An LSTM in flax.linen: `nn.RNN` around `OptimizedLSTMCell`, as its documentation has it."""

from typing import Any

import jax
import jax.numpy as jnp
import loops
import optax
from flax import linen as nn
from flax.training.train_state import TrainState
from loops import Work
from tasks import LEARNING_RATE, Task


class Network(nn.Module):
    """The LSTM, and a dense layer at each step."""

    hidden: tuple[int, ...]

    @nn.compact
    def __call__(self, x: Any) -> Any:
        """Logits."""
        for units in self.hidden:
            x = nn.RNN(nn.OptimizedLSTMCell(features=units))(x)
        return nn.Dense(features=10)(x)


def state_and_step(task: Task) -> tuple[TrainState, Any]:
    """`create_train_state` and `train_step` of the quick start."""
    network = Network(task.hidden)
    example = jnp.ones((1, task.length, task.inputs))
    params = network.init(jax.random.key(0), example)["params"]
    tx = optax.adam(LEARNING_RATE)
    state = TrainState.create(apply_fn=network.apply, params=params, tx=tx)

    def train_step(state: TrainState, x: Any, y: Any) -> tuple[TrainState, Any]:
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
