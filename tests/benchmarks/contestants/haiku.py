"""haiku: `transform` and a jitted `update(state, batch)`, as its examples/mnist.py has it."""

from typing import Any, NamedTuple

import haiku as hk
import jax
import jax.numpy as jnp
import loops
import optax
from loops import Work, scaled
from tasks import LEARNING_RATE, Task


class TrainingState(NamedTuple):
    """What changes."""

    params: hk.Params
    opt_state: optax.OptState


def state_and_step(task: Task) -> tuple[TrainingState, Any]:
    """`update` of the example."""

    def net_fn(x: Any) -> Any:
        layers: list[Any] = []
        if task.cnn:
            for channels in (32, 64):
                layers += [hk.Conv2D(channels, 3), jax.nn.relu, hk.MaxPool(2, 2, "VALID")]
            layers.append(hk.Flatten())
        for units in task.hidden:
            layers += [hk.Linear(units), jax.nn.relu]
        return hk.Sequential([*layers, hk.Linear(10)])(x)

    network = hk.without_apply_rng(hk.transform(net_fn))
    optimiser = optax.adam(LEARNING_RATE)

    def update(state: TrainingState, x: Any, y: Any) -> tuple[TrainingState, Any]:
        x = scaled(x)

        def loss_fn(params: hk.Params) -> Any:
            logits = network.apply(params, x)
            return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()

        loss, grads = jax.value_and_grad(loss_fn)(state.params)
        updates, opt_state = optimiser.update(grads, state.opt_state)
        return TrainingState(optax.apply_updates(state.params, updates), opt_state), loss

    params = network.init(jax.random.key(0), jnp.ones((1, *task.in_shape)))
    return TrainingState(params, optimiser.init(params)), update


def usual(task: Task) -> Work:
    """Its documented loop."""
    state, step = state_and_step(task)
    return loops.per_step(jax.jit(step, donate_argnums=0), state, task)


def scan(task: Task) -> Work:
    """purenn's loop."""
    state, step = state_and_step(task)
    return loops.scanned(step, state, task)
