"""The equations of course/language.md: RMS norm and the gated dense layer."""

import jax.numpy as jnp
import numpy as np

import purenn as pn
from sitetools.equations.passes import passes
from sitetools.equations.registry import equation

EPSILON = 1e-6
RMS = "purenn.layers.rms_norm:rms_norm"
GATED = "purenn.layers.gated_dense:gated_dense"


def rms_case(rng):
    """Values and dy (m, n), and gamma (n,)."""
    return rng.normal(1, 2, size=(6, 4)), rng.normal(size=(6, 4)), rng.normal(size=4)


def by_rms_norm(i):
    """One of `y, dgamma, dx` out of the package."""

    def run(x, dy, gamma):
        params = pn.RmsNormParams(jnp.asarray(gamma))
        y, dparams, dx = passes(pn.rms_norm(epsilon=EPSILON), params, x, dy)
        return (y, dparams.gamma, dx)[i]

    return run


def inverse_rms(x):
    return 1 / np.sqrt((x**2).mean(-1, keepdims=True) + EPSILON)


@equation(
    "rms_norm.y",
    source=f"{RMS}.forward",
    line="y = per_feature(wide(params.gamma), x) * normalized(saved)",
    by_purenn=by_rms_norm(0),
    inputs=rms_case,
)
def rms_norm_y(x, dy, gamma):
    return gamma * x * inverse_rms(x)


@equation(
    "rms_norm.dgamma",
    source=f"{RMS}.backward",
    line="dgamma = jnp.sum(dy * x_hat",
    by_purenn=by_rms_norm(1),
    inputs=rms_case,
)
def rms_norm_dgamma(x, dy, gamma):
    return (dy * x * inverse_rms(x)).sum(0)


@equation(
    "rms_norm.dx",
    source=f"{RMS}.backward",
    line="dx = saved.r * (v - x_hat * jnp.mean(v * x_hat",
    by_purenn=by_rms_norm(2),
    inputs=rms_case,
)
def rms_norm_dx(x, dy, gamma):
    r, v = inverse_rms(x), gamma * dy
    return r * v - x * r**3 * (v * x).mean(-1, keepdims=True)


def gated_case(rng):
    """Values (m, n), the weights w and v, and dy (m, units)."""
    w, v = rng.normal(size=(2, 3, 5))
    return rng.normal(size=(4, 3)), w, v, rng.normal(size=(4, 5))


def by_gated_dense(i):
    """One of `y, dw, dv, dx` out of the package."""

    def run(x, w, v, dy):
        params = pn.GatedDenseParams(jnp.asarray(w), jnp.asarray(v))
        y, dparams, dx = passes(pn.gated_dense(w.shape[1]), params, x, dy)
        return (y, dparams.w, dparams.v, dx)[i]

    return run


def gates(x, w, v, dy):
    """The two factors, and the derivatives with respect to `a` and `h`."""
    a, h = x @ w, x @ v
    s = 1 / (1 + np.exp(-a))
    return a * s, h, dy * h * s * (1 + a * (1 - s)), dy * a * s


@equation(
    "gated_dense.y",
    source=f"{GATED}.forward",
    line="activated(saved.a)[0] * saved.h",
    by_purenn=by_gated_dense(0),
    inputs=gated_case,
)
def gated_dense_y(x, w, v, dy):
    silu, h, _, _ = gates(x, w, v, dy)
    return silu * h


@equation(
    "gated_dense.dw",
    source=f"{GATED}.backward",
    line="transposed_product(x, da, like=params.w)",
    by_purenn=by_gated_dense(1),
    inputs=gated_case,
)
def gated_dense_dw(x, w, v, dy):
    return x.T @ gates(x, w, v, dy)[2]


@equation(
    "gated_dense.dv",
    source=f"{GATED}.backward",
    line="transposed_product(x, dh, like=params.v)",
    by_purenn=by_gated_dense(2),
    inputs=gated_case,
)
def gated_dense_dv(x, w, v, dy):
    return x.T @ gates(x, w, v, dy)[3]


@equation(
    "gated_dense.dx",
    source=f"{GATED}.backward",
    line="dx = product(da, params.w.T, like=x) + product(dh, params.v.T, like=x)",
    by_purenn=by_gated_dense(3),
    inputs=gated_case,
)
def gated_dense_dx(x, w, v, dy):
    _, _, da, dh = gates(x, w, v, dy)
    return da @ w.T + dh @ v.T
