"""Windows over the height and width of images, for pooling layers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from purenn.core import checks, scalars
from purenn.core.sharding import sharding_of
from purenn.layers.padding import (
    Padding,
    Pair,
    checked_padding,
    in_numbers,
    transposed_padding,
)
from purenn.layers.slices import padded, seen_along

NOTHING: Padding = ((0, 0), (0, 0))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Image:
    """The height and width of `x`, static in a cache."""

    size: Pair = field(metadata={"static": True})


@dataclass(frozen=True)
class Windows:
    """All windows of a given size that fit into a padded image, one stride apart.

    Attributes:
        name: the name of the layer, for error messages.
        size: the height and width of a window.
        strides: the distance from one window to the next, down and across.
        padding: a word or numbers. It is smaller than a window on each side, so each window has at
            least one cell of the image.
    """

    name: str
    size: Pair
    strides: Pair
    padding: str | Padding

    def along(self, x: Array, axis: int) -> list[Array]:
        """Return, for each position in a window along one axis, the values there of all windows.

        Pooling along one axis and then the other takes kh + kw slices instead of kh * kw. On a CPU,
        elementwise arithmetic on slices is 1.3 to 4 times as fast as `lax.reduce_window`, and
        faster still inside a loop.
        """
        return seen_along(x, axis, self.size[axis - 1], self.strides[axis - 1])

    def sums(self, x: Array) -> Array:
        """Return the sum over each window."""
        around = self._around(x.shape[1:3])

        def by_lax(x: Array) -> Array:
            return _sums(x, self.size, around, strides=self.strides)

        def along_axes(x: Array) -> Array:
            rows: Any = sum(self.along(padded(x, around), 2))
            y: Any = sum(self.along(rows, 1))
            return y

        return lax.platform_dependent(x, tpu=by_lax, default=along_axes)

    def sums_over_cells(self, dy: Array, image: Image) -> Array:
        """Return, for each cell of the image, the sum of `dy` over the windows that contain it.

        This is again a sum over windows, of `dy` dilated by the strides. XLA estimates that it
        takes 27 kcycles on a TPU where `scatter` takes 303, and `sums` 20 where the sums along axes
        take 114 (jax 0.12.0.1, v5e, 32 images of 28×28, 64 channels, padded, 3×3 windows at strides
        of 2). On an H100, `scatter` and the sums along axes take 114 µs for 256 such images where
        `lax.reduce_window` takes 189 (jax 0.11.2); without padding both take the same time.
        """
        pads = self._around(image.size)
        around = transposed_padding(pads, image.size, dy.shape[1:3], self.size, self.strides)

        def by_lax(dy: Array) -> Array:
            return _sums(dy, self.size, around, dilation=self.strides)

        def scattered(dy: Array) -> Array:
            return self._in_blocks(lambda cell, dy: dy, (dy,), image)

        return lax.platform_dependent(dy, tpu=by_lax, default=scattered)

    def extended(self, x: Array) -> Array:
        """Return a batch of images whose first and last rows and columns are repeated as padding.

        Each position of the padding then has the value of a cell in the same window.
        """
        for axis, (before, after) in enumerate(self._around(x.shape[1:3]), 1):
            if before or after:
                first = lax.slice_in_dim(x, 0, 1, axis=axis)
                last = lax.slice_in_dim(x, x.shape[axis] - 1, None, axis=axis)
                x = jnp.concatenate([*[first] * before, x, *[last] * after], axis)
        return x

    def places(self, image: Image, axis: int) -> list[Any]:
        """Return, for each position in a window along one axis, the position of the real cell.

        This is usually the position itself. For a position in the padding, it is the nearest
        position in the image: an array, since it differs between windows.
        """
        positions = [self.number(i) for i in range(self.size[axis - 1])]
        before, after = self._around(image.size)[axis - 1]
        if before == after == 0:
            return positions
        start = self._starts(image, axis)
        last = image.size[axis - 1] - 1
        nearest = (np.clip(start + i, 0, last) - start for i in range(len(positions)))
        return [place.astype(self.number) for place in nearest]

    def real_cells(self, image: Image) -> Any:
        """Return how many cells of the image each window has, `(1, rows, columns, 1)`."""
        counts: Any = 1
        for axis in (1, 2):
            start = self._starts(image, axis)
            end = np.minimum(start + self.size[axis - 1], image.size[axis - 1])
            counts = counts * (end - np.maximum(start, 0))
        return counts

    def _starts(self, image: Image, axis: int) -> Any:
        """Return the position in the image at which each window begins, negative in the padding."""
        n, size, stride = image.size[axis - 1], self.size[axis - 1], self.strides[axis - 1]
        before, after = self._around(image.size)[axis - 1]
        starts = np.arange(-before, n + after - size + 1, stride)
        return np.expand_dims(starts, [i for i in range(4) if i != axis])

    def _around(self, image: tuple[int, ...]) -> Padding:
        return in_numbers(self.padding, (image[0], image[1]), self.size, self.strides)

    def scatter(self, part: Callable[..., Array], arrays: tuple[Array, ...], image: Image) -> Array:
        """Sum, over all windows, the contribution of each to its cells, `part(cell, *arrays)`.

        `part` is elementwise, and `cell` numbers the cells of a window row by row. `arrays` have
        one value per window; the last of them is `dy`.

        On a TPU each cell looks up its windows. XLA estimates 123 kcycles for the backward of
        both pools of the MNIST CNN, where the blocks take 350 (jax 0.12.0.1, v5e, 2×2 windows,
        128 images).
        """

        def looked_up(*arrays: Array) -> Array:
            return self._looked_up(part, arrays, image)

        def in_blocks(*arrays: Array) -> Array:
            return self._in_blocks(part, arrays, image)

        return lax.platform_dependent(*arrays, tpu=looked_up, default=in_blocks)

    def _looked_up(
        self, part: Callable[..., Array], arrays: tuple[Array, ...], image: Image
    ) -> Array:
        """Sum over the windows that can contain a cell, with one term for each relative position.

        Zeros are put between the windows. Among `sh * sw` neighbors, only the window that begins in
        the same block of one stride as the cell, or a number of blocks earlier, then differs from
        zero, so a sum over the neighbors is its value.
        """
        (kh, kw), (sh, sw) = self.size, self.strides
        (top, _), (left, _) = self._around(image.size)
        places = (np.arange(n) + before for n, before in zip(image.size, (top, left), strict=True))
        rows, columns = np.ix_(*places)
        dx: Any = 0
        for i, j in np.ndindex(-(-kh // sh), -(-kw // sw)):
            row, column = rows % sh + i * sh, columns % sw + j * sw
            inside = (row < kh) & (column < kw)  # and not in the gaps between windows
            cell = np.where(inside, row * kw + column, 0).astype(self.number)
            cell, inside = (a[None, :, :, None] for a in (cell, inside))
            starts = (i * sh - top, j * sw - left)
            seen = (_spread(a, self.strides, starts, image.size) for a in arrays)
            dx = dx + jnp.where(inside, part(cell, *seen), 0)
        return dx

    def _in_blocks(
        self, part: Callable[..., Array], arrays: tuple[Array, ...], image: Image
    ) -> Array:
        """Compute the sum in blocks of one stride, each an elementwise pass over the channels.

        Such a pass vectorizes. Overlapping windows reach into several blocks, to which they are
        added in place. Padding each part and summing takes 4 to 8 times as long inside a loop on a
        CPU, where XLA computes the parts again for every element of the sum.
        """
        (kh, kw), (sh, sw) = self.size, self.strides
        batch, rows, columns, channels = arrays[0].shape
        down, across = -(-kh // sh), -(-kw // sw)  # the number of blocks that a window reaches
        blocks = (batch, rows + down - 1, sh, columns + across - 1, sw, channels)
        arrays = tuple(a[:, :, None, :, None] for a in arrays)
        dx = _zeros_around(arrays[-1], blocks)
        for i, j in np.ndindex(down, across):
            row, column = np.ogrid[i * sh : (i + 1) * sh, j * sw : (j + 1) * sw]
            inside = (row < kh) & (column < kw)  # and not in the gaps between windows
            cell = np.where(inside, row * kw + column, 0).astype(self.number)
            cell, inside = (a[None, None, :, None, :, None] for a in (cell, inside))
            value = jnp.where(inside, part(cell, *arrays), 0)
            if value.shape == blocks:  # the windows do not overlap: each element is written once
                dx = value
            else:
                value += dx[:, i : i + rows, :, j : j + columns]
                dx = lax.dynamic_update_slice(dx, value, (0, i, 0, j, 0, 0))
        image_of_blocks = batch, blocks[1] * sh, blocks[3] * sw, channels
        dx = jnp.reshape(dx, image_of_blocks, out_sharding=sharding_of(dx, 0, None, None, 5))
        sides = zip(image.size, dx.shape[1:3], self._around(image.size), strict=True)
        rest = [(-before, n + before - m, 0) for n, m, (before, _) in sides]
        return lax.pad(dx, jnp.zeros((), dx.dtype), [(0, 0, 0), *rest, (0, 0, 0)])

    @property
    def number(self) -> Any:
        """Return the narrowest integer type that can number the cells, plus one extra value."""
        return np.min_scalar_type(self.size[0] * self.size[1]).type

    def init(self, key: Any, in_shape: tuple[int, ...]) -> tuple[tuple[()], tuple[()]]:
        """Return no parameters and no state, if the windows fit."""
        checks.image_shape(self.name, in_shape)
        self._fit(in_shape[:2], f"in_shape is {in_shape}")
        return (), ()

    def image(self, x: Array) -> Image:
        """Return the size of a batch of images, if the windows fit."""
        checks.images(self.name, x)
        self._fit(x.shape[1:3], f"x has shape {x.shape}")
        return Image((x.shape[1], x.shape[2]))

    def _fit(self, image: tuple[int, ...], what: str) -> None:
        rows, columns = self._around(image)
        least = self.size[0] - sum(rows), self.size[1] - sum(columns)
        if image[0] < least[0] or image[1] < least[1]:
            with_padding = "" if (rows, columns) == NOTHING else ", with the padding,"
            raise ValueError(
                f"{self.name}: {what}, expected images{with_padding} of {self.size} or larger"
            )


def _zeros_around(x: Array, shape: tuple[int, ...]) -> Array:
    """Return zeros of a shape with as many axes as `x`, sharded as `x` is.

    `lax.full` with a sharding cannot make them outside a compiled program, unless a mesh is in use.
    """
    zero = jnp.zeros((), x.dtype)
    around = [(0, n - m, 0) for n, m in zip(shape, x.shape, strict=True)]
    return lax.pad(jnp.zeros_like(x), zero, around)


def _spread(a: Array, strides: Pair, starts: Pair, image: Pair) -> Array:
    """Return, for each cell of an image, the value of the window whose block it is in.

    The blocks have the size of the strides, and the first one begins at `starts`.
    """
    around = [
        (stride - 1 + start, n - start - (windows - 1) * stride - 1)
        for stride, start, n, windows in zip(strides, starts, image, a.shape[1:3], strict=True)
    ]
    whole = jnp.issubdtype(a.dtype, jnp.integer)  # numbers of cells, exact in float32
    spread = _sums(a.astype(jnp.float32) if whole else a, strides, around, dilation=strides)
    return spread.astype(a.dtype)


def _sums(
    x: Array, size: Pair, padding: Any, strides: Pair = (1, 1), dilation: Pair = (1, 1)
) -> Array:
    """Return sums over windows by `lax.reduce_window`."""
    y: Array = lax.reduce_window(
        x,
        0.0,
        lax.add,
        window_dimensions=(1, *size, 1),
        window_strides=(1, *strides, 1),
        padding=((0, 0), *padding, (0, 0)),
        base_dilation=(1, *dilation, 1),
    )
    return y


def windows_of(layer: str, window: Any, strides: Any, padding: Any) -> Windows:
    """Return the windows that the arguments of a layer describe."""
    size = scalars.pair(layer, "window", window)
    by = size if strides is None else scalars.pair(layer, "strides", strides)
    padding = checked_padding(layer, padding)
    if not isinstance(padding, str):
        for i in (0, 1):
            if max(padding[i]) >= size[i]:
                raise ValueError(
                    f"{layer}: padding[{i}] is {padding[i]}, expected less than {size[i]}: a part "
                    f"of each window must be in the image"
                )
    apart = "" if by == size else f", strides={by}"
    around = "" if padding == "VALID" else f", padding={padding!r}"
    return Windows(f"{layer}({size}{apart}{around})", size, by, padding)
