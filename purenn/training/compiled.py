"""What `fit` compiles: the parts of a run, once for the same model, loss and optimizer."""

from collections.abc import Hashable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from purenn.core import checks
from purenn.distributed.mesh import Layout
from purenn.training.blocks import epoch_order
from purenn.training.loop import train_loop
from purenn.training.train_step import TrainState, train_step


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
    """What is compiled for a recipe; `sound` says that nothing ceased to be finite."""

    create: Any  # (key, in_shape) -> train_state
    order: Any  # (key, epoch, examples, batch_size, blocks) -> the rows of all steps
    chunk: Any  # (train_state, x, targets, order, first, last) -> (train_state, losses, sound)
    step: Any  # (train_state, x, targets) -> (train_state, loss, the loss or NaN if not sound)


@lru_cache(maxsize=8)  # jit's own cache would keep every model that was ever trained
def programs(recipe: Recipe, layout: Layout | None = None) -> Programs:
    """The compiled parts of a run, over a mesh if `layout` says how its state lies there.

    None consumes the state that goes in: whatever stops a run, the last good state is still there.
    That costs 2 % of a step of 784-128-10 that is called by itself.
    """
    model, loss, optimizer, penalty = recipe
    splits = layout is not None and layout.splits
    loop = train_loop(model, loss, optimizer, penalty, splits=splits)
    one_step = train_step(model, loss, optimizer, penalty=penalty)

    def create(key: Array, in_shape: tuple[int, ...]) -> TrainState:
        return strong(TrainState.create(model, optimizer, key, in_shape))

    def chunk(train_state: TrainState, *given: Any) -> tuple[TrainState, Array, Array]:
        after, losses = loop(train_state, *given)
        return strong(after), losses, stays_finite(train_state, after)

    def step(train_state: TrainState, *given: Any) -> tuple[TrainState, Array, Array]:
        after, value = one_step(train_state, *given)
        # One number to look at. The whole state would cost 13 % of a step of 784-128-10, the
        # parameters cost 3.
        sound = stays_finite(train_state.params, after.params)
        return strong(after), value, jnp.where(sound, value, jnp.nan)

    ordered: dict[str, Any] = {}
    stepped: dict[str, Any] = {}
    if layout is not None:  # each state lies as the one before
        spread = layout.spread
        ordered = {"out_shardings": spread.rows}
        stepped = {"out_shardings": (layout.tree, spread.whole, spread.whole)}
    return Programs(
        jax.jit(create, static_argnums=1),
        jax.jit(epoch_order, static_argnums=(2, 3, 4), **ordered),
        jax.jit(chunk, **stepped),
        jax.jit(step, **stepped),
    )


def strong(tree: Any) -> Any:
    """A tree without weak types, which no file keeps: a resumed run would promote otherwise."""
    return jax.tree.map(
        lambda leaf: lax.convert_element_type(leaf, leaf.dtype) if is_number(leaf) else leaf, tree
    )


def is_number(leaf: Any) -> bool:
    """Whether a leaf is no PRNG key."""
    return not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def stays_finite(before: Any, after: Any) -> Array:
    """Whether every number that was finite still is; a state may begin with infinities."""
    pairs = zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True)
    return jnp.all(
        jnp.array(
            [True]
            + [
                jnp.all(jnp.isfinite(new) | ~jnp.isfinite(old))
                for old, new in pairs
                if jnp.issubdtype(new.dtype, jnp.floating)
            ]
        )
    )


still_finite = jax.jit(stays_finite)
