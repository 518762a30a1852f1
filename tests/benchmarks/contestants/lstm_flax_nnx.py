"""An LSTM in flax.nnx: `nnx.RNN` around `OptimizedLSTMCell`, in the loops of `flax_nnx`."""

from itertools import pairwise
from typing import Any

import jax
import loops
import optax
from flax import nnx
from loops import Work
from tasks import LEARNING_RATE, Task


class Network(nnx.Module):
    """The LSTM, and a dense layer at each step."""

    def __init__(self, task: Task, *, rngs: nnx.Rngs) -> None:
        pairs = pairwise((task.inputs, *task.hidden))
        self.layers = nnx.List(
            [nnx.RNN(nnx.OptimizedLSTMCell(n, m, rngs=rngs), rngs=rngs) for n, m in pairs]
        )
        self.head = nnx.Linear(task.hidden[-1], 10, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        """Logits."""
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


def build(task: Task) -> tuple[Network, nnx.Optimizer]:
    """Model and optimizer."""
    model = Network(task, rngs=nnx.Rngs(0))
    return model, nnx.Optimizer(model, optax.adam(LEARNING_RATE), wrt=nnx.Param)


def train_step(model: Network, optimizer: nnx.Optimizer, x: Any, y: Any) -> Any:
    """Changes both in place."""

    def loss_fn(model: Network) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


def usual(task: Task) -> Work:
    """Its documented loop: it returns no state."""
    model, optimizer = build(task)
    jitted = nnx.jit(train_step, donate_argnames=("model", "optimizer"))
    return loops.per_step(lambda state, x, y: (state, jitted(model, optimizer, x, y)), (), task)


def scan(task: Task) -> Work:
    """purenn's loop, over a graph and a state."""
    graph, state = nnx.split(build(task))

    def step(state: Any, x: Any, y: Any) -> tuple[Any, Any]:
        model, optimizer = nnx.merge(graph, state)
        loss = train_step(model, optimizer, x, y)
        return nnx.state((model, optimizer)), loss

    return loops.scanned(jax.jit(step), state, task)
