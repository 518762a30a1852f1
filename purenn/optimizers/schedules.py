"""Schedules: functions `step -> learning rate`, with steps counted from 0.

Their arguments are numbers or traced scalars, so you can `vmap` over them. An out-of-range traced
scalar gives NaN.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core import checks, scalars
from purenn.core.types import Scalar, Schedule
from purenn.optimizers.describe import Described


def _real(number: Any) -> Array:
    return jnp.asarray(number, float)  # float32, or float64 where that is switched on


def _steps(where: str, name: str, value: Any) -> Scalar:
    """Return a number of steps, at least 1: a whole number, or a traced scalar."""
    if checks.is_concrete(value):
        return scalars.count(where, name, value)
    return scalars.number(where, name, value, least=1)


def _beside(steps: Scalar, step: Any) -> Any:
    """Return a step, as a float if it is combined with a traced number of steps."""
    return step if checks.is_concrete(steps) else _real(step)


def inverse_time_decay(initial: Scalar, decay_rate: Scalar, steps_per_epoch: Scalar) -> Schedule:
    r"""Decay as `initial / (1 + decay_rate * epoch)`, with `epoch = step // steps_per_epoch`.

    Textbooks write it as $\eta = \eta_0 / (1 + \text{decay rate} \cdot \text{epoch})$. The rate is
    constant within each epoch.

    Args:
        initial: the learning rate of the first epoch.
        decay_rate: the amount by which the divisor grows per epoch, at least 0.
        steps_per_epoch: the number of steps in an epoch, `len(x) // batch_size`.

    Returns:
        A schedule, `step -> learning rate`, for the learning rate of any optimizer.

    Raises:
        TypeError: if an argument is not a number, or a number of steps is not an integer.
        ValueError: if a number is out of range.

    Examples:
        >>> import purenn as pn
        >>> rate = pn.inverse_time_decay(0.1, decay_rate=1.0, steps_per_epoch=100)
        >>> [round(float(rate(step)), 4) for step in (0, 99, 100, 200)]
        [0.1, 0.1, 0.05, 0.0333]
    """
    where = "inverse_time_decay"
    initial = scalars.number(where, "initial", initial, least=0)
    decay_rate = scalars.number(where, "decay_rate", decay_rate, least=0)
    steps_per_epoch = _steps(where, "steps_per_epoch", steps_per_epoch)

    def schedule(step: Any) -> Array:
        epoch = _real(_beside(steps_per_epoch, step) // steps_per_epoch)
        return _real(initial) / (1 + _real(decay_rate) * epoch)

    given = {"initial": initial, "decay_rate": decay_rate, "steps_per_epoch": steps_per_epoch}
    return Described(schedule, where, given)


def exponential_decay(initial: Scalar, decay_rate: Scalar, decay_steps: Scalar) -> Schedule:
    """Decay as `initial * decay_rate ** (step / decay_steps)`.

    Args:
        initial: the learning rate at step 0.
        decay_rate: the factor by which the rate changes over `decay_steps` steps.
        decay_steps: the number of steps over which the rate changes by that factor.

    Returns:
        A schedule, `step -> learning rate`, for the learning rate of any optimizer.

    Raises:
        TypeError: if an argument is not a number, or a number of steps is not an integer.
        ValueError: if a number is out of range.

    Examples:
        >>> import purenn as pn
        >>> rate = pn.exponential_decay(0.1, decay_rate=0.5, decay_steps=100)
        >>> [round(float(rate(step)), 4) for step in (0, 100, 200)]
        [0.1, 0.05, 0.025]
    """
    where = "exponential_decay"
    initial = scalars.number(where, "initial", initial, least=0)
    decay_rate = scalars.number(where, "decay_rate", decay_rate, least=0)
    decay_steps = _steps(where, "decay_steps", decay_steps)

    def schedule(step: Any) -> Array:
        return _real(initial) * _real(decay_rate) ** (_real(step) / _real(decay_steps))

    given = {"initial": initial, "decay_rate": decay_rate, "decay_steps": decay_steps}
    return Described(schedule, where, given)


def cosine_decay(initial: Scalar, decay_steps: Scalar, final: Scalar = 0.0) -> Schedule:
    r"""Decay from `initial` to `final` along half a cosine in `decay_steps` steps, then stay there.

    $$\eta = f + \tfrac12 (\eta_0 - f) (1 + \cos \pi s),
      \quad s = \min(1, \text{step} / \text{steps})$$

    This is the schedule of [Loshchilov and Hutter (2017)][loshchilov2017] without restarts. Here
    $\eta_0$ is `initial`, $f$ is `final`, and "steps" is `decay_steps`.

    Args:
        initial: the learning rate at step 0.
        decay_steps: the number of steps the decay takes.
        final: the learning rate after that.

    Returns:
        A schedule, `step -> learning rate`, for the learning rate of any optimizer.

    Raises:
        TypeError: if an argument is not a number, or a number of steps is not an integer.
        ValueError: if a number is out of range.

    Examples:
        >>> import purenn as pn
        >>> rate = pn.cosine_decay(0.1, decay_steps=100)
        >>> [round(float(rate(step)), 4) for step in (0, 50, 100, 200)]
        [0.1, 0.05, 0.0, 0.0]
    """
    where = "cosine_decay"
    initial = scalars.number(where, "initial", initial, least=0)
    final = scalars.number(where, "final", final, least=0)
    decay_steps = _steps(where, "decay_steps", decay_steps)

    def schedule(step: Any) -> Array:
        part = jnp.minimum(_real(step) / _real(decay_steps), 1)
        span = _real(initial - final)
        return _real(final) + span * 0.5 * (1 + jnp.cos(math.pi * part))

    given = {"initial": initial, "decay_steps": decay_steps, "final": final}
    return Described(schedule, where, given)


def polynomial_decay(
    initial: Scalar, decay_steps: Scalar, final: Scalar = 0.0, power: Scalar = 1.0
) -> Schedule:
    r"""Decay from `initial` to `final` along a power in `decay_steps` steps, then stay there.

    $$\eta = f + (\eta_0 - f) (1 - s)^p, \quad s = \min(1, \text{step} / \text{steps})$$

    Here $\eta_0$ is `initial`, $f$ is `final`, and "steps" is `decay_steps`. With the default, $p =
    1$, the decay is linear.

    Args:
        initial: the learning rate at step 0.
        decay_steps: the number of steps the decay takes.
        final: the learning rate after that.
        power: $p$, at least 0. Above 1, the decay is faster at the start; below 1, it is faster at
            the end.

    Returns:
        A schedule, `step -> learning rate`, for the learning rate of any optimizer.

    Raises:
        TypeError: if an argument is not a number, or a number of steps is not an integer.
        ValueError: if a number is out of range.

    Examples:
        >>> import purenn as pn
        >>> rate = pn.polynomial_decay(0.1, decay_steps=100, power=2.0)
        >>> [round(float(rate(step)), 4) for step in (0, 50, 100, 200)]
        [0.1, 0.025, 0.0, 0.0]
    """
    where = "polynomial_decay"
    initial = scalars.number(where, "initial", initial, least=0)
    final = scalars.number(where, "final", final, least=0)
    power = scalars.number(where, "power", power, least=0)
    decay_steps = _steps(where, "decay_steps", decay_steps)

    def schedule(step: Any) -> Array:
        part = _real(step) / _real(decay_steps)
        over = part >= 1
        left = jnp.where(over, 1, 1 - part)  # not 0, where a power has no finite derivative
        decayed = _real(final) + _real(initial - final) * left ** _real(power)
        return jnp.where(over, _real(final), decayed)

    given = {"initial": initial, "decay_steps": decay_steps, "final": final, "power": power}
    return Described(schedule, where, given)


def piecewise_constant(boundaries: Sequence[Scalar], values: Sequence[Scalar]) -> Schedule:
    """Keep each of `values` until the next of `boundaries`.

    A boundary is the first step with the next value, as in optax and PyTorch: the first
    `boundaries[0]` steps use the rate `values[0]`, and the next ones use `values[1]`. In
    `jax.example_libraries` and Keras, the boundary step still has the previous value, so add 1 to
    their boundaries.

    Args:
        boundaries: increasing steps, a sequence or an array.
        values: the learning rates, one more than there are boundaries; a sequence or an array.

    Returns:
        A schedule, `step -> learning rate`, for the learning rate of any optimizer.

    Raises:
        TypeError: if an argument is not a sequence of numbers.
        ValueError: if the number of values is not one more than the number of boundaries, the
            boundaries do not increase, or a number is out of range.

    Examples:
        >>> import purenn as pn
        >>> rate = pn.piecewise_constant((100, 200), (0.1, 0.05, 0.01))
        >>> [round(float(rate(step)), 4) for step in (0, 99, 100, 200, 300)]
        [0.1, 0.1, 0.05, 0.01, 0.01]
    """
    where = "piecewise_constant"
    boundaries, values = _items(where, "boundaries", boundaries), _items(where, "values", values)
    if len(values) != len(boundaries) + 1:
        raise ValueError(
            f"{where}: expected one more value than boundaries, "
            f"got {len(values)} values and {len(boundaries)} boundaries"
        )
    steps = [_steps(where, f"boundaries[{i}]", step) for i, step in enumerate(boundaries)]
    rates = [scalars.number(where, f"values[{i}]", r, least=0) for i, r in enumerate(values)]
    rising = [earlier < later for earlier, later in pairwise((0, *steps))]
    for i, rises in enumerate(rising):
        if checks.is_concrete(rises) and not rises:
            raise ValueError(
                f"{where}: boundaries[{i}] must be more than boundaries[{i - 1}], {steps[i - 1]}, "
                f"got {steps[i]}"
            )

    def schedule(step: Any) -> Array:
        rate = _real(rates[0])
        for boundary, value in zip(steps, rates[1:], strict=True):
            rate = jnp.where(_beside(boundary, step) < boundary, rate, _real(value))
        return jnp.where(jnp.array(rising, bool).all(), rate, jnp.nan)

    return Described(schedule, where, {"boundaries": boundaries, "values": values})


def _items(where: str, name: str, values: Any) -> tuple[Any, ...]:
    """Return the numbers of a sequence, or of an array with one axis."""
    array = isinstance(values, (Array, np.ndarray)) and values.ndim == 1
    if not array and not isinstance(values, (list, tuple)):
        raise TypeError(
            f"{where}: {name} must be a sequence of numbers, got {checks.describe(values)}"
        )
    return tuple(values)


def linear_warmup(peak: Scalar | Schedule, warmup_steps: Scalar) -> Schedule:
    """Increase linearly to `peak` over `warmup_steps` steps, then stay there or follow a schedule.

    Step 0 already has the rate `peak / warmup_steps`. If `peak` is a schedule, it starts after the
    warm-up.

    Args:
        peak: the highest learning rate, or a schedule to follow after the warm-up.
        warmup_steps: the number of steps of the warm-up.

    Returns:
        A schedule, `step -> learning rate`, for the learning rate of any optimizer.

    Raises:
        TypeError: if an argument is not a number, or a number of steps is not an integer.
        ValueError: if a number is out of range.

    Examples:
        >>> import purenn as pn
        >>> rate = pn.linear_warmup(pn.cosine_decay(0.1, decay_steps=100), warmup_steps=10)
        >>> [round(float(rate(step)), 4) for step in (0, 9, 60, 110)]
        [0.01, 0.1, 0.05, 0.0]
    """
    warmup_steps = _steps("linear_warmup", "warmup_steps", warmup_steps)
    if not callable(peak):
        peak = scalars.number("linear_warmup", "peak", peak, least=0)

    def schedule(step: Any) -> Array:
        later = jnp.maximum(_beside(warmup_steps, step) - warmup_steps, 0)
        after = peak(later) if callable(peak) else _real(peak)
        return after * jnp.minimum((_real(step) + 1) / _real(warmup_steps), 1)

    given = {"peak": peak, "warmup_steps": warmup_steps}
    return Described(schedule, "linear_warmup", given)
