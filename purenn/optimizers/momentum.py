"""`momentum`: gradient descent along a running average of the gradients."""

from typing import Any, NamedTuple

import jax
from jax import Array

from purenn.core import checks, scalars
from purenn.core.precision import in_dtype, wide
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
from purenn.optimizers.moments import zero_moments


class MomentumState(NamedTuple):
    """State of `momentum`."""

    step: Array  # int32
    velocity: Any  # like params, float32 at least


def momentum(
    learning_rate: Scalar | Schedule,
    beta: Scalar = 0.9,
    *,
    average: bool = True,
    nesterov: bool = False,
) -> Optimizer:
    r"""Create a gradient-descent optimizer with momentum, a running average of the gradients.

    $$v \leftarrow \beta v + (1 - \beta) g, \qquad w \leftarrow w - \eta v$$

    With `average=False` this is the heavy-ball method ([Polyak, 1964][polyak1964]) as in PyTorch
    and optax: $v \leftarrow \beta v + g$. With its learning rate multiplied by $1 - \beta$, the
    heavy-ball method follows the same path as the default. The average starts at $(1 - \beta) g$,
    which is too small for the first $1 / (1 - \beta)$ steps. Adam corrects this; momentum does not.

    With `nesterov=True` the step looks ahead: $w \leftarrow w - \eta\,(\beta v + (1 - \beta) g)$,
    or, without the average, $w \leftarrow w - \eta\,(\beta v + g)$ as in PyTorch and optax.

    Args:
        learning_rate: $\eta$, a number, a traced scalar, or a schedule `step -> learning rate`.
        beta: the fraction of $v$ that is kept, `0 <= beta < 1`: a number or a traced scalar. The
            default, 0.9, averages over about the last ten gradients.
        average: whether to multiply the gradient by $1 - \beta$, so that $v$ is an average. The
            default, True, keeps the step size independent of $\beta$; pass False to use the same
            learning rates as in PyTorch and optax.
        nesterov: whether to use Nesterov's variant, which looks ahead.

    Returns:
        An `Optimizer`.

    Raises:
        TypeError: if an argument is not a number or a flag, or the learning rate is neither a
            number nor a schedule.
        ValueError: if a number is out of range.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> optimizer, w, g = pn.momentum(1.0), jnp.array([0.0]), jnp.array([1.0])
        >>> opt_state = optimizer.init(w)
        >>> for _ in range(3):
        ...     updates, opt_state = optimizer.update(g, opt_state)
        ...     print(f"{updates[0]:.3f}")
        -0.100
        -0.190
        -0.271
    """
    learning_rate = check_rate("momentum", learning_rate)
    beta = scalars.number("momentum", "beta", beta, least=0, below=1)
    checks.flag("momentum", "average", average)
    checks.flag("momentum", "nesterov", nesterov)

    def init(params: Params) -> MomentumState:
        return MomentumState(first_step(), zero_moments("momentum", params))

    def update(
        grads: Params, opt_state: MomentumState, params: Params | None = None
    ) -> tuple[Params, MomentumState]:
        grads = check_update("momentum", grads, opt_state, params, MomentumState)
        step, velocity = opt_state
        checks.same_structure("momentum", "grads", grads, "velocity", velocity)
        rate = rate_at("momentum", learning_rate, step)

        def mix(v: Array, g: Array) -> Array:
            kept = in_dtype(beta, v.dtype)
            fresh = 1 - kept if average else 1.0
            return kept * v + fresh * wide(g).astype(v.dtype)

        velocity = jax.tree.map(mix, velocity, grads)
        ahead = jax.tree.map(mix, velocity, grads) if nesterov else velocity
        updates = jax.tree.map(lambda v, g: scaled(rate, v, g.dtype), ahead, grads)
        return updates, MomentumState(step + 1, velocity)

    given = {"learning_rate": learning_rate, "beta": beta, "average": average, "nesterov": nesterov}
    return Optimizer(init, Described(update, "momentum", given, elementwise=True))
