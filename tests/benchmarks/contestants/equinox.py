"""equinox: a module for one example, `vmap` over the batch, `filter_jit` around `make_step`.

As in its CNN-on-MNIST example; images are channels first there.
"""

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import loops
import optax
from loops import Work, scaled
from tasks import LEARNING_RATE, Task


class Network(eqx.Module):
    """A list of layers, applied one after the other."""

    layers: list

    def __init__(self, task: Task, key: Any) -> None:
        keys = iter(jax.random.split(key, 3 + len(task.hidden)))
        self.layers = []
        if task.cnn:
            self.layers += [
                eqx.nn.Conv2d(1, 32, kernel_size=3, padding=1, key=next(keys)),
                jax.nn.relu,
                eqx.nn.MaxPool2d(kernel_size=2, stride=2),
                eqx.nn.Conv2d(32, 64, kernel_size=3, padding=1, key=next(keys)),
                jax.nn.relu,
                eqx.nn.MaxPool2d(kernel_size=2, stride=2),
                jnp.ravel,
            ]
        inputs = 7 * 7 * 64 if task.cnn else task.inputs
        for units in task.hidden:
            self.layers += [eqx.nn.Linear(inputs, units, key=next(keys)), jax.nn.relu]
            inputs = units
        self.layers.append(eqx.nn.Linear(inputs, 10, key=next(keys)))

    def __call__(self, x: Any) -> Any:
        """Logits of one example."""
        for layer in self.layers:
            x = layer(x)
        return x


def state_and_step(task: Task) -> tuple[Any, Any]:
    """`make_step` of the example."""
    model = Network(task, jax.random.key(0))
    optim = optax.adam(LEARNING_RATE)

    def loss_fn(model: Network, x: Any, y: Any) -> Any:
        if task.cnn:
            x = x.reshape(-1, 1, 28, 28)  # one channel: first or last is the same memory
        logits = jax.vmap(model)(x)
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()

    def make_step(state: Any, x: Any, y: Any) -> tuple[Any, Any]:
        model, opt_state = state
        loss, grads = eqx.filter_value_and_grad(loss_fn)(model, scaled(x), y)
        updates, opt_state = optim.update(grads, opt_state, eqx.filter(model, eqx.is_array))
        return (eqx.apply_updates(model, updates), opt_state), loss

    return (model, optim.init(eqx.filter(model, eqx.is_array))), make_step


def jitted(step: Any) -> Any:
    """Model and optimizer state are donated, the batch is not."""
    inner = eqx.filter_jit(lambda xy, state: step(state, *xy), donate="all-except-first")
    return lambda state, x, y: inner((x, y), state)


def usual(task: Task) -> Work:
    """Its documented loop."""
    state, step = state_and_step(task)
    return loops.per_step(jitted(step), state, task)


def scan(task: Task) -> Work:
    """purenn's loop; what is not an array stays outside, as its guide on scan says."""
    state, step = state_and_step(task)
    arrays, static = eqx.partition(state, eqx.is_array)

    def array_step(arrays: Any, x: Any, y: Any) -> tuple[Any, Any]:
        state, loss = step(eqx.combine(arrays, static), x, y)
        return eqx.filter(state, eqx.is_array), loss

    return loops.scanned(array_step, arrays, task)


def host_time(task: Task) -> Work:
    """One call of the step under `filter_jit`."""
    state, step = state_and_step(task)
    return loops.host_time(jitted(step), state, task)


def _layer(task: Task, *, scan: bool) -> Work:
    """Channels first, as all of its layers: the images are made so, and stay so."""
    key = jax.random.key(0)
    if task.convolution == "transposed":
        layer = eqx.nn.ConvTranspose2d(64, 32, 3, stride=2, padding=1, output_padding=1, key=key)
    else:
        groups = loops.GROUPS[task.convolution]
        layer = eqx.nn.Conv2d(64, 64, kernel_size=3, padding=1, groups=groups, key=key)
    arrays, static = eqx.partition(layer, eqx.is_array)

    def loss_fn(arrays: Any, x: Any) -> Any:
        layer = eqx.combine(arrays, static)
        return jnp.mean(jax.vmap(layer)(x) ** 2) / 2

    gradient = jax.grad(loss_fn, argnums=(0, 1))
    return loops.layer_steps(gradient, arrays, task, scan=scan, channels_first=True)


layer_usual, layer_scan = partial(_layer, scan=False), partial(_layer, scan=True)
