"""`training_run`: a whole run as one pure function."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from purenn.core import scalars
from purenn.core.deleted import refuse_deleted
from purenn.core.sharding import rows_sharded_like, varying_together
from purenn.training.blocks import epoch_order, in_blocks, steps_per_epoch
from purenn.training.examples import as_examples
from purenn.training.loop import train_loop
from purenn.training.train_step import TrainState


def training_run(
    model: Any,
    loss: Any,
    optimizer: Any,
    *,
    epochs: int,
    batch_size: int,
    penalty: Any = None,
    blocks: int = 1,
) -> Callable[[Array, Any, Any], tuple[TrainState, Array]]:
    """A whole run, from the key to the trained state: shuffle, step, repeat.

    It can be jitted as one program, and vmapped over keys, or over learning rates by making the
    optimizer inside the function that is vmapped.

    Args:
        model: a layer.
        loss: an op or function `(predictions, targets) -> scalar`.
        optimizer: purenn's or optax's.
        epochs: passes over the data, each in a new order; 0 gives the initial state.
        batch_size: examples a step; an epoch's incomplete last batch is dropped.
        penalty: an op or function of the parameters, added to the loss.
        blocks: each batch takes an equal share of so many blocks of the data, shuffled within each.
            Data that are sharded over devices, in blocks, are then never moved between them.

    Returns:
        `run(key, x, targets) -> (train_state, losses)`, with `losses: (epochs, steps)`.

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
    steps = train_loop(model, loss, optimizer, penalty)

    def run(key: Array, x: Any, targets: Any) -> tuple[TrainState, Array]:
        refuse_deleted("training_run", key=key, x=x, targets=targets)
        x, targets = as_examples("training_run", x, targets)
        examples = x.shape[0]
        steps_per_epoch("training_run", examples, batch_size, blocks)
        x, targets = in_blocks(x, blocks), in_blocks(targets, blocks)

        def one_epoch(train_state: TrainState, epoch: Array) -> tuple[TrainState, Array]:
            order = epoch_order(train_state.key, epoch, examples, batch_size, blocks)
            if blocks > 1:
                order = rows_sharded_like(order, x)
            return steps(train_state, x, targets, order, 0, order.shape[-2])

        train_state = TrainState.create(model, optimizer, key, x.shape[1:])
        train_state = varying_together(train_state, x, targets)
        return lax.scan(one_epoch, train_state, jnp.arange(epochs, dtype=jnp.int32))

    return run
