"""What `fit` compiles: the parts of a run, once for the same model, loss and optimizer."""

from collections.abc import Hashable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core import checks
from purenn.training.loop import train_loop
from purenn.training.train_step import TrainState, epoch_order, train_step


class Recipe(NamedTuple):
    """What decides the compiled program, as the caller gave it: the same objects compile once."""

    model: Any
    loss: Any
    optimizer: Any
    penalty: Any

    def check(self) -> None:
        """Refuse what cannot be a static argument."""
        for name, value in self._asdict().items():
            if not isinstance(value, Hashable):
                raise TypeError(f"fit: {name} must be hashable, got {checks.describe(value)}")


class Programs(NamedTuple):
    """What is compiled for a recipe; `sound` says whether all of the new state is finite."""

    create: Any  # (key, in_shape) -> train_state
    chunk: Any  # (train_state, x, targets, order, first, last) -> (train_state, losses, sound)
    step: Any  # (train_state, x, targets) -> (train_state, loss, sound)


@lru_cache(maxsize=8)  # jit's own cache would keep every model that was ever trained
def programs(recipe: Recipe) -> Programs:
    """The compiled parts of a run.

    None consumes the state that goes in: whatever stops a run, the last good state is still there.
    """
    model, loss, optimizer, penalty = recipe
    loop = train_loop(model, loss, optimizer, penalty)
    one_step = train_step(model, loss, optimizer, penalty=penalty)

    def create(key: Array, in_shape: tuple[int, ...]) -> TrainState:
        return TrainState.create(model, optimizer, key, in_shape)

    def chunk(*given: Any) -> tuple[TrainState, Array, Array]:
        train_state, losses = loop(*given)
        return train_state, losses, is_finite(train_state)

    def step(*given: Any) -> tuple[TrainState, Array, Array]:
        train_state, loss_value = one_step(*given)
        return train_state, loss_value, is_finite(train_state)

    return Programs(jax.jit(create, static_argnums=1), jax.jit(chunk), jax.jit(step))


def is_finite(tree: Any) -> Array:
    """Whether every floating-point number of a tree is finite."""
    leaves = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    return jnp.all(jnp.array([True, *(jnp.all(jnp.isfinite(leaf)) for leaf in leaves)]))


order_of = jax.jit(epoch_order, static_argnames=("examples", "batch_size"))
