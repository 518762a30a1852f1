"""Padding of images: how many rows and columns a layer puts around them."""

from typing import Any, TypeAlias

import numpy as np
from jax import lax

from purenn.core import checks, scalars

Pair: TypeAlias = tuple[int, int]
Padding: TypeAlias = tuple[Pair, Pair]  # ((top, bottom), (left, right))


def checked_padding(layer: str, padding: Any) -> str | Padding:
    """Return the argument `padding` of a layer in one form: a word in capitals, or two pairs."""
    if isinstance(padding, str):
        checks.one_of(layer, "padding", padding.upper(), ("SAME", "VALID"))
        return padding.upper()
    if isinstance(padding, (int, np.integer)) and not isinstance(padding, bool):
        n = scalars.count(layer, "padding", padding, least=0)
        return (n, n), (n, n)
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


def in_numbers(padding: str | Padding, image: Pair, window: Pair, strides: Pair) -> Padding:
    """Return how many rows and columns are put around an image of this size."""
    if not isinstance(padding, str):
        return padding
    rows, columns = lax.padtype_to_pads(image, window, strides, padding)
    return (int(rows[0]), int(rows[1])), (int(columns[0]), int(columns[1]))
