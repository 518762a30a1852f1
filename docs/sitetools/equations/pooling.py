"""The equations of course/convolution.md on pooling."""

import numpy as np

import purenn as pn
from sitetools.equations.convolution import outside
from sitetools.equations.passes import passes
from sitetools.equations.registry import equation

WINDOW, APART, AROUND = (3, 2), (2, 1), ((1, 1), (0, 1))  # windows that overlap, and padding


def pool_case(rng):
    """Images of whole numbers: windows with several equal maxima are many."""
    x = rng.integers(4, size=(2, 7, 6, 3)).astype(float)
    return x, rng.normal(size=(2, 4, 6, 3))


def pooled(make, i):
    """`y` or `dx` out of the package."""

    def result(x, dy):
        y, _, dx = passes(make(WINDOW, strides=APART, padding=AROUND), (), x, dy)
        return (y, dx)[i]

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
    y, _, dx = passes(pn.global_avg_pool(), (), x, dy)
    return y, dx


@equation(
    "global_avg_pool.y",
    source="purenn.layers.global_avg_pool:global_avg_pool.forward",
    line="y = jnp.sum(saved.mean_terms(wide(array)), axis=tuple(range(1, array.ndim - 1)))",
    by_purenn=lambda *arguments: run_global(*arguments)[0],
    inputs=global_case,
)
def global_avg_pool_y(x, dy):
    return x.sum(axis=(1, 2)) / (x.shape[1] * x.shape[2])


@equation(
    "global_avg_pool.dx",
    source="purenn.layers.global_avg_pool:global_avg_pool.backward",
    line="return (), saved.mean_terms(each).astype(dy.dtype)",
    by_purenn=lambda *arguments: run_global(*arguments)[1],
    inputs=global_case,
)
def global_avg_pool_dx(x, dy):
    return np.zeros(x.shape) + dy[:, None, None] / (x.shape[1] * x.shape[2])
