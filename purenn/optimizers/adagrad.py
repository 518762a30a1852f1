"""`adagrad`: gradients divided by the root of the sum of all past squares."""

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
from purenn.optimizers.moments import over_root, zero_moments


class AdagradState(NamedTuple):
    """State of `adagrad`."""

    step: Array  # int32
    total: Any  # sum of the squares, like params, float32 at least
    velocity: Any  # like total; () without momentum


def adagrad(
    learning_rate: Scalar | Schedule,
    initial_accumulator_value: Scalar = 0.1,
    epsilon: Scalar = 1e-7,
    *,
    momentum: Scalar = 0.0,
) -> Optimizer:
    r"""Create an AdaGrad optimizer, with $\epsilon$ inside the root.

    $$s \leftarrow s + g^2, \qquad w \leftarrow w - \eta\, \frac{g}{\sqrt{s + \epsilon}}$$

    The sum $s$ never shrinks, so the steps become shorter: proportional to $1 / \sqrt t$ for a
    constant gradient ([Duchi, Hazan, and Singer, 2011][duchi2011]). With `momentum`, the directions
    are averaged just as the optimizer `momentum` averages gradients:

    $$u \leftarrow \mu u + (1 - \mu) \frac{g}{\sqrt{s + \epsilon}}, \qquad w \leftarrow w - \eta u$$

    Without momentum this is `optax.adagrad`. The optimizer of `jax.example_libraries` is
    `adagrad(learning_rate, 0, 0, momentum=0.9)`. PyTorch divides by $\sqrt s + \epsilon$ and starts
    at 0.

    Args:
        learning_rate: $\eta$, a number, a traced scalar, or a schedule `step -> learning rate`.
        initial_accumulator_value: the initial value of $s$, at least 0. A larger value makes the
            first steps shorter.
        epsilon: added to $s$ to keep the quotient finite. If this and the initial value are 0, an
            element does not change until its gradient differs from 0. Like the others, it is a
            number or a traced scalar.
        momentum: $\mu$, the fraction of the average $u$ that is kept, `0 <= momentum < 1`. The
            default, 0, does not average.

    Returns:
        An `Optimizer`.

    Raises:
        TypeError: if an argument is not a number, or the learning rate is neither a number nor a
            schedule.
        ValueError: if a number is out of range.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> optimizer, w, g = pn.adagrad(1.0), jnp.array([0.0]), jnp.array([2.0])
        >>> opt_state = optimizer.init(w)
        >>> for _ in range(3):
        ...     updates, opt_state = optimizer.update(g, opt_state)
        ...     print(f"{updates[0]:.3f}")
        -0.988
        -0.703
        -0.575

        With a schedule, the learning rate changes from step to step:

        >>> optimizer = pn.adagrad(pn.cosine_decay(0.1, decay_steps=1000))
    """
    given = {
        "learning_rate": learning_rate,
        "initial_accumulator_value": initial_accumulator_value,
        "epsilon": epsilon,
        "momentum": momentum,
    }
    learning_rate = check_rate("adagrad", learning_rate)
    name = "initial_accumulator_value"
    begin = scalars.number("adagrad", name, initial_accumulator_value, least=0)
    epsilon = scalars.number("adagrad", "epsilon", epsilon, least=0)
    momentum = scalars.number("adagrad", "momentum", momentum, least=0, below=1)
    averages = not checks.is_concrete(momentum) or momentum != 0

    def init(params: Params) -> AdagradState:
        zeros = zero_moments("adagrad", params)
        total = jax.tree.map(lambda zero: zero + in_dtype(begin, zero.dtype), zeros)
        return AdagradState(first_step(), total, zeros if averages else ())

    def update(
        grads: Params, opt_state: AdagradState, params: Params | None = None
    ) -> tuple[Params, AdagradState]:
        grads = check_update("adagrad", grads, opt_state, params, AdagradState)
        step, total, velocity = opt_state
        checks.same_structure("adagrad", "grads", grads, "total", total)
        rate = rate_at("adagrad", learning_rate, step)

        def add_square(s: Array, g: Array) -> Array:
            g = wide(g).astype(s.dtype)
            return s + g * g

        def direction(s: Array, g: Array) -> Array:
            return over_root(wide(g).astype(s.dtype), s, epsilon)

        def average(u: Array, d: Array) -> Array:
            kept = in_dtype(momentum, u.dtype)
            return kept * u + (1 - kept) * d

        total = jax.tree.map(add_square, total, grads)
        directions = jax.tree.map(direction, total, grads)
        if averages:
            checks.same_structure("adagrad", "grads", grads, "velocity", velocity)
            directions = velocity = jax.tree.map(average, velocity, directions)
        updates = jax.tree.map(lambda d, g: scaled(rate, d, g.dtype), directions, grads)
        return updates, AdagradState(step + 1, total, velocity)

    return Optimizer(init, Described(update, "adagrad", given, elementwise=True))
