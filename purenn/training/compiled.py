"""The compiled parts of a run, once for the same model, loss, optimizer, penalty, and tail."""

from collections.abc import Hashable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from purenn.backprop.tail import Tail
from purenn.core import checks
from purenn.core.keys import is_key
from purenn.core.types import Fn, Key, Shape
from purenn.distributed.mesh import StateSharding
from purenn.training.shuffle import epoch_order
from purenn.training.train_step import TrainState, train_step
from purenn.training.training_run import train_loop


class Spec(NamedTuple):
    """The caller's arguments that determine the compiled programs."""

    model: Any
    loss: Any
    optimizer: Any
    penalty: Any
    tail: Tail | None = None

    def check(self, where: str) -> None:
        """Reject anything that cannot be a static argument."""
        for name, value in self._asdict().items():
            if not isinstance(value, Hashable):
                raise TypeError(f"{where}: {name} must be hashable, got {checks.describe(value)}")


class Compiled(NamedTuple):
    """The jitted functions of a run.

    Attributes:
        order: `(key, epoch, examples, batch_size, blocks) -> order`, the rows of all batches.
        chunk: `(train_state, x, targets, order, first, steps) -> (train_state, losses, finite)`.
        step: `(train_state, x, targets) -> (train_state, loss, checked)`; `checked` is the loss,
            or NaN if a parameter is no longer finite.
    """

    order: Fn
    chunk: Fn
    step: Fn


# The least work for XLA's CPU compiler: the program of the initial state runs once. Its random
# numbers take 1.0 s to compile for 784-128-10 instead of 3.0 (jax 0.10.1, AVX2). They have the same
# bits there, and nearly all of them with jax 0.12.0 and AVX-512, where a few numbers differ in the
# last one. The loop of training would gain little, and a CNN's would take a fifth longer.
ONCE_ON_CPU = {"xla_backend_optimization_level": 1}


@lru_cache(maxsize=8)  # jit's own cache would keep every model that was ever trained
def creator(spec: Spec) -> Fn:
    """Return the jitted `(key, in_shape) -> train_state`, which is the same on every mesh."""

    def create(key: Key, in_shape: Shape) -> TrainState:
        return strongly_typed(TrainState.create(spec.model, spec.optimizer, key, in_shape))

    options = ONCE_ON_CPU if jax.default_backend() == "cpu" else None
    return jax.jit(create, static_argnums=1, compiler_options=options)


@lru_cache(maxsize=8)
def compiled(
    spec: Spec, sharding: StateSharding | None = None, *, static_length: bool = False
) -> Compiled:
    """Return the jitted functions of a run.

    None of them donates its input state, so the last good state is still available when a run
    stops. This costs 2% of a single step of 784-128-10.

    Args:
        spec: the model, the loss, the optimizer, the penalty, and the tail.
        sharding: how the state is sharded over a mesh, if there is one.
        static_length: whether `chunk` is compiled for each number of steps above one; see
            `chunk_length`.
    """
    model, loss, optimizer, penalty, tail = spec
    loop = train_loop(model, loss, optimizer, penalty, tail, on_mesh=sharding is not None)
    one_step = train_step(model, loss, optimizer, penalty=penalty, tail=tail)

    def chunk(train_state: TrainState, *given: Any) -> tuple[TrainState, Array, Array]:
        after, losses = loop(train_state, *given)
        return strongly_typed(after), losses, stays_finite(train_state, after)

    def step(train_state: TrainState, x: Any, targets: Any) -> tuple[TrainState, Array, Array]:
        after, value = one_step(train_state, x, targets)
        # A single number to check. Checking the whole state would cost 13% of a step of 784-128-10,
        # the parameters cost 3%.
        finite = stays_finite(train_state.params, after.params)
        return strongly_typed(after), value, jnp.where(finite, value, jnp.nan)

    of_order: dict[str, Any] = {}
    of_step: dict[str, Any] = {}
    if sharding is not None:  # each state is sharded like the previous one
        mesh = sharding.mesh
        of_order = {"out_shardings": mesh.batch_sharding}
        of_step = {"out_shardings": (sharding.tree, mesh.replicated, mesh.replicated)}
    of_any_length = jax.jit(chunk, **of_step)
    of_fixed_length = jax.jit(chunk, static_argnums=5, **of_step)

    def of_static_length(*given: Any) -> tuple[TrainState, Array, Array]:
        # XLA would drop a loop of one step and fuse the step differently, so that the bits
        # would depend on how the timing divides an epoch into chunks.
        return (of_any_length if given[-1] == 1 else of_fixed_length)(*given)

    return Compiled(
        jax.jit(epoch_order, static_argnums=(2, 3, 4), **of_order),
        of_static_length if static_length else of_any_length,
        jax.jit(step, **of_step),
    )


def chunk_length(steps: int, *, static_length: bool) -> int:
    """Return the number of steps of the next chunk, at most `steps`.

    A loop with a traced number of steps becomes a `while` of unknown length, whose condition a
    GPU's runtime reads on the host in every iteration. On GPUs and TPUs, each length is therefore
    compiled separately, and lengths are powers of two to limit the number of programs. On a CPU the
    `while` has no cost, and one program works for every length.
    """
    return 1 << (steps.bit_length() - 1) if static_length else steps


def strongly_typed(tree: Any) -> Any:
    """Return a tree without weak types, which files do not keep; a resumed run would promote."""
    return jax.tree.map(
        lambda leaf: leaf if is_key(leaf) else lax.convert_element_type(leaf, leaf.dtype), tree
    )


def stays_finite(before: Any, after: Any) -> Array:
    """Tell whether every number that was finite still is; a state may start with infinities."""
    pairs = zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True)
    finite = [
        jnp.all(jnp.isfinite(new) | ~jnp.isfinite(old))
        for old, new in pairs
        if jnp.issubdtype(new.dtype, jnp.floating)
    ]
    return jnp.all(jnp.array([True, *finite]))


still_finite = jax.jit(stays_finite)
