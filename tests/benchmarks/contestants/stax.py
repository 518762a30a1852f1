"""stax, of jax.example_libraries: `update(i, opt_state, batch)` of its MNIST classifier."""

from typing import Any

import jax
import jax.numpy as jnp
import loops
from jax.example_libraries import optimizers, stax
from loops import Work, scaled
from tasks import LEARNING_RATE, Task


def state_and_step(task: Task) -> tuple[Any, Any]:
    """The step's number is part of the state."""
    layers: list[Any] = []
    if task.cnn:
        for channels in (32, 64):
            layers += [stax.Conv(channels, (3, 3), padding="SAME"), stax.Relu]
            layers.append(stax.MaxPool((2, 2), strides=(2, 2)))
        layers.append(stax.Flatten)
    for units in task.hidden:
        layers += [stax.Dense(units), stax.Relu]
    init, predict = stax.serial(*layers, stax.Dense(10))
    opt_init, opt_update, get_params = optimizers.adam(LEARNING_RATE)

    def update(state: Any, x: Any, y: Any) -> tuple[Any, Any]:
        i, opt_state = state
        x = scaled(x)

        def loss_fn(params: Any) -> Any:
            log_probabilities = jax.nn.log_softmax(predict(params, x))
            return -jnp.take_along_axis(log_probabilities, y[:, None], axis=1).mean()

        loss, grads = jax.value_and_grad(loss_fn)(get_params(opt_state))
        return (i + 1, opt_update(i, grads, opt_state)), loss

    _, params = init(jax.random.key(0), (-1, *task.in_shape))
    return (jnp.int32(0), opt_init(params)), update


def usual(task: Task) -> Work:
    """Its documented loop."""
    state, step = state_and_step(task)
    return loops.per_step(jax.jit(step, donate_argnums=0), state, task)


def scan(task: Task) -> Work:
    """purenn's loop."""
    state, step = state_and_step(task)
    return loops.scanned(step, state, task)
