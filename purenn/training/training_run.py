"""`training_run`: a whole run as one pure function, and the compiled loop inside it."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from purenn.backprop.tail import Tail
from purenn.core import scalars
from purenn.core.blocks import in_blocks
from purenn.core.deleted import reject_deleted
from purenn.core.padded import array_of
from purenn.core.sharding import rows_sharded_like, varying_together
from purenn.core.types import Fn, Key, LossLike, ModelLike, OptimizerLike, PenaltyLike
from purenn.optimizers.describe import is_elementwise
from purenn.training.examples import as_examples
from purenn.training.packed import Packing
from purenn.training.shuffle import batch_of, epoch_order, steps_per_epoch
from purenn.training.train_step import TrainState, make_step, update_params


def training_run(
    model: ModelLike,
    loss: LossLike,
    optimizer: OptimizerLike,
    *,
    epochs: int,
    batch_size: int,
    penalty: PenaltyLike | None = None,
    blocks: int = 1,
    tail: Tail | None = None,
) -> Callable[[Key, Any, Any], tuple[TrainState, Array]]:
    """Create a pure function that performs a whole training run, from the key to the trained state.

    You can `jit` it as one program, and `vmap` it over keys to train many models at the same time.
    To `vmap` over learning rates, create the optimizer inside the function you vmap.

    Args:
        model: a layer.
        loss: an op or function `(predictions, targets) -> scalar`; see `value_and_grad`.
        optimizer: an optimizer of purenn or optax.
        epochs: the number of passes over the data, each in a new order; 0 returns the initial
            state.
        batch_size: the number of examples per step. An incomplete last batch is dropped.
        penalty: an op or function of the parameters, added to the loss.
        blocks: how many blocks to divide the data into. Each batch takes an equal share
            of every block, and each block is shuffled separately. Data whose blocks are sharded
            over devices therefore never move between devices.
        tail: the last parts of the model to run in chunks of the batch; see `Tail`.

    Returns:
        `run(key, x, targets) -> (train_state, losses)`, where `losses: (epochs, steps)` holds the
        loss of every step. `x` may be `Padded`.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if a number is too small, `optimizer` does not take a step, or `tail` does not
            fit the model. If the data do not fit the model or the loss, an error is raised when
            `run` is called.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> x = jnp.linspace(-1, 1, 8)[:, None]
        >>> run = pn.training_run(pn.dense(1), pn.mse, pn.sgd(0.5), epochs=40, batch_size=4)
        >>> train_state, losses = jax.jit(run)(jax.random.key(0), x, 3 * x + 1)
        >>> print(f"{train_state.params.w.item():.3f}", losses.shape)
        3.000 (40, 2)
    """
    epochs = scalars.count("training_run", "epochs", epochs, least=0)
    scalars.count("training_run", "batch_size", batch_size)
    scalars.count("training_run", "blocks", blocks)
    run_steps = train_loop(model, loss, optimizer, penalty, tail)

    def run(key: Key, x: Any, targets: Any) -> tuple[TrainState, Array]:
        reject_deleted("training_run", key=key, x=x, targets=targets)
        x, targets = as_examples("training_run", x, targets)
        examples = array_of(x).shape[0]
        steps_per_epoch("training_run", examples, batch_size, blocks)
        x, targets = in_blocks((x, targets), blocks)

        def one_epoch(train_state: TrainState, epoch: Array) -> tuple[TrainState, Array]:
            order = epoch_order(train_state.key, epoch, examples, batch_size, blocks)
            if blocks > 1:
                order = rows_sharded_like(order, array_of(x))
            return run_steps(train_state, x, targets, order, 0, order.shape[-2])

        train_state = TrainState.create(model, optimizer, key, array_of(x).shape[1:])
        train_state = varying_together(train_state, x, targets)
        return lax.scan(one_epoch, train_state, jnp.arange(epochs, dtype=jnp.int32))

    return run


def train_loop(
    model: ModelLike,
    loss: LossLike,
    optimizer: OptimizerLike,
    penalty: PenaltyLike | None,
    tail: Tail | None = None,
    *,
    on_mesh: bool = False,
) -> Fn:
    """Create a loop over the steps of an epoch, which does not move the data.

    Args:
        model: a layer.
        loss: an op or function `(predictions, targets) -> scalar`; see `value_and_grad`.
        optimizer: an optimizer of purenn or optax.
        penalty: an op or function of the parameters, or None.
        tail: which last parts of the model run in chunks, or None.
        on_mesh: whether the data are sharded over a mesh. The loop then carries each parameter
            separately, since XLA sums all gradients of a step in one operation if nothing is done
            to some of them.

    Returns:
        A pure function `run(train_state, x, targets, order, first, steps)`. It returns the state
        after `steps` steps, starting from step `first`, and the losses of the epoch, `(steps per
        epoch,)`, which are zero where no step was run. `order` holds the rows of all batches, as
        `epoch_order` returns them. With a traced number of steps, one program serves any number;
        with a Python number, the loop has a static length, and JAX can differentiate through it.
    """
    packs = is_elementwise(optimizer) and not on_mesh
    step = make_step(model, loss, optimizer, penalty, tail, update_params)
    packed_step = make_step(model, loss, optimizer, penalty, tail, _update_packed)

    def run(
        train_state: TrainState, x: Any, targets: Any, order: Array, first: Any, steps: Any
    ) -> tuple[TrainState, Array]:
        packing = Packing(train_state.params)

        def loop(one_step: Fn, before: TrainState, x: Any, targets: Any, order: Array) -> Any:
            def body(i: Array, carry: tuple[TrainState, Array]) -> tuple[TrainState, Array]:
                now, losses = carry
                i = first + i
                now, value = one_step(now, *batch_of((x, targets), order, i))
                return now, losses.at[i].set(value.astype(losses.dtype))

            carry = varying_together((before, jnp.zeros(order.shape[-2])), x, targets)
            return lax.fori_loop(0, steps, body, carry)

        def elsewhere(*given: Any) -> tuple[TrainState, Array]:
            return loop(step, *given)

        def on_cpu(before: TrainState, *data: Any) -> tuple[TrainState, Array]:
            def from_packed(now: TrainState, *batch: Any) -> tuple[TrainState, Array]:
                return packed_step(now._replace(params=packing.unpacked(now.params)), *batch)

            packed = packing.packed(before.params), packing.packed_in(before.opt_state)
            before = before._replace(params=packed[0], opt_state=packed[1])
            after, losses = loop(from_packed, before, *data)
            plain = packing.unpacked(after.params), packing.unpacked_in(after.opt_state)
            return after._replace(params=plain[0], opt_state=plain[1]), losses

        given = train_state, x, targets, order
        if not packs:
            return elsewhere(*given)
        return lax.platform_dependent(*given, cpu=on_cpu, default=elsewhere)

    return run


def _update_packed(optimizer: Any, grads: Any, opt_state: Any, params: Any) -> tuple[Any, Any]:
    """Update packed parameters, given the packed state of the optimizer."""
    packing = Packing(params)
    return update_params(optimizer, packing.packed(grads), opt_state, packing.packed(params))
