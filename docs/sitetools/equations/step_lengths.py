"""The equations of course/optimizers.md: AdaGrad, RMSProp, and AdaMax."""

import jax.numpy as jnp
import numpy as np

import purenn as pn
from purenn.optimizers.adagrad import AdagradState
from purenn.optimizers.adamax import AdamaxState
from purenn.optimizers.rmsprop import RmspropState
from sitetools.equations.optimizers import arrays
from sitetools.equations.registry import equation

ADAGRAD = "purenn.optimizers.adagrad:adagrad.update"
RMSPROP = "purenn.optimizers.rmsprop:rmsprop.update"
ADAMAX = "purenn.optimizers.adamax:adamax.update"


def for_quotient(rng, *numbers):
    return (*arrays(rng, "w", "v_squares", "g").values(), 0.3, *numbers)


def adagrad_after(w, s, g, eta, epsilon):
    """The parameters and the sum after one update of a state that has a sum already."""
    optimizer = pn.adagrad(eta, epsilon=epsilon)
    updates, state = optimizer.update(g, AdagradState(jnp.int32(6), s, ()), w)
    return pn.apply_updates(w, updates), state.total


@equation(
    "adagrad.s",
    source=f"{ADAGRAD}.add_square",
    line="return s + g * g",
    by_purenn=lambda *arguments: adagrad_after(*arguments)[1],
    inputs=lambda rng: for_quotient(rng, 1e-7),
)
def adagrad_s(w, s, g, eta, epsilon):
    return s + g**2


@equation(
    "adagrad.w",
    source=f"{ADAGRAD}.direction",
    line="over_root(wide(g).astype(s.dtype), s, epsilon)",
    by_purenn=lambda *arguments: adagrad_after(*arguments)[0],
    inputs=lambda rng: for_quotient(rng, 1e-7),
)
def adagrad_w(w, s, g, eta, epsilon):
    s = s + g**2
    return w - eta * g / np.sqrt(s + epsilon)


def rmsprop_after(w, v, g, eta, gamma, epsilon):
    """The parameters and the mean square after one update of a state that has one already."""
    optimizer = pn.rmsprop(eta, gamma, epsilon)
    updates, state = optimizer.update(g, RmspropState(jnp.int32(6), v, ()), w)
    return pn.apply_updates(w, updates), state.v


@equation(
    "rmsprop.v",
    source=f"{RMSPROP}.mean_square",
    line="kept * v + (1 - kept) * (g * g)",
    by_purenn=lambda *arguments: rmsprop_after(*arguments)[1],
    inputs=lambda rng: for_quotient(rng, 0.9, 1e-8),
)
def rmsprop_v(w, v, g, eta, gamma, epsilon):
    return gamma * v + (1 - gamma) * g**2


@equation(
    "rmsprop.w",
    source=f"{RMSPROP}.direction",
    line="over_root(wide(g).astype(v.dtype), v, epsilon)",
    by_purenn=lambda *arguments: rmsprop_after(*arguments)[0],
    inputs=lambda rng: for_quotient(rng, 0.9, 1e-8),
)
def rmsprop_w(w, v, g, eta, gamma, epsilon):
    v = gamma * v + (1 - gamma) * g**2
    return w - eta * g / np.sqrt(v + epsilon)


def for_adamax(rng):
    return (*arrays(rng, "w", "m", "v_squares", "g").values(), 0.3, 0.9, 0.999, 1e-8, 7)


def adamax_after(w, m, u, g, eta, beta1, beta2, epsilon, t):
    """The parameters and the maximum after one update of a state that has one already."""
    optimizer = pn.adamax(eta, beta1, beta2, epsilon)
    updates, state = optimizer.update(g, AdamaxState(jnp.int32(t - 1), m, u), w)
    return pn.apply_updates(w, updates), state.u


@equation(
    "adamax.u",
    source=f"{ADAMAX}.largest",
    line="jnp.maximum(in_dtype(beta2, u.dtype) * u",
    by_purenn=lambda *arguments: adamax_after(*arguments)[1],
    inputs=for_adamax,
)
def adamax_u(w, m, u, g, eta, beta1, beta2, epsilon, t):
    return np.maximum(beta2 * u, np.abs(g))


@equation(
    "adamax.w",
    source=f"{ADAMAX}.direction",
    line="m / bias_correction(beta1, step, m.dtype) / (u + in_dtype(epsilon, u.dtype))",
    by_purenn=lambda *arguments: adamax_after(*arguments)[0],
    inputs=for_adamax,
)
def adamax_w(w, m, u, g, eta, beta1, beta2, epsilon, t):
    m = beta1 * m + (1 - beta1) * g
    u = np.maximum(beta2 * u, np.abs(g))
    return w - eta * (m / (1 - beta1**t)) / (u + epsilon)
