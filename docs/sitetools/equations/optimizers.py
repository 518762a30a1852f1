"""The equations of course/optimizers.md: gradient descent, momentum, and Adam."""

import jax.numpy as jnp
import numpy as np

import purenn as pn
from purenn.optimizers.adam import AdamState
from purenn.optimizers.momentum import MomentumState
from sitetools.equations.registry import equation

MOMENTUM = "purenn.optimizers.momentum:momentum.update"
ADAM = "purenn.optimizers.adam:_adam.update"


def arrays(rng, *names):
    """Weights, gradients, and whatever is like them; the second moment is a mean of squares."""
    drawn = {name: rng.normal(size=(4, 3)) for name in names}
    return {name: value**2 if name == "v_squares" else value for name, value in drawn.items()}


def for_sgd(rng):
    return (
        *arrays(rng, "w", "g").values(),
        0.3,
    )


def for_velocity(rng):
    return (
        *arrays(rng, "v", "g").values(),
        0.9,
    )


def for_momentum(rng):
    return (*arrays(rng, "w", "v", "g").values(), 0.3, 0.9)


def for_moments(rng):
    return (*arrays(rng, "m", "v_squares", "g").values(), 0.9, 0.999)


def for_adam(rng):
    return (*arrays(rng, "w", "m", "v_squares", "g").values(), 0.3, 0.9, 0.999, 1e-8, 7)


def for_adamw(rng):
    return (*for_adam(rng), 0.05)


def moved(optimizer, opt_state, w, g):
    """The parameters after one update."""
    updates, _ = optimizer.update(g, opt_state, w)
    return pn.apply_updates(w, updates)


def sgd_w_by_purenn(w, g, eta):
    optimizer = pn.sgd(eta)
    return moved(optimizer, optimizer.init(w), w, g)


@equation(
    "sgd.w",
    source="purenn.optimizers.sgd:sgd.update",
    line="scaled(rate, wide(g), g.dtype)",
    by_purenn=sgd_w_by_purenn,
    inputs=for_sgd,
)
def sgd_w(w, g, eta):
    return w - eta * g


def velocity_by_purenn(average):
    """The velocity after one update of a state that has one already."""

    def velocity(v, g, beta):
        state = MomentumState(jnp.int32(5), v)
        return pn.momentum(0.1, beta, average=average).update(g, state)[1].velocity

    return velocity


@equation(
    "momentum.v",
    source=f"{MOMENTUM}.mix",
    line="kept * v + fresh * wide(g)",
    by_purenn=velocity_by_purenn(average=True),
    inputs=for_velocity,
)
def momentum_v(m, g, beta):
    return beta * m + (1 - beta) * g


@equation(
    "momentum.heavy_ball",
    source=f"{MOMENTUM}.mix",
    line="kept * v + fresh * wide(g)",
    by_purenn=velocity_by_purenn(average=False),
    inputs=for_velocity,
)
def momentum_heavy_ball(m, g, beta):
    return beta * m + g


def momentum_by_purenn(nesterov):
    """The parameters after one update of a state that has a velocity already."""

    def w_after(w, v, g, eta, beta):
        optimizer = pn.momentum(eta, beta, nesterov=nesterov)
        return moved(optimizer, MomentumState(jnp.int32(5), v), w, g)

    return w_after


@equation(
    "momentum.w",
    source=MOMENTUM,
    line="scaled(rate, v, g.dtype)",
    by_purenn=momentum_by_purenn(nesterov=False),
    inputs=for_momentum,
)
def momentum_w(w, m, g, eta, beta):
    m = momentum_v(m, g, beta)
    return w - eta * m


@equation(
    "momentum.nesterov",
    source=MOMENTUM,
    line="if nesterov else velocity",
    by_purenn=momentum_by_purenn(nesterov=True),
    inputs=for_momentum,
)
def momentum_nesterov(w, m, g, eta, beta):
    m = momentum_v(m, g, beta)
    return w - eta * (beta * m + (1 - beta) * g)


def moments_after(m, v, g, beta1, beta2):
    return pn.adam(0.1, beta1, beta2).update(g, AdamState(jnp.int32(6), m, v))[1]


@equation(
    "adam.m",
    source=f"{ADAM}.first",
    line="beta * m + (1 - beta)",
    by_purenn=lambda *arguments: moments_after(*arguments).m,
    inputs=for_moments,
)
def adam_m(m, v, g, beta1, beta2):
    return beta1 * m + (1 - beta1) * g


@equation(
    "adam.v",
    source=f"{ADAM}.second",
    line="beta * v + (1 - beta)",
    by_purenn=lambda *arguments: moments_after(*arguments).v,
    inputs=for_moments,
)
def adam_v(m, v, g, beta1, beta2):
    return beta2 * v + (1 - beta2) * g**2


def adam_by_purenn(w, m, v, g, eta, beta1, beta2, epsilon, t):
    optimizer = pn.adam(eta, beta1, beta2, epsilon)
    return moved(optimizer, AdamState(jnp.int32(t - 1), m, v), w, g)


def direction(m, v, g, beta1, beta2, epsilon, t):
    """Adam's direction: the corrected mean over the root of the corrected mean square."""
    m_hat = adam_m(m, v, g, beta1, beta2) / (1 - beta1**t)
    v_hat = adam_v(m, v, g, beta1, beta2) / (1 - beta2**t)
    return m_hat / (np.sqrt(v_hat) + epsilon)


@equation(
    "adam.w",
    source=f"{ADAM}.direction",
    line="m_hat / (root(v_hat) + in_dtype(epsilon, v.dtype))",
    by_purenn=adam_by_purenn,
    inputs=for_adam,
)
def adam_w(w, m, v, g, eta, beta1, beta2, epsilon, t):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return w - eta * m_hat / (np.sqrt(v_hat) + epsilon)


def adamw_by_purenn(w, m, v, g, eta, beta1, beta2, epsilon, t, decay):
    optimizer = pn.adamw(eta, beta1, beta2, epsilon, weight_decay=decay)
    return moved(optimizer, AdamState(jnp.int32(t - 1), m, v), w, g)


@equation(
    "adamw.w",
    source=f"{ADAM}.decayed",
    line="u + in_dtype(decay, u.dtype) * p",
    by_purenn=adamw_by_purenn,
    inputs=for_adamw,
)
def adamw_w(w, m, v, g, eta, beta1, beta2, epsilon, t, alpha):
    m_hat = (beta1 * m + (1 - beta1) * g) / (1 - beta1**t)
    v_hat = (beta2 * v + (1 - beta2) * g**2) / (1 - beta2**t)
    return w - eta * (m_hat / (np.sqrt(v_hat) + epsilon) + alpha * w)
