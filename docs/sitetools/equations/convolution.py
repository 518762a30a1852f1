"""The equations of course/convolution.md on `conv2d`, as the loops that the indices say."""

# ruff: noqa: E741 - the columns of the kernel are counted by l, as on the page

import jax.numpy as jnp
import numpy as np

import purenn as pn
from purenn.layers.conv2d import Conv2dParams
from sitetools.equations.passes import passes
from sitetools.equations.registry import equation

CONV, DW = "purenn.layers.conv2d", "purenn.layers.kernel_derivative"
STRIDES, PADDING = (2, 1), ((1, 2), (2, 0))  # everything different, so that nothing can be mixed up
FEW_CHANNELS, MANY_CHANNELS = 2, 6  # dw has a form of its own for few
DILATION, GROUPS = (1, 2), 3


def conv_case(channels, strides):
    """Two images of 5×6, three kernels of 3×2, and a dz."""

    def inputs(rng):
        x = rng.normal(size=(2, 5, 6, channels))
        w, b = rng.normal(size=(3, 2, channels, 3)), rng.normal(size=3)
        rows, columns = (
            (n + sum(p) - k) // s + 1
            for n, p, k, s in zip((5, 6), PADDING, (3, 2), strides, strict=True)
        )
        return x, w, b, rng.normal(size=(2, rows, columns, 3)), strides, (1, 2)

    return inputs


def run(x, w, b, dz, strides, padding):
    """`z, dw, db, dx` out of the package."""
    layer = pn.conv2d(w.shape[3], w.shape[:2], strides=strides, padding=PADDING)
    params = Conv2dParams(jnp.asarray(w), jnp.asarray(b))
    z, dparams, dx = passes(layer, params, x, dz)
    return z, dparams.w, dparams.b, dx


def by_purenn(i):
    return lambda *arguments: run(*arguments)[i]


def outside(image, *place):
    """Whether a place is beyond the edge: x is zero there, and no dz comes from there."""
    return any(not 0 <= i < n for i, n in zip(place, image.shape[1:3], strict=True))


@equation(
    "conv2d.y",
    source=f"{CONV}:conv2d.forward",
    line="z = convolution.z(x, w)",
    by_purenn=by_purenn(0),
    inputs=conv_case(FEW_CHANNELS, STRIDES),
)
def conv2d_y(x, w, b, dz, strides, padding):
    (s, s1), (p, p1) = strides, padding
    z = np.zeros(dz.shape) + b
    for i, j, k, l in np.ndindex(*z.shape[1:3], *w.shape[:2]):
        r, c = s * i + k - p, s1 * j + l - p1
        if not outside(x, r, c):
            z[:, i, j] += x[:, r, c] @ w[k, l]  # the sum over the channels
    return z


@equation(
    "conv2d.dw",
    source=f"{DW}:_by_patches",
    line="dw = jnp.matmul(rows.T, dz",
    by_purenn=by_purenn(1),
    inputs=conv_case(FEW_CHANNELS, STRIDES),
)
def conv2d_dw(x, w, b, dz, strides, padding):
    (s, s1), (p, p1) = strides, padding
    dw = np.zeros(w.shape)
    for i, j, k, l in np.ndindex(*dz.shape[1:3], *w.shape[:2]):
        r, c = s * i + k - p, s1 * j + l - p1
        if not outside(x, r, c):
            dw[k, l] += x[:, r, c].T @ dz[:, i, j]  # the sum over the examples
    return dw


@equation(
    "conv2d.db",
    source=f"{CONV}:conv2d.backward",
    line="else jnp.sum(dz, axis=(0, 1, 2))",
    by_purenn=by_purenn(2),
    inputs=conv_case(FEW_CHANNELS, STRIDES),
)
def conv2d_db(x, w, b, dz, strides, padding):
    return dz.sum(axis=(0, 1, 2))


@equation(
    "conv2d.dx",
    source=f"{CONV}:conv2d.backward",
    line="dx = convolution.dx(dz, w,",
    by_purenn=by_purenn(3),
    inputs=conv_case(FEW_CHANNELS, STRIDES),
)
def conv2d_dx(x, w, b, dz, strides, padding):
    (s, s1), (p, p1) = strides, padding
    dx = np.zeros(x.shape)
    for r, c, k, l in np.ndindex(*x.shape[1:3], *w.shape[:2]):
        i, j = (r + p - k) / s, (c + p1 - l) / s1
        if i % 1 == j % 1 == 0 and not outside(dz, i, j):
            dx[:, r, c] += dz[:, int(i), int(j)] @ w[k, l].T  # the sum over the features
    return dx


@equation(
    "conv2d.dw_window",
    source=f"{DW}:_by_convolution.of_piece",
    line="dw = correlation(x, dz, around, sharding",
    by_purenn=by_purenn(1),
    inputs=conv_case(MANY_CHANNELS, (1, 1)),
)
def conv2d_dw_window(x, w, b, dz, strides, padding):
    images, window = x.transpose(3, 1, 2, 0), dz.transpose(1, 2, 0, 3)  # examples as channels
    dw = np.zeros((x.shape[3], *w.shape[:2], w.shape[3]))
    for k, l, i, j in np.ndindex(*w.shape[:2], *window.shape[:2]):
        r, c = k + i - padding[0], l + j - padding[1]
        if not outside(images, r, c):
            dw[:, k, l] += images[:, r, c] @ window[i, j]
    return dw.transpose(1, 2, 0, 3)


@equation(
    "conv2d.dx_turned",
    source="purenn.layers.convolution:Convolution._turned",
    line="return w[::-1, ::-1].transpose(0, 1, 3, 2)",
    by_purenn=by_purenn(3),
    inputs=conv_case(MANY_CHANNELS, (1, 1)),
)
def conv2d_dx_turned(x, w, b, dz, strides, padding):
    turned = w[::-1, ::-1].transpose(0, 1, 3, 2)
    p, p1 = w.shape[0] - 1 - padding[0], w.shape[1] - 1 - padding[1]
    dx = np.zeros(x.shape)
    for r, c, k, l in np.ndindex(*x.shape[1:3], *w.shape[:2]):
        i, j = r + k - p, c + l - p1
        if not outside(dz, i, j):
            dx[:, r, c] += dz[:, i, j] @ turned[k, l]
    return dx


def grouped_case(rng):
    """Two images of 5×6 with six channels, twelve kernels of 3×2, dilated, in groups."""
    x, w, b = rng.normal(size=(2, 5, 6, 6)), rng.normal(size=(3, 2, 2, 12)), rng.normal(size=12)
    return x, w, b, rng.normal(size=(2, 3, 6, 12))  # (5 + 3 - 3) // 2 + 1, (6 + 2 - 3) + 1


def run_grouped(x, w, b, dz):
    """`z, dw, db, dx` out of the package."""
    how = {"strides": STRIDES, "padding": PADDING, "dilation": DILATION, "groups": GROUPS}
    layer = pn.conv2d(w.shape[3], w.shape[:2], **how)
    params = Conv2dParams(jnp.asarray(w), jnp.asarray(b))
    z, dparams, dx = passes(layer, params, x, dz)
    return z, dparams.w, dparams.b, dx


def meetings(x, w, dz):
    """Which number of x meets which weight for which z: the indices of each."""
    (s, s1), (d, d1), ((p, _), (p1, _)) = STRIDES, DILATION, PADDING
    for i, j, k, l, place, f in np.ndindex(*dz.shape[1:3], *w.shape):
        r, c = s * i + d * k - p, s1 * j + d1 * l - p1
        u = f * GROUPS // w.shape[3] * w.shape[2] + place
        if not outside(x, r, c):
            yield (r, c, u), (k, l, place, f), (i, j, f)


@equation(
    "conv2d.y_grouped",
    source="purenn.layers.convolution:Convolution.z",
    line="return correlate(",
    by_purenn=lambda *arguments: run_grouped(*arguments)[0],
    inputs=grouped_case,
)
def conv2d_y_grouped(x, w, b, dz):
    z = np.zeros(dz.shape) + b
    for pixel, weight, place in meetings(x, w, dz):
        z[:, *place] += x[:, *pixel] * w[weight]
    return z


@equation(
    "conv2d.dw_grouped",
    source="purenn.layers.convolution:Convolution.dw",
    line="return kernel_derivative(",
    by_purenn=lambda *arguments: run_grouped(*arguments)[1],
    inputs=grouped_case,
)
def conv2d_dw_grouped(x, w, b, dz):
    dw = np.zeros(w.shape)
    for pixel, weight, place in meetings(x, w, dz):
        dw[weight] += x[:, *pixel] @ dz[:, *place]  # the sum over the examples
    return dw


@equation(
    "conv2d.dx_grouped",
    source="purenn.layers.convolution:Convolution.dx",
    line="return correlate(",
    by_purenn=lambda *arguments: run_grouped(*arguments)[3],
    inputs=grouped_case,
)
def conv2d_dx_grouped(x, w, b, dz):
    dx = np.zeros(x.shape)
    for pixel, weight, place in meetings(x, w, dz):
        dx[:, *pixel] += dz[:, *place] * w[weight]
    return dx
