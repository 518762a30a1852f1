"""`rmsprop`: gradients divided by the root of a running mean of their squares."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
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
from purenn.optimizers.moments import over_root, zero_moments


class RmspropState(NamedTuple):
    """State of `rmsprop`."""

    step: Array  # int32
    v: Any  # mean of the squares, like params, float32 at least
    velocity: Any  # like v; () without momentum


def rmsprop(
    learning_rate: Scalar | Schedule,
    decay: Scalar = 0.9,
    epsilon: Scalar = 1e-8,
    *,
    momentum: Scalar = 0.0,
) -> Optimizer:
    r"""Create an RMSProp optimizer, with $\epsilon$ inside the root.

    $$v \leftarrow \gamma v + (1 - \gamma) g^2, \qquad
    w \leftarrow w - \eta\, \frac{g}{\sqrt{v + \epsilon}}$$

    $v$ starts at 0 without a correction, so for a constant gradient, the first step is $1 / \sqrt{1
    - \gamma}$ times as long as later steps. With `momentum`, the steps accumulate:

    $$u \leftarrow \mu u + \eta\, \frac{g}{\sqrt{v + \epsilon}}, \qquad w \leftarrow w - u$$

    This is the variant of [Tieleman and Hinton (2012)][tieleman2012] found in `optax.rmsprop` and
    in `rmsprop` and `rmsprop_momentum` of `jax.example_libraries`. PyTorch divides by $\sqrt v +
    \epsilon$, has $\gamma = 0.99$ by default, and multiplies by the learning rate after
    accumulating, which makes a difference with a schedule. For the centered variant, which divides
    by a standard deviation, use optax.

    Args:
        learning_rate: $\eta$, a number, a traced scalar, or a schedule `step -> learning rate`.
        decay: $\gamma$, the fraction of the mean square that is kept, `0 <= decay < 1`.
        epsilon: added to $v$ to keep the quotient finite. If it is 0, an element does not change
            until its gradient differs from 0. Like the others, it is a number or a traced scalar.
        momentum: $\mu$, the fraction of the previous step that is kept, `0 <= momentum < 1`. The
            default, 0, does not accumulate steps.

    Returns:
        An `Optimizer`.

    Raises:
        TypeError: if an argument is not a number, or the learning rate is neither a number nor a
            schedule.
        ValueError: if a number is out of range.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> optimizer, w = pn.rmsprop(0.1), jnp.array([1.0, 2.0])
        >>> updates, opt_state = optimizer.update(jnp.array([0.01, -50.0]), optimizer.init(w))
        >>> [f"{u:.3f}" for u in updates]  # 0.1 / √(1 - 0.9), whatever the size of the gradient
        ['-0.316', '0.316']

        With a schedule, the learning rate changes from step to step:

        >>> optimizer = pn.rmsprop(pn.cosine_decay(1e-3, decay_steps=1000))
    """
    given = {
        "learning_rate": learning_rate,
        "decay": decay,
        "epsilon": epsilon,
        "momentum": momentum,
    }
    learning_rate = check_rate("rmsprop", learning_rate)
    decay = scalars.number("rmsprop", "decay", decay, least=0, below=1)
    epsilon = scalars.number("rmsprop", "epsilon", epsilon, least=0)
    momentum = scalars.number("rmsprop", "momentum", momentum, least=0, below=1)
    adds_up = not checks.is_concrete(momentum) or momentum != 0

    def init(params: Params) -> RmspropState:
        velocity = zero_moments("rmsprop", params) if adds_up else ()
        return RmspropState(first_step(), zero_moments("rmsprop", params), velocity)

    def update(
        grads: Params, opt_state: RmspropState, params: Params | None = None
    ) -> tuple[Params, RmspropState]:
        grads = check_update("rmsprop", grads, opt_state, params, RmspropState)
        step, v, velocity = opt_state
        checks.same_structure("rmsprop", "grads", grads, "v", v)
        rate = rate_at("rmsprop", learning_rate, step)

        def mean_square(v: Array, g: Array) -> Array:
            kept, g = in_dtype(decay, v.dtype), wide(g).astype(v.dtype)
            return kept * v + (1 - kept) * (g * g)

        def direction(v: Array, g: Array) -> Array:
            return over_root(wide(g).astype(v.dtype), v, epsilon)

        def add_up(u: Array, d: Array) -> Array:
            return in_dtype(momentum, u.dtype) * u + jnp.asarray(rate, u.dtype) * d

        v = jax.tree.map(mean_square, v, grads)
        directions = jax.tree.map(direction, v, grads)
        if adds_up:
            checks.same_structure("rmsprop", "grads", grads, "velocity", velocity)
            velocity = jax.tree.map(add_up, velocity, directions)
            updates = jax.tree.map(lambda u, g: (-u).astype(g.dtype), velocity, grads)
        else:
            updates = jax.tree.map(lambda d, g: scaled(rate, d, g.dtype), directions, grads)
        return updates, RmspropState(step + 1, v, velocity)

    return Optimizer(init, Described(update, "rmsprop", given, elementwise=True))
