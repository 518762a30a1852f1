r"""Convolutions with 3×3 kernels by Winograd's transforms, for CPUs.

Two outputs of a kernel $g$ with three weights, $y_0 = d_0 g_0 + d_1 g_1 + d_2 g_2$ and $y_1 = d_1
g_0 + d_2 g_1 + d_3 g_2$, need four products instead of six (Winograd, 1980):

$$y = A^\top \left[(G g) \odot (B^\top d)\right]$$

with the three matrices below. Applied along both axes, a tile of 2×2 outputs takes 16 products for
each channel and feature, where the definition takes 36. Over all tiles and channels, these are 16
products of matrices (Lavin and Gray, 2015). Since $y$ is linear in $g$, its derivative uses the
same transforms, transposed, with the same $B^\top d$:

$$dg = G^\top \left[(A\, dy) \odot (B^\top d)\right]$$

The derivative with respect to the images is a correlation again, of `dz` with the rotated kernels.

In the tests, rounding errors are at most three times those of the definition. An infinity, or a
value near the largest of its dtype, makes its whole tile NaN.
"""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from purenn.core.precision import wide, wide_dtype
from purenn.core.sharding import sharding_of
from purenn.layers.padding import Padding
from purenn.layers.pieces import count_of, over_pieces
from purenn.layers.slices import seen_along

BT = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
AT = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])

FEWEST = 32  # channels and features, from which the transforms are worth their time
# Tiles of a piece of a batch, at least: what is transformed stays in the caches, and two cores have
# enough to do. 128 images of 14×14, 32 to 64 channels, take 11 ms forward, where all at once take
# 18 and XLA's convolution 16; their dw takes 14, instead of 21 and 27 (jax 0.10.1, AVX2).
TILES, TILES_OF_DW = 256, 600


def suits(x: Array, w: Array, image: tuple[int, ...], *ones: Any) -> bool:
    """Tell whether a convolution has 3×3 kernels, enough channels and positions, and one device.

    Args:
        x: images.
        w: kernels.
        image: height and width of the result.
        *ones: strides, dilations, and groups, each of which must be 1.
    """
    many = min(w.shape[2:]) >= FEWEST and min(image) >= 4 and x.shape[0] > 0
    plain = all(np.all(np.asarray(one) == 1) for one in ones)
    return w.shape[:2] == (3, 3) and many and plain and sharding_of(x) is None


@partial(jax.jit, static_argnums=2, inline=True)  # or each call outside any jit would compile it
def correlate(x: Array, w: Array, padding: Padding) -> Array:
    r"""Correlate images with kernels: $A^\top [(G w) \odot (B^\top x)]$, along both axes.

    JAX differentiates it as an ordinary convolution.

    Args:
        x: images, `(n, h, w, c)`.
        w: kernels, `(3, 3, c, features)`.
        padding: rows and columns of zeros around `x`.
    """
    return _correlated(x, w, padding)


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def _correlated(x: Array, w: Array, padding: Padding) -> Array:
    size = [n + sum(pads) - 2 for n, pads in zip(x.shape[1:3], padding, strict=True)]
    tiles = [-(-n // 2) for n in size]
    count = count_of(x.shape[0], TILES / math.prod(tiles))
    kernels = _along(G, _along(G, wide(w), 0), 2).reshape(16, *w.shape[2:])

    def with_piece(i: Array, y: Array, x: Array) -> Array:
        seen = _tiles(BT, x, tiles, padding)
        of_tiles = lax.dot_general(_rows(seen), kernels, (((2,), (1,)), ((0,), (0,))))
        of_tiles = of_tiles.reshape(*seen.shape[:-1], -1)  # (4, 4, n, *tiles, features)
        columns = _product(AT, of_tiles, 4)  # (4, n, *tiles, 2, features)
        rows = _product(AT, columns.reshape(*seen.shape[1:4], -1), 2)
        of_piece = rows.reshape(-1, 2 * tiles[0], 2 * tiles[1], y.shape[-1])
        of_piece = of_piece[:, : size[0], : size[1]].astype(y.dtype)
        return lax.dynamic_update_slice_in_dim(y, of_piece, i * len(of_piece), 0)

    return over_pieces(with_piece, jnp.zeros((x.shape[0], *size, w.shape[3]), x.dtype), count, x)


@_correlated.defjvp
def _jvp(padding: Padding, primals: Any, tangents: Any) -> tuple[Array, Array]:
    def by_lax(x: Array, w: Array) -> Array:
        numbers = ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(x, w, (1, 1), padding, dimension_numbers=numbers)

    (x, w), (dx, dw) = primals, tangents
    return _correlated(x, w, padding), by_lax(dx, w) + by_lax(x, dw)


@partial(jax.jit, static_argnums=2, inline=True)
def kernel_derivative(x: Array, dz: Array, padding: Padding) -> Array:
    r"""Return the derivative with respect to `w`: $G^\top [(A\, dz) \odot (B^\top x)]$.

    Args:
        x: images, `(n, h, w, c)`.
        dz: the derivative with respect to `correlate(x, w, padding)`.
        padding: as there.
    """
    tiles = [-(-n // 2) for n in dz.shape[1:3]]
    count = count_of(x.shape[0], TILES_OF_DW / math.prod(tiles))

    def with_piece(i: Array, dkernels: Array, x: Array, dz: Array) -> Array:
        seen, dtiles = _tiles(BT, x, tiles, padding), _tiles(AT.T, dz, tiles)
        each = lax.dot_general(_rows(seen), _rows(dtiles), (((1,), (1,)), ((0,), (0,))))
        return dkernels + each

    dkernels = jnp.zeros((16, x.shape[3], dz.shape[3]), wide_dtype(x.dtype))
    dkernels = over_pieces(with_piece, dkernels, count, x, dz)
    dkernels = dkernels.reshape(4, 4, *dkernels.shape[1:])
    return _along(G.T, _along(G.T, dkernels, 0), 2).reshape(3, 3, *dkernels.shape[2:])


def _tiles(
    matrix: np.ndarray, x: Array, tiles: list[int], padding: Padding = ((0, 0), (0, 0))
) -> Array:
    """Return `matrix` times each tile times `matrix.T`, `(4, 4, n, *tiles, c)`.

    The tiles start two values apart, and their width is the number of columns of the matrix.
    """
    for axis in (0, 1):
        # One more column than needed, so that there is always one to add. XLA writes padded arrays
        # to memory; otherwise it would compute them again for each value of a tile.
        end = 2 * tiles[axis] + matrix.shape[1] - 1
        before, at = padding[axis][0], 1 + 2 * axis  # the axis that was added is the first
        x = _padded(wide(x), at, before, end - before - x.shape[at])
        x = _along(matrix, x, at)
    return x


def _padded(x: Array, axis: int, before: int, after: int) -> Array:
    around = [(before, after, 0) if i == axis else (0, 0, 0) for i in range(x.ndim)]
    return lax.pad(x, jnp.zeros((), x.dtype), around)


def _along(matrix: np.ndarray, x: Array, axis: int) -> Array:
    """Return `matrix` times windows along an axis, two values apart; the first axis is its rows."""
    return _product(matrix, seen_along(x, axis, matrix.shape[1], 2), 0)


def _product(matrix: np.ndarray, arrays: Any, axis: int) -> Any:
    """Return a matrix times a vector of arrays, stacked along a new axis.

    Products with 0 are computed, too, since one pass is faster than a pass for each row.
    """
    each = [jnp.expand_dims(a, axis) for a in arrays]
    shape = [-1 if i == axis else 1 for i in range(each[0].ndim)]
    columns = matrix.T.astype(each[0].dtype)
    return sum(c.reshape(shape) * a for c, a in zip(columns, each, strict=True))


def _rows(a: Array) -> Array:
    """Return 16 matrices with a row for each tile."""
    return a.reshape(16, -1, a.shape[-1])
