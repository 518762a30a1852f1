"""flax.nnx: a stateful module and optimizer, `nnx.jit` around `train_step`: its MNIST tutorial.

In the scan, and once in the row on host time, it is split into a graph and a state, the functional
form of its guide on performance.
"""

from functools import partial
from itertools import pairwise
from typing import Any

import jax
import loops
import optax
from flax import nnx
from loops import Work, scaled
from tasks import LEARNING_RATE, Task


class Network(nnx.Module):
    """A dense network, with convolutions before it or without."""

    def __init__(self, task: Task, *, rngs: nnx.Rngs) -> None:
        self.cnn = task.cnn
        if task.cnn:
            self.conv1 = nnx.Conv(1, 32, kernel_size=(3, 3), rngs=rngs)
            self.conv2 = nnx.Conv(32, 64, kernel_size=(3, 3), rngs=rngs)
            self.max_pool = partial(nnx.max_pool, window_shape=(2, 2), strides=(2, 2))
        widths = (7 * 7 * 64 if task.cnn else task.inputs, *task.hidden, 10)
        pairs = pairwise(widths)
        self.linears = nnx.List([nnx.Linear(n, m, rngs=rngs) for n, m in pairs])

    def __call__(self, x: Any) -> Any:
        """Logits."""
        if self.cnn:
            x = self.max_pool(nnx.relu(self.conv1(x)))
            x = self.max_pool(nnx.relu(self.conv2(x)))
            x = x.reshape(x.shape[0], -1)
        for linear in self.linears[:-1]:
            x = nnx.relu(linear(x))
        return self.linears[-1](x)


def build(task: Task) -> tuple[Network, nnx.Optimizer]:
    """Model and optimizer."""
    model = Network(task, rngs=nnx.Rngs(0))
    return model, nnx.Optimizer(model, optax.adam(LEARNING_RATE), wrt=nnx.Param)


def train_step(model: Network, optimizer: nnx.Optimizer, x: Any, y: Any) -> Any:
    """Changes both in place."""
    x = scaled(x)

    def loss_fn(model: Network) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


def in_place(task: Task) -> Any:
    """The documented step, with the loop's signature: it returns no state."""
    model, optimizer = build(task)
    jitted = nnx.jit(train_step, donate_argnames=("model", "optimizer"))
    return lambda state, x, y: (state, jitted(model, optimizer, x, y))


def functional(task: Task) -> tuple[Any, Any]:
    """A state, and the step as a pure function of it."""
    graph, state = nnx.split(build(task))

    def step(state: Any, x: Any, y: Any) -> tuple[Any, Any]:
        model, optimizer = nnx.merge(graph, state)
        loss = train_step(model, optimizer, x, y)
        return nnx.state((model, optimizer)), loss

    return state, step


def usual(task: Task) -> Work:
    """Its documented loop."""
    return loops.per_step(in_place(task), (), task)


def usual_functional(task: Task) -> Work:
    """The loop of its guide on performance."""
    state, step = functional(task)
    return loops.per_step(jax.jit(step, donate_argnums=0), state, task)


def scan(task: Task) -> Work:
    """purenn's loop."""
    state, step = functional(task)
    return loops.scanned(step, state, task)


def host_time(task: Task) -> Work:
    """One call of the step under `nnx.jit`."""
    return loops.host_time(in_place(task), (), task)


def host_time_functional(task: Task) -> Work:
    """One call of the functional step under `jax.jit`."""
    state, step = functional(task)
    return loops.host_time(jax.jit(step, donate_argnums=0), state, task)
