"""The equations of course/convolution.md, as the loops that the indices say."""

import jax.numpy as jnp
import numpy as np

import purenn as pn
from purenn.layers.conv2d import Conv2dParams
from sitetools.equations.registry import equation

CONV = "purenn.layers.conv2d"
STRIDES, PADDING = (2, 1), ((1, 2), (2, 0))  # everything different, so that nothing can be mixed up
FEW_CHANNELS, MANY_CHANNELS = 2, 6  # dw has a form of its own for few
WINDOW, APART = (3, 2), (2, 1)  # windows that overlap


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
    z, _, cache = layer.forward(params, (), x)
    dparams, dx = layer.backward(params, cache, dz)
    return z, dparams.w, dparams.b, dx


def by_purenn(i):
    return lambda *arguments: run(*arguments)[i]


def outside(image, *place):
    """Whether a place is beyond the edge: x is zero there, and no dz comes from there."""
    return any(not 0 <= i < n for i, n in zip(place, image.shape[1:3], strict=True))


@equation(
    "conv2d.y",
    source=f"{CONV}:conv2d.forward",
    line="_correlate(x, w, pads(",
    by_purenn=by_purenn(0),
    inputs=conv_case(FEW_CHANNELS, STRIDES),
)
def conv2d_y(x, w, b, dz, strides, padding):
    (s, t), (p, q) = strides, padding
    z = np.zeros(dz.shape) + b
    for i, j, a, c in np.ndindex(*z.shape[1:3], *w.shape[:2]):
        row, column = s * i + a - p, t * j + c - q
        if not outside(x, row, column):
            z[:, i, j] += x[:, row, column] @ w[a, c]  # the sum over the channels
    return z


@equation(
    "conv2d.dw",
    source=f"{CONV}:_by_patches",
    line="dw = jnp.matmul(rows.T, dz",
    by_purenn=by_purenn(1),
    inputs=conv_case(FEW_CHANNELS, STRIDES),
)
def conv2d_dw(x, w, b, dz, strides, padding):
    (s, t), (p, q) = strides, padding
    dw = np.zeros(w.shape)
    for i, j, a, c in np.ndindex(*dz.shape[1:3], *w.shape[:2]):
        row, column = s * i + a - p, t * j + c - q
        if not outside(x, row, column):
            dw[a, c] += x[:, row, column].T @ dz[:, i, j]  # the sum over the examples
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
    line="dx = _correlate(dz, turned",
    by_purenn=by_purenn(3),
    inputs=conv_case(FEW_CHANNELS, STRIDES),
)
def conv2d_dx(x, w, b, dz, strides, padding):
    (s, t), (p, q) = strides, padding
    dx = np.zeros(x.shape)
    for row, column, a, c in np.ndindex(*x.shape[1:3], *w.shape[:2]):
        i, j = (row + p - a) / s, (column + q - c) / t
        if i % 1 == j % 1 == 0 and not outside(dz, i, j):
            dx[:, row, column] += dz[:, int(i), int(j)] @ w[a, c].T  # the sum over the features
    return dx


@equation(
    "conv2d.dw_window",
    source=f"{CONV}:_by_convolution.part",
    line="dw = _correlate(x, dz, around_x, sharding",
    by_purenn=by_purenn(1),
    inputs=conv_case(MANY_CHANNELS, (1, 1)),
)
def conv2d_dw_window(x, w, b, dz, strides, padding):
    images, window = x.transpose(3, 1, 2, 0), dz.transpose(1, 2, 0, 3)  # examples as channels
    dw = np.zeros((x.shape[3], *w.shape[:2], w.shape[3]))
    for a, c, i, j in np.ndindex(*w.shape[:2], *window.shape[:2]):
        row, column = a + i - padding[0], c + j - padding[1]
        if not outside(images, row, column):
            dw[:, a, c] += images[:, row, column] @ window[i, j]
    return dw.transpose(1, 2, 0, 3)


@equation(
    "conv2d.dx_turned",
    source=f"{CONV}:conv2d.backward",
    line="turned = w[::-1, ::-1]",
    by_purenn=by_purenn(3),
    inputs=conv_case(MANY_CHANNELS, (1, 1)),
)
def conv2d_dx_turned(x, w, b, dz, strides, padding):
    turned = w[::-1, ::-1].transpose(0, 1, 3, 2)
    p, q = w.shape[0] - 1 - padding[0], w.shape[1] - 1 - padding[1]
    dx = np.zeros(x.shape)
    for row, column, a, c in np.ndindex(*x.shape[1:3], *w.shape[:2]):
        i, j = row + a - p, column + c - q
        if not outside(dz, i, j):
            dx[:, row, column] += dz[:, i, j] @ turned[a, c]
    return dx


def pool_case(rng):
    """Images of whole numbers: windows with several equal maxima are many."""
    x = rng.integers(4, size=(2, 7, 6, 3)).astype(float)
    return x, rng.normal(size=(2, 3, 5, 3))


def pooled(make, i):
    """`y` or `dx` out of the package."""

    def result(x, dy):
        layer = make(WINDOW, strides=APART)
        y, _, cache = layer.forward((), (), x)
        return (y, layer.backward((), cache, dy)[1])[i]

    return result


def windows(x, dy):
    """Of each output: its index, and the corner and the cells of its window."""
    for n, i, j, c in np.ndindex(dy.shape):
        top, left = i * APART[0], j * APART[1]
        cells = x[n, top : top + WINDOW[0], left : left + WINDOW[1], c]
        yield (n, i, j, c), (top, left), cells


@equation(
    "max_pool.y",
    source="purenn.layers.max_pool:max_pool.forward",
    line="y, first = _first_maximum(windows.along(y, 1)",
    by_purenn=pooled(pn.max_pool, 0),
    inputs=pool_case,
)
def max_pool_y(x, dy):
    y = np.zeros(dy.shape)
    for place, _, cells in windows(x, dy):
        y[place] = cells.max()
    return y


@equation(
    "max_pool.dx",
    source="purenn.layers.max_pool:max_pool.backward.part",
    line="jnp.where((first == cell) | (first == nowhere), dy, 0)",
    by_purenn=pooled(pn.max_pool, 1),
    inputs=pool_case,
)
def max_pool_dx(x, dy):
    dx = np.zeros(x.shape)
    for (n, i, j, c), (top, left), cells in windows(x, dy):
        row, column = np.unravel_index(cells.argmax(), cells.shape)  # the first, by rows
        dx[n, top + row, left + column, c] += dy[n, i, j, c]
    return dx


@equation(
    "avg_pool.y",
    source="purenn.layers.avg_pool:avg_pool.forward",
    line="sum(windows.along(wide(x) / n, 2))",
    by_purenn=pooled(pn.avg_pool, 0),
    inputs=pool_case,
)
def avg_pool_y(x, dy):
    y = np.zeros(dy.shape)
    for place, _, cells in windows(x, dy):
        y[place] = cells.mean()
    return y


@equation(
    "avg_pool.dx",
    source="purenn.layers.avg_pool:avg_pool.backward.part",
    line="dy / n",
    by_purenn=pooled(pn.avg_pool, 1),
    inputs=pool_case,
)
def avg_pool_dx(x, dy):
    dx = np.zeros(x.shape)
    for (n, i, j, c), (top, left), cells in windows(x, dy):
        dx[n, top : top + WINDOW[0], left : left + WINDOW[1], c] += dy[n, i, j, c] / cells.size
    return dx
