"""`max_pool`: the largest value in each window of an image."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core.layer import Layer
from purenn.core.notation import Notation
from purenn.core.precision import wide
from purenn.layers.padding import Padding, Pair
from purenn.layers.windows import Image, windows_of


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Saved:
    first: Array  # (batch, rows, columns, channels): the cell of the first maximum
    image: Image


def max_pool(
    window: Pair | int = (2, 2),
    *,
    strides: Pair | int | None = None,
    padding: str | int | Padding = "VALID",
) -> Layer:
    r"""Take the maximum of each window, channel by channel.

    Let $W(p)$ be the cells of `x` in the window of output $p$, in row-major order. Then

    $$y_p = \max_{q \in W(p)} x_q, \qquad dx_q = \sum_{p\,:\,q = \mathrm{first}(p)} dy_p$$

    where $\mathrm{first}(p)$ is the first cell of $W(p)$ that holds the maximum. If several cells
    tie for the maximum, as zeros often do after a ReLU, the first one receives all of `dy`.
    PyTorch, TensorFlow, and JAX's derivative of `lax.reduce_window` do the same, while `jnp.max`
    splits `dy` equally. Every such choice is a subgradient. JAX's derivative of `apply` follows
    this layer's rule.

    Padding never holds a maximum, even if all cells are $-\infty$, since $W(p)$ contains only cells
    of the image. Rows and columns at the end that do not fill a window are ignored, and their `dx`
    is 0. If a window contains a NaN, its `y` is NaN, and so is the `dx` of all its cells.

    Heavily overlapping windows take a long time to compile: 3 s for 8×8 windows at stride 1, and 16
    s for 16×16. The backward pass visits a cell once for each of the (kh / sh) · (kw / sw) windows
    that contain it.

    Args:
        window: the height and width of each window, or one number for a square window.
        strides: the distance from one window to the next, down and across, or one number for both.
            The default is the window's size, so windows do not overlap. Other strides make windows
            overlap or leave gaps.
        padding: "VALID", "SAME", `((top, bottom), (left, right))`, or one number for all four
            sides, as in `conv2d`. It must be smaller than the window.

    Returns:
        A layer with no parameters and no state. It maps `x: (batch, height, width, channels)` to
        `y: (batch, (height - kh) // sh + 1, (width - kw) // sw + 1, channels)`, where height and
        width include the padding. The cache holds the position of each window's first maximum,
        which takes one byte for windows of up to 255 cells.

    Raises:
        TypeError: if `window` or `strides` is not a pair of integers, or `padding` has the wrong
            type.
        ValueError: if a number is below 1, the image is smaller than the window, or the padding is
            not smaller than the window.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> y, state = pn.max_pool().apply((), (), jnp.arange(16.0).reshape(1, 4, 4, 1))
        >>> print(y[0, :, :, 0])
        [[ 5.  7.]
         [13. 15.]]
    """
    windows = windows_of("max_pool", window, strides, padding)
    (kh, kw), number = windows.size, windows.number
    nowhere = number(kh * kw)  # the cell number of a window with a NaN

    def forward(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, _Saved]:
        image = windows.image(x)
        x = windows.extended(x)  # with its own values, so that a maximum of -inf has its cell too
        y, first = _first_maximum(windows.along(x, 2), windows.places(image, 2))
        rows = zip(windows.places(image, 1), windows.along(first, 1), strict=True)
        y, first = _first_maximum(windows.along(y, 1), [i * number(kw) + row for i, row in rows])
        return y, state, _Saved(jnp.where(jnp.isnan(y), nowhere, first), image)

    def backward(params: Any, saved: _Saved, dy: Array) -> tuple[tuple[()], Array]:
        def part(cell: Array, first: Array, dy: Array) -> Array:
            everywhere = first == nowhere
            return jnp.where((first == cell) | everywhere, dy, 0)

        values = jnp.where(saved.first == nowhere, jnp.nan, wide(dy))
        # For 2×2 windows on a CPU, this is 20 to 60 times as fast as JAX's own select_and_scatter,
        # and as fast as filling an array of this size with a constant.
        return (), windows.scatter(part, (saved.first, values), saved.image).astype(dy.dtype)

    notation = Notation("P", f"max {kh}×{kw}({{x}})", "{dy} at each window's first maximum")

    def flops(params: Any, x: Any, y: Any) -> int:
        return kh * kw * int(y.size)  # one for each cell of each window

    return Layer(windows.init, forward, backward, name=windows.name, notation=notation, flops=flops)


def _first_maximum(values: Sequence[Array], places: Sequence[Any]) -> tuple[Array, Array]:
    """Return the elementwise maximum of arrays, and the position of the first that has it."""
    y, first = reduce(_larger, values), places[-1]
    for value, place in reversed(list(zip(values[:-1], places[:-1], strict=True))):
        first = jnp.where(value == y, place, first)
    return y, jnp.broadcast_to(first, y.shape)


def _larger(y: Array, value: Array) -> Array:
    # Not `maximum`, whose derivative in JAX is 1/2 for each if both are equal.
    return jnp.where((value > y) | jnp.isnan(value), value, y)
