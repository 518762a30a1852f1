"""Slices of padded images: the values at each place of a window or each weight of a kernel."""

from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from purenn.layers.padding import Pair


def padded(x: Array, padding: Any, dilation: Pair = (1, 1)) -> Array:
    """Return images with zeros around them and between their values."""
    (rows, columns), (down, across) = padding, dilation
    around = (0, 0, 0), (*rows, down - 1), (*columns, across - 1), (0, 0, 0)
    return lax.pad(x, jnp.zeros((), x.dtype), around)


def seen_by(x: Array, kernel: tuple[int, ...], strides: Pair, dilation: Pair) -> list[Array]:
    """Return the values that each weight multiplies, for the weights in row-major order."""
    columns = seen_along(x, 2, kernel[1], strides[1], dilation[1])
    rows = [seen_along(column, 1, kernel[0], strides[0], dilation[0]) for column in columns]
    return [row[i] for i in range(kernel[0]) for row in rows]


def seen_along(x: Array, axis: int, size: int, stride: int, apart: int = 1) -> list[Array]:
    """Return, for each place of a window along one axis, the values there of all windows.

    The windows begin at multiples of `stride`, and the distance between their places is `apart`.
    """
    span = x.shape[axis] - (size - 1) * apart
    starts = range(0, size * apart, apart)
    return [lax.slice_in_dim(x, i, i + span, stride, axis) for i in starts]
