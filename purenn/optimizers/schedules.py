"""Schedules: `step -> learning rate`, steps counted from 0."""

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from purenn.core import checks
from purenn.optimizers.describe import describe

Schedule = Callable[[Any], Array]


def _real(step: Any) -> Array:
    return jnp.asarray(step, float)  # float32, or float64 where that is switched on


def inverse_time_decay(initial: float, decay_rate: float, steps_per_epoch: int) -> Schedule:
    r"""`initial / (1 + decay_rate * epoch)`, with `epoch = step // steps_per_epoch`.

    The texts' $\eta = \eta_0 / (1 + \text{decay rate} \cdot \text{epoch})$; it changes from epoch
    to epoch, not within one.

    Args:
        initial: the learning rate of the first epoch.
        decay_rate: how much the divisor grows an epoch.
        steps_per_epoch: `len(x) // batch_size`.

    Examples:
        >>> import purenn as pn
        >>> rate = pn.inverse_time_decay(0.1, decay_rate=1.0, steps_per_epoch=100)
        >>> [round(float(rate(step)), 4) for step in (0, 99, 100, 200)]
        [0.1, 0.1, 0.05, 0.0333]
    """
    where = "inverse_time_decay"
    initial = checks.number(where, "initial", initial, least=0)
    decay_rate = checks.number(where, "decay_rate", decay_rate, least=0)
    steps_per_epoch = checks.count(where, "steps_per_epoch", steps_per_epoch)
    given = {"initial": initial, "decay_rate": decay_rate, "steps_per_epoch": steps_per_epoch}
    return describe(
        lambda step: initial / (1 + decay_rate * _real(step // steps_per_epoch)), where, **given
    )


def exponential_decay(initial: float, decay_rate: float, decay_steps: int) -> Schedule:
    """`initial * decay_rate ** (step / decay_steps)`.

    Args:
        initial: the learning rate of step 0.
        decay_rate: the factor that `decay_steps` steps make.
        decay_steps: see `decay_rate`.

    Examples:
        >>> import purenn as pn
        >>> rate = pn.exponential_decay(0.1, decay_rate=0.5, decay_steps=100)
        >>> [round(float(rate(step)), 4) for step in (0, 100, 200)]
        [0.1, 0.05, 0.025]
    """
    where = "exponential_decay"
    initial = checks.number(where, "initial", initial, least=0)
    decay_rate = checks.number(where, "decay_rate", decay_rate, least=0)
    decay_steps = checks.count(where, "decay_steps", decay_steps)
    given = {"initial": initial, "decay_rate": decay_rate, "decay_steps": decay_steps}
    return describe(
        lambda step: initial * decay_rate ** (_real(step) / decay_steps), where, **given
    )


def cosine_decay(initial: float, decay_steps: int, final: float = 0.0) -> Schedule:
    r"""From `initial` to `final` along half a cosine in `decay_steps` steps, then `final`.

    $\eta = f + \tfrac12 (\eta_0 - f) (1 + \cos \pi s)$, with $s = \min(1, step / steps)$
    (Loshchilov and Hutter 2017, without the restarts).

    Args:
        initial: the learning rate of step 0.
        decay_steps: how many steps the way down takes.
        final: the learning rate from then on.

    Examples:
        >>> import purenn as pn
        >>> rate = pn.cosine_decay(0.1, decay_steps=100)
        >>> [round(float(rate(step)), 4) for step in (0, 50, 100, 200)]
        [0.1, 0.05, 0.0, 0.0]
    """
    where = "cosine_decay"
    initial = checks.number(where, "initial", initial, least=0)
    final = checks.number(where, "final", final, least=0)
    decay_steps = checks.count(where, "decay_steps", decay_steps)

    def schedule(step: Any) -> Array:
        part = jnp.minimum(_real(step) / decay_steps, 1)
        return final + (initial - final) * 0.5 * (1 + jnp.cos(math.pi * part))

    return describe(schedule, where, initial=initial, decay_steps=decay_steps, final=final)


def linear_warmup(peak: Any, warmup_steps: int) -> Schedule:
    """Up to `peak` in equal parts over `warmup_steps`, then `peak`, or the schedule it is.

    Step 0 already moves: its rate is `peak / warmup_steps`. A schedule given as `peak` starts
    where the warm-up ends.

    Args:
        peak: a number, or a schedule.
        warmup_steps: how many steps the way up takes.

    Examples:
        >>> import purenn as pn
        >>> rate = pn.linear_warmup(pn.cosine_decay(0.1, decay_steps=100), warmup_steps=10)
        >>> [round(float(rate(step)), 4) for step in (0, 9, 60, 110)]
        [0.01, 0.1, 0.05, 0.0]
    """
    warmup_steps = checks.count("linear_warmup", "warmup_steps", warmup_steps)
    if not callable(peak):
        peak = checks.number("linear_warmup", "peak", peak, least=0)

    def schedule(step: Any) -> Array:
        after = peak(jnp.maximum(step - warmup_steps, 0)) if callable(peak) else peak
        return after * jnp.minimum((_real(step) + 1) / warmup_steps, 1)

    return describe(schedule, "linear_warmup", peak=peak, warmup_steps=warmup_steps)
