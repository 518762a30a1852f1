"""The equations of course/convolution.md on `conv1d`."""

import jax.numpy as jnp
import numpy as np

import purenn as pn
from purenn.layers.conv1d import Conv1dParams
from sitetools.equations.passes import passes
from sitetools.equations.registry import equation

CONV1D = "purenn.layers.conv1d:conv1d"
STRIDE, APART, BEFORE = 2, 3, 4  # the stride, the dilation, and the padding before the sequence


def sequence_case(rng):
    """Two sequences of 9 steps, three kernels of 2, and a dz of (9 + 4 + 1 - 4) // 2 + 1 steps."""
    x, w, b = rng.normal(size=(2, 9, 5)), rng.normal(size=(2, 5, 3)), rng.normal(size=3)
    return x, w, b, rng.normal(size=(2, 6, 3))


def by_purenn(i):
    """One of `z, dw, dx` out of the package."""

    def run(x, w, b, dz):
        how = {"strides": STRIDE, "padding": (BEFORE, 1), "dilation": APART}
        layer = pn.conv1d(w.shape[2], w.shape[0], **how)
        params = Conv1dParams(jnp.asarray(w), jnp.asarray(b))
        z, dparams, dx = passes(layer, params, x, dz)
        return (z, dparams.w, dx)[i]

    return run


def meetings(x, w, dz):
    """Which time of x meets which weight for which time of z."""
    for i, a in np.ndindex(dz.shape[1], w.shape[0]):
        k = STRIDE * i + APART * a - BEFORE
        if 0 <= k < x.shape[1]:
            yield k, a, i


@equation(
    "conv1d.y",
    source=f"{CONV1D}.forward",
    line="z = convolution.z(x[:, None], w[None])",
    by_purenn=by_purenn(0),
    inputs=sequence_case,
)
def conv1d_y(x, w, b, dz):
    z = np.zeros(dz.shape) + b
    for k, a, i in meetings(x, w, dz):
        z[:, i] += x[:, k] @ w[a]  # the sum over the channels
    return z


@equation(
    "conv1d.dw",
    source=f"{CONV1D}.backward",
    line="dw = convolution.dw(x, dz, w)",
    by_purenn=by_purenn(1),
    inputs=sequence_case,
)
def conv1d_dw(x, w, b, dz):
    dw = np.zeros(w.shape)
    for k, a, i in meetings(x, w, dz):
        dw[a] += x[:, k].T @ dz[:, i]  # the sum over the examples
    return dw


@equation(
    "conv1d.dx",
    source=f"{CONV1D}.backward",
    line="dx = convolution.dx(dz, w,",
    by_purenn=by_purenn(2),
    inputs=sequence_case,
)
def conv1d_dx(x, w, b, dz):
    dx = np.zeros(x.shape)
    for k, a, i in meetings(x, w, dz):
        dx[:, k] += dz[:, i] @ w[a].T  # the sum over the features
    return dx
