"""The equations of course/optimizers.md: the schedules, each at the steps 0 to 99."""

import math

import jax.numpy as jnp
import numpy as np

import purenn as pn
from sitetools.equations.registry import equation

SCHEDULES = "purenn.optimizers.schedules"


def each_step(schedule):
    """A schedule's rate at every step."""
    return jnp.stack([schedule(step) for step in range(100)])


@equation(
    "inverse_time_decay",
    source=f"{SCHEDULES}:inverse_time_decay",
    line="_real(initial) / (1 + _real(decay_rate) * epoch)",
    by_purenn=lambda eta0, r, n, T: each_step(pn.inverse_time_decay(eta0, r, n)),
    inputs=lambda rng: (0.3, 0.5, 10, 40),
)
def inverse_time_decay(eta0, decay_rate, steps_per_epoch, T):
    epoch = np.arange(100) // steps_per_epoch
    return eta0 / (1 + decay_rate * epoch)


@equation(
    "exponential_decay",
    source=f"{SCHEDULES}:exponential_decay",
    line="_real(initial) * _real(decay_rate) **",
    by_purenn=lambda eta0, r, n, T: each_step(pn.exponential_decay(eta0, r, T)),
    inputs=lambda rng: (0.3, 0.5, 10, 40),
)
def exponential_decay(eta0, decay_rate, steps_per_epoch, T):
    step = np.arange(100)
    return eta0 * decay_rate ** (step / T)


@equation(
    "cosine_decay",
    source=f"{SCHEDULES}:cosine_decay.schedule",
    line="0.5 * (1 + jnp.cos(math.pi * part))",
    by_purenn=lambda eta0, f, T: each_step(pn.cosine_decay(eta0, T, final=f)),
    inputs=lambda rng: (0.3, 0.02, 40),
)
def cosine_decay(eta0, final, T):
    tau = np.minimum(1, np.arange(100) / T)
    return final + (eta0 - final) / 2 * (1 + np.cos(math.pi * tau))


@equation(
    "linear_warmup",
    source=f"{SCHEDULES}:linear_warmup.schedule",
    line="return after * jnp.minimum(",
    by_purenn=lambda peak, T: each_step(pn.linear_warmup(peak, T)),
    inputs=lambda rng: (0.3, 40),
)
def linear_warmup(peak, T):
    step = np.arange(100)
    return peak * np.minimum(1, (step + 1) / T)


@equation(
    "polynomial_decay",
    source=f"{SCHEDULES}:polynomial_decay.schedule",
    line="_real(initial - final) * left ** _real(power)",
    by_purenn=lambda eta0, f, T, p: each_step(pn.polynomial_decay(eta0, T, f, p)),
    inputs=lambda rng: (0.3, 0.02, 40, 1.5),
)
def polynomial_decay(eta0, final, T, power):
    tau = np.minimum(1, np.arange(100) / T)
    return final + (eta0 - final) * (1 - tau) ** power


@equation(
    "piecewise_constant",
    source=f"{SCHEDULES}:piecewise_constant.schedule",
    line="jnp.where(_beside(boundary, step) < boundary, rate, _real(value))",
    by_purenn=lambda b, values: each_step(pn.piecewise_constant(b, values)),
    inputs=lambda rng: ((20, 50, 51), (0.3, 0.1, 0.03, 0.01)),
)
def piecewise_constant(b, values):
    k = (np.arange(100)[:, None] >= np.array(b)).sum(axis=1)
    return np.array(values)[k]
