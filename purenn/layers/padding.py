"""Padding: the rows and columns that a layer adds around images, or steps around sequences."""

from typing import Any, TypeAlias

import numpy as np
from jax import lax

from purenn.core import checks, scalars

Pair: TypeAlias = tuple[int, int]
"""Two whole numbers: `(height, width)`, or the padding `(before, after)` of one axis."""

Padding: TypeAlias = tuple[Pair, Pair]
"""The padding of the two axes of an image: `((top, bottom), (left, right))`."""


def checked_padding(layer: str, padding: Any) -> str | Padding:
    """Return the argument `padding` of a layer in normal form: a word in capitals, or two pairs."""
    simple = _word_or_number(layer, padding)
    if simple is not None:
        return simple if isinstance(simple, str) else ((simple, simple), (simple, simple))
    try:
        (top, bottom), (left, right) = padding
    except (TypeError, ValueError):
        raise TypeError(
            f'{layer}: padding must be "SAME", "VALID", one number for all sides, or '
            f"((top, bottom), (left, right)); got {checks.describe(padding)}"
        ) from None
    top, bottom = (scalars.count(layer, "padding[0]", n, least=0) for n in (top, bottom))
    left, right = (scalars.count(layer, "padding[1]", n, least=0) for n in (left, right))
    return (top, bottom), (left, right)


def sequence_padding(layer: str, padding: Any) -> str | Padding:
    """Return the argument `padding` of a sequence layer as padding of images of height 1."""
    simple = _word_or_number(layer, padding)
    if simple is not None:
        return simple if isinstance(simple, str) else ((0, 0), (simple, simple))
    try:
        before, after = padding
    except (TypeError, ValueError):
        raise TypeError(
            f'{layer}: padding must be "SAME", "VALID", one number for both sides, or '
            f"(before, after); got {checks.describe(padding)}"
        ) from None
    before = scalars.count(layer, "padding[0]", before, least=0)
    after = scalars.count(layer, "padding[1]", after, least=0)
    return (0, 0), (before, after)


def _word_or_number(layer: str, padding: Any) -> str | int | None:
    """Return padding that is a word, in capitals, or one number; None for any other form."""
    if isinstance(padding, str):
        checks.one_of(layer, "padding", padding.upper(), ("SAME", "VALID"))
        return padding.upper()
    if isinstance(padding, (int, np.integer)) and not isinstance(padding, bool):
        return scalars.count(layer, "padding", padding, least=0)
    return None


def in_numbers(padding: str | Padding, image: Pair, window: Pair, strides: Pair) -> Padding:
    """Return the numbers of rows and columns to add around an image of this size."""
    if not isinstance(padding, str):
        return padding
    rows, columns = lax.padtype_to_pads(image, window, strides, padding)
    return (int(rows[0]), int(rows[1])), (int(columns[0]), int(columns[1]))


def transposed_padding(
    padding: Padding, image: tuple[int, ...], places: tuple[int, ...], window: Pair, strides: Pair
) -> Padding:
    """Return the padding of the transpose, around one value per window, dilated by the strides.

    With this padding, windows of the same size at strides of 1 give an image of the original size.
    Each of its cells sees the windows that contain it, in reverse order.

    Args:
        padding: the padding of the image.
        image: its height and width.
        places: the number of windows, down and across.
        window: their height and width, or those of a dilated kernel.
        strides: the distance from one window to the next.
    """
    axes = zip(image, places, window, strides, padding, strict=True)
    rows, columns = (
        (size - 1 - before, n - (m - 1) * s - 1 + before) for n, m, size, s, (before, _) in axes
    )
    return rows, columns
