"""Many steps as one loop of a compiled program."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from purenn.core.layer import Fn
from purenn.core.narrow import flat, whole
from purenn.training.train_step import TrainState


def run_steps(
    step: Fn, train_state: TrainState, x: Array, targets: Array, order: Array, first: Any, last: Any
) -> tuple[TrainState, Array]:
    """The steps `first` to `last`, less one, of an epoch; the data stay where they are.

    Args:
        step: what `train_step` makes.
        train_state: before them.
        x: all examples; a step gathers its own, so bytes travel where floats would.
        targets: theirs.
        order: rows of `x`, a batch a step, `(steps, batch_size)`.
        first: counted from 0. Where both are traced, one program serves any number of steps;
            where both are Python numbers, JAX can differentiate through the loop.
        last: where to stop.

    Returns:
        The state after them, and the losses, `(steps,)`, zero where no step was run.
    """

    def body(i: Array, carry: tuple[Any, Array]) -> tuple[Any, Array]:
        leaves, losses = carry
        before = jax.tree.map(whole, leaves, train_state)
        after, value = step(before, x[order[i]], targets[order[i]])
        return jax.tree.map(flat, after), losses.at[i].set(value.astype(losses.dtype))

    carry = jax.tree.map(flat, train_state), jnp.zeros(order.shape[0])
    leaves, losses = lax.fori_loop(first, last, body, carry)
    return jax.tree.map(whole, leaves, train_state), losses
