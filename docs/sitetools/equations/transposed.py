"""The equations of course/convolution.md on `conv2d_transpose`."""

import jax.numpy as jnp
import numpy as np

import purenn as pn
from purenn.layers.conv2d_transpose import Conv2dTransposeParams
from sitetools.equations.convolution import PADDING, STRIDES, outside
from sitetools.equations.passes import passes
from sitetools.equations.registry import equation

UP = "purenn.layers.conv2d_transpose:conv2d_transpose"


def transpose_case(rng):
    """Two images of 3×4, three kernels of 3×2, and a dy of (3 - 1) * 2 + 3 - 3 by 4 + 1 - 2."""
    x, w, b = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(3, 2, 5, 3)), rng.normal(size=3)
    return x, w, b, rng.normal(size=(2, 4, 3, 3))


def run_transpose(x, w, b, dy):
    """`y, dw, dx` out of the package."""
    layer = pn.conv2d_transpose(w.shape[3], w.shape[:2], strides=STRIDES, padding=PADDING)
    params = Conv2dTransposeParams(jnp.asarray(w), jnp.asarray(b))
    y, dparams, dx = passes(layer, params, x, dy)
    return y, dparams.w, dx


def reached(x, w, dy):
    """Each pixel of x, each weight, and the pixel of y that both reach."""
    (s, s1), ((p, _), (p1, _)) = STRIDES, PADDING
    for i, j, k, l in np.ndindex(*x.shape[1:3], *w.shape[:2]):  # noqa: E741 - as on the page
        r, c = s * i + k - p, s1 * j + l - p1
        if not outside(dy, r, c):
            yield (i, j), (k, l), (r, c)


@equation(
    "conv2d_transpose.y",
    source=f"{UP}.forward",
    line="y = convolution.dx(x,",
    by_purenn=lambda *arguments: run_transpose(*arguments)[0],
    inputs=transpose_case,
)
def conv2d_transpose_y(x, w, b, dy):
    y = np.zeros(dy.shape) + b
    for pixel, weight, place in reached(x, w, dy):
        y[:, *place] += x[:, *pixel] @ w[weight]
    return y


@equation(
    "conv2d_transpose.dx",
    source=f"{UP}.backward",
    line="convolution.z(dy, turned)",
    by_purenn=lambda *arguments: run_transpose(*arguments)[2],
    inputs=transpose_case,
)
def conv2d_transpose_dx(x, w, b, dy):
    dx = np.zeros(x.shape)
    for pixel, weight, place in reached(x, w, dy):
        dx[:, *pixel] += dy[:, *place] @ w[weight].T
    return dx


@equation(
    "conv2d_transpose.dw",
    source=f"{UP}.backward",
    line="dw = convolution.dw(dy, x,",
    by_purenn=lambda *arguments: run_transpose(*arguments)[1],
    inputs=transpose_case,
)
def conv2d_transpose_dw(x, w, b, dy):
    dw = np.zeros(w.shape)
    for pixel, weight, place in reached(x, w, dy):
        dw[weight] += x[:, *pixel].T @ dy[:, *place]
    return dw
