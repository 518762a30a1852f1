"""The equations of course/convolution.md, as the loops that the indices say."""

import jax.numpy as jnp
import numpy as np

import purenn as pn
from purenn.layers.conv2d import Conv2dParams
from purenn.layers.conv2d_transpose import Conv2dTransposeParams
from sitetools.equations.registry import equation

CONV, DW = "purenn.layers.conv2d", "purenn.layers.kernel_derivative"
UP = "purenn.layers.conv2d_transpose:conv2d_transpose"
STRIDES, PADDING = (2, 1), ((1, 2), (2, 0))  # everything different, so that nothing can be mixed up
FEW_CHANNELS, MANY_CHANNELS = 2, 6  # dw has a form of its own for few
DILATION, GROUPS = (1, 2), 3
WINDOW, APART, AROUND = (3, 2), (2, 1), ((1, 1), (0, 1))  # windows that overlap, and padding


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
    line="z = convolution.z(x, w)",
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
    source=f"{DW}:_by_patches",
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
    line="dx = convolution.dx(dz, w,",
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
    source=f"{DW}:_by_convolution.part",
    line="dw = correlation(x, dz, around, sharding",
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
    source="purenn.layers.convolution:Convolution._turned",
    line="return w[::-1, ::-1].transpose(0, 1, 3, 2)",
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


def grouped_case(rng):
    """Two images of 5×6 with six channels, twelve kernels of 3×2, dilated, in groups."""
    x, w, b = rng.normal(size=(2, 5, 6, 6)), rng.normal(size=(3, 2, 2, 12)), rng.normal(size=12)
    return x, w, b, rng.normal(size=(2, 3, 6, 12))  # (5 + 3 - 3) // 2 + 1, (6 + 2 - 3) + 1


def run_grouped(x, w, b, dz):
    """`z, dw, db, dx` out of the package."""
    how = {"strides": STRIDES, "padding": PADDING, "dilation": DILATION, "groups": GROUPS}
    layer = pn.conv2d(w.shape[3], w.shape[:2], **how)
    params = Conv2dParams(jnp.asarray(w), jnp.asarray(b))
    z, _, cache = layer.forward(params, (), x)
    dparams, dx = layer.backward(params, cache, dz)
    return z, dparams.w, dparams.b, dx


def meetings(x, w, dz):
    """Which number of x meets which weight for which z: the indices of each."""
    (s, t), (d, e), ((p, _), (q, _)) = STRIDES, DILATION, PADDING
    kernels, channels = w.shape[3] // GROUPS, w.shape[2]
    for i, j, a, c, u, f in np.ndindex(*dz.shape[1:3], *w.shape):
        row, column = s * i + d * a - p, t * j + e * c - q
        if not outside(x, row, column):
            yield (row, column, u + f // kernels * channels), (a, c, u, f), (i, j, f)


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


def transpose_case(rng):
    """Two images of 3×4, three kernels of 3×2, and a dy of (3 - 1) * 2 + 3 - 3 by 4 + 1 - 2."""
    x, w, b = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(3, 2, 5, 3)), rng.normal(size=3)
    return x, w, b, rng.normal(size=(2, 4, 3, 3))


def run_transpose(x, w, b, dy):
    """`y, dw, dx` out of the package."""
    layer = pn.conv2d_transpose(w.shape[3], w.shape[:2], strides=STRIDES, padding=PADDING)
    params = Conv2dTransposeParams(jnp.asarray(w), jnp.asarray(b))
    y, _, cache = layer.forward(params, (), x)
    dparams, dx = layer.backward(params, cache, dy)
    return y, dparams.w, dx


def reached(x, w, dy):
    """Each pixel of x, each weight, and the pixel of y that both reach."""
    (s, t), ((p, _), (q, _)) = STRIDES, PADDING
    for i, j, a, c in np.ndindex(*x.shape[1:3], *w.shape[:2]):
        k, l = s * i + a - p, t * j + c - q  # noqa: E741 - as on the page
        if not outside(dy, k, l):
            yield (i, j), (a, c), (k, l)


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


def pool_case(rng):
    """Images of whole numbers: windows with several equal maxima are many."""
    x = rng.integers(4, size=(2, 7, 6, 3)).astype(float)
    return x, rng.normal(size=(2, 4, 6, 3))


def pooled(make, i):
    """`y` or `dx` out of the package."""

    def result(x, dy):
        layer = make(WINDOW, strides=APART, padding=AROUND)
        y, _, cache = layer.forward((), (), x)
        return (y, layer.backward((), cache, dy)[1])[i]

    return result


def windows(x, dy):
    """Of each output: its index, and the cells of the image in its window, by rows."""
    for n, i, j, c in np.ndindex(dy.shape):
        top, left = i * APART[0] - AROUND[0][0], j * APART[1] - AROUND[1][0]
        cells = [(n, top + row, left + column, c) for row, column in np.ndindex(WINDOW)]
        yield (n, i, j, c), [cell for cell in cells if not outside(x, *cell[1:3])]


@equation(
    "max_pool.y",
    source="purenn.layers.max_pool:max_pool.forward",
    line="y, first = _first_maximum(windows.along(y, 1)",
    by_purenn=pooled(pn.max_pool, 0),
    inputs=pool_case,
)
def max_pool_y(x, dy):
    y = np.zeros(dy.shape)
    for place, cells in windows(x, dy):
        y[place] = max(x[cell] for cell in cells)
    return y


@equation(
    "max_pool.dx",
    source="purenn.layers.max_pool:max_pool.backward.part",
    line="jnp.where((first == cell) | everywhere, dy, 0)",
    by_purenn=pooled(pn.max_pool, 1),
    inputs=pool_case,
)
def max_pool_dx(x, dy):
    dx = np.zeros(x.shape)
    for place, cells in windows(x, dy):
        dx[cells[np.argmax([x[cell] for cell in cells])]] += dy[place]  # the first, by rows
    return dx


@equation(
    "avg_pool.y",
    source="purenn.layers.avg_pool:avg_pool.forward",
    line="y = windows.sums(wide(x) / n)",
    by_purenn=pooled(pn.avg_pool, 0),
    inputs=pool_case,
)
def avg_pool_y(x, dy):
    y = np.zeros(dy.shape)
    for place, cells in windows(x, dy):
        y[place] = sum(x[cell] for cell in cells) / len(cells)
    return y


@equation(
    "avg_pool.dx",
    source="purenn.layers.avg_pool:avg_pool.backward",
    line="each = counted(wide(dy) / n, image)",
    by_purenn=pooled(pn.avg_pool, 1),
    inputs=pool_case,
)
def avg_pool_dx(x, dy):
    dx = np.zeros(x.shape)
    for place, cells in windows(x, dy):
        for cell in cells:
            dx[cell] += dy[place] / len(cells)
    return dx


def global_case(rng):
    return rng.normal(size=(2, 3, 5, 4)), rng.normal(size=(2, 4))


def run_global(x, dy):
    """`y, dx` out of the package."""
    layer = pn.global_avg_pool()
    y, _, cache = layer.forward((), (), x)
    return y, layer.backward((), cache, dy)[1]


@equation(
    "global_avg_pool.y",
    source="purenn.layers.global_avg_pool:global_avg_pool.forward",
    line="y = jnp.sum(wide(x) / math.prod(places)",
    by_purenn=lambda *arguments: run_global(*arguments)[0],
    inputs=global_case,
)
def global_avg_pool_y(x, dy):
    return x.sum(axis=(1, 2)) / (x.shape[1] * x.shape[2])


@equation(
    "global_avg_pool.dx",
    source="purenn.layers.global_avg_pool:global_avg_pool.backward",
    line="each = (wide(dy) / math.prod(saved.places))",
    by_purenn=lambda *arguments: run_global(*arguments)[1],
    inputs=global_case,
)
def global_avg_pool_dx(x, dy):
    return np.zeros(x.shape) + dy[:, None, None] / (x.shape[1] * x.shape[2])
