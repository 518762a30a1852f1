"""`adamax`: Adam with a decaying maximum of the gradients instead of the mean of their squares."""

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
from purenn.optimizers.moments import bias_correction, zero_moments


class AdamaxState(NamedTuple):
    """State of `adamax`."""

    step: Array  # int32
    m: Any  # first moment, like params, float32 at least
    u: Any  # largest size of a gradient, like params, float32 at least


def adamax(
    learning_rate: Scalar | Schedule,
    beta1: Scalar = 0.9,
    beta2: Scalar = 0.999,
    epsilon: Scalar = 1e-8,
) -> Optimizer:
    r"""Create an AdaMax optimizer, the variant of Adam with the infinity norm.

    $$m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad
    u \leftarrow \max(\beta_2 u, \lvert g \rvert)$$

    $$w \leftarrow w - \eta\, \frac{m / (1 - \beta_1^t)}{u + \epsilon}$$

    The steps $t$ are counted from 1. A maximum that starts at 0 does not need a bias correction.
    The paper ([Kingma and Ba, 2015, section 7.1][kingma2015]) has no $\epsilon$ and divides by 0
    when every gradient has been 0. `jax.example_libraries` and Keras add $\epsilon$ in the same
    place as purenn. optax and PyTorch add it to $\lvert g \rvert$ inside the maximum, which changes
    the step by a fraction of at most $\epsilon / u$.

    Args:
        learning_rate: $\eta$, a number, a traced scalar, or a schedule `step -> learning rate`.
        beta1: the fraction of the first moment $m$ that is kept, `0 <= beta1 < 1`.
        beta2: the fraction of the maximum $u$ that is kept, `0 <= beta2 < 1`.
        epsilon: added to $u$ to keep the quotient finite. Like the betas, it is a number or a
            traced scalar.

    Returns:
        An `Optimizer`.

    Raises:
        TypeError: if an argument is not a number, or the learning rate is neither a number nor a
            schedule.
        ValueError: if a number is out of range.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> optimizer, w = pn.adamax(0.1), jnp.array([1.0, 2.0])
        >>> updates, opt_state = optimizer.update(jnp.array([0.01, -50.0]), optimizer.init(w))
        >>> [f"{w:.2f}" for w in pn.apply_updates(w, updates)]
        ['0.90', '2.10']

        With a schedule, the learning rate changes from step to step:

        >>> optimizer = pn.adamax(pn.cosine_decay(2e-3, decay_steps=1000))
    """
    given = {"learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon}
    learning_rate = check_rate("adamax", learning_rate)
    beta1 = scalars.number("adamax", "beta1", beta1, least=0, below=1)
    beta2 = scalars.number("adamax", "beta2", beta2, least=0, below=1)
    epsilon = scalars.number("adamax", "epsilon", epsilon, least=0)

    def init(params: Params) -> AdamaxState:
        return AdamaxState(
            first_step(), zero_moments("adamax", params), zero_moments("adamax", params)
        )

    def update(
        grads: Params, opt_state: AdamaxState, params: Params | None = None
    ) -> tuple[Params, AdamaxState]:
        grads = check_update("adamax", grads, opt_state, params, AdamaxState)
        checks.same_structure("adamax", "grads", grads, "m", opt_state.m)
        rate = rate_at("adamax", learning_rate, opt_state.step)
        step = opt_state.step + 1

        def first(m: Array, g: Array) -> Array:
            beta = in_dtype(beta1, m.dtype)
            return beta * m + (1 - beta) * wide(g).astype(m.dtype)

        def largest(u: Array, g: Array) -> Array:
            return jnp.maximum(in_dtype(beta2, u.dtype) * u, jnp.abs(wide(g).astype(u.dtype)))

        def direction(m: Array, u: Array) -> Array:
            return m / bias_correction(beta1, step, m.dtype) / (u + in_dtype(epsilon, u.dtype))

        m = jax.tree.map(first, opt_state.m, grads)
        u = jax.tree.map(largest, opt_state.u, grads)
        directions = jax.tree.map(direction, m, u)
        updates = jax.tree.map(lambda d, g: scaled(rate, d, g.dtype), directions, grads)
        return updates, AdamaxState(step, m, u)

    return Optimizer(init, Described(update, "adamax", given, elementwise=True))
