"""`sgd`: gradient descent."""

from typing import NamedTuple

import jax
from jax import Array

from purenn.core import checks
from purenn.core.precision import wide
from purenn.core.types import Params, Scalar, Schedule
from purenn.optimizers.base import (
    Optimizer,
    check_rate,
    check_update,
    first_step,
    rate_at,
    scaled,
)
from purenn.optimizers.describe import Described


class SgdState(NamedTuple):
    """State of `sgd`."""

    step: Array  # int32


def sgd(learning_rate: Scalar | Schedule) -> Optimizer:
    r"""Create a gradient-descent optimizer: $w \leftarrow w - \eta\, g$.

    Each step goes in the direction of the *negative* gradient $g$. When the gradients are computed
    on batches, gradient descent is called stochastic (SGD).

    Args:
        learning_rate: $\eta$, a number, a traced scalar, or a schedule `step -> learning rate`.

    Returns:
        An `Optimizer`.

    Raises:
        TypeError: if an argument is not a number, or the learning rate is neither a number nor a
            schedule.
        ValueError: if a number is out of range.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> optimizer, w = pn.sgd(0.1), jnp.array([1.0, 2.0])
        >>> updates, opt_state = optimizer.update(jnp.array([1.0, -1.0]), optimizer.init(w))
        >>> [f"{w:.2f}" for w in pn.apply_updates(w, updates)]
        ['0.90', '2.10']

        With a schedule, the learning rate changes from step to step:

        >>> optimizer = pn.sgd(pn.cosine_decay(0.1, decay_steps=1000))
    """
    learning_rate = check_rate("sgd", learning_rate)

    def init(params: Params) -> SgdState:
        checks.float_tree("sgd", "params", params)
        return SgdState(first_step())

    def update(
        grads: Params, opt_state: SgdState, params: Params | None = None
    ) -> tuple[Params, SgdState]:
        grads = check_update("sgd", grads, opt_state, params, SgdState)
        rate = rate_at("sgd", learning_rate, opt_state.step)
        updates = jax.tree.map(lambda g: scaled(rate, wide(g), g.dtype), grads)
        return updates, SgdState(opt_state.step + 1)

    given = {"learning_rate": learning_rate}
    return Optimizer(init, Described(update, "sgd", given, elementwise=True))
