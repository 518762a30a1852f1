"""What JAX itself has: its pooling, its shuffle, and how fast it multiplies."""

from typing import Any

import jax
import jax.numpy as jnp
import loops
from jax import lax
from loops import Work
from tasks import Task


def _pool(x: Any) -> Any:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def max_pool_backward(task: Task) -> Work:
    """JAX's derivative of the pool; the forward, whose value it does not need, is left out."""
    backward = jax.jit(lambda x, dy: jax.vjp(_pool, x)[1](dy)[0])
    return loops.repeated(backward, *loops.pool_data(task))


def max_pool_both(task: Task) -> Work:
    """Forward and backward as one program."""

    def both(x: Any, dy: Any) -> Any:
        y, backward = jax.vjp(_pool, x)
        return y, backward(dy)[0]

    return loops.repeated(jax.jit(both), *loops.pool_data(task))


def shuffle(task: Task) -> Work:
    """`jax.random.permutation` of as many indices as there are examples."""
    permutation = jax.jit(lambda key: jax.random.permutation(key, task.examples))
    return loops.repeated(permutation, jax.random.key(0))


def large_product(task: Task) -> Work:
    """A product of two large square matrices: the peak that the others are measured by."""
    a = loops.normal(task.batch, task.batch)
    return loops.repeated(jax.jit(jnp.matmul), a, a)
