"""The three ways in which `parallel` combines outputs: "sum", "product", and "concat"."""

from collections.abc import Sequence
from functools import partial, reduce
from itertools import accumulate
from operator import add, mul
from typing import Any

import jax.numpy as jnp
from jax import Array

from purenn.core import checks
from purenn.core.notation import Notation
from purenn.core.precision import wide
from purenn.core.sharding import concatenated

WAYS = ("sum", "product", "concat")


def combined(combine: str, ys: Sequence[Array]) -> Array:
    """Combine outputs, whose shapes and dtypes must match."""
    if combine == "concat":
        return concatenated(ys)
    return added(ys) if combine == "sum" else reduce(mul, ys)


def added(terms: Sequence[Array]) -> Array:
    """Return a sum, computed in at least float32."""
    if not checks.is_float(terms[0]):
        return reduce(add, terms)
    return reduce(add, map(wide, terms)).astype(terms[0].dtype)


def shares(combine: str, dy: Array, ys: Sequence[Any]) -> list[Array]:
    """Return the derivative with respect to each output; only a product needs their values."""
    if combine == "sum":
        return [dy] * len(ys)
    if combine == "concat":
        *ends, _ = accumulate(y.shape[-1] for y in ys)
        return jnp.split(dy, ends, axis=-1)
    before = accumulate(ys[:-1], mul)
    after = [*accumulate(ys[:0:-1], mul, initial=dy)][::-1]  # times dy
    return [after[0], *map(mul, before, after[1:])]


def notation_of(combine: str, count: int) -> Notation:
    """Return the notation of the combined outputs of a number of layers."""
    if count == 1:  # `explain` would give the layer inside all of the parameters, not entry 0
        return Notation("C")
    ys = [f"{{inner[{i}]}}" for i in range(count)]
    dys = ["{dy}"] * count
    if combine == "product":
        dys = ["⊙".join(["{dy}", *ys[:i], *ys[i + 1 :]]) for i in range(count)]
    elif combine == "concat":
        dys = [f"columns({{dy}}, {y})" for y in ys]
    y = {"sum": " + ".join(ys), "product": "⊙".join(ys), "concat": f"[{', '.join(ys)}]"}
    return Notation(
        "C",
        y[combine],
        " + ".join(f"{{inner_dx[{i}]}}" for i in range(count)),
        inner_dy=tuple((dy, partial(_share, combine, i)) for i, dy in enumerate(dys)),
    )


def _share(combine: str, i: int, dy: Array, ys: Sequence[Array]) -> Array:
    return shares(combine, dy, ys)[i]
