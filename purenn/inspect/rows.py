"""The rows of `summary`: one for each layer, and one for each layer inside it."""

from typing import Any, NamedTuple

import jax

from purenn.core import scalars
from purenn.core.layer import Layer
from purenn.inspect.chain import Symbols, short_formula, title
from purenn.inspect.sizes import SizedLink


class Row(NamedTuple):
    """A layer's row. Its numbers do not include those of the layers inside it."""

    name: str  # ends in a star if its derivative is not by hand
    formula: str
    shape: tuple[int, ...]
    params: int
    flops: int  # of the forward, of one example
    step_flops: int  # of the forward and of what a training step runs of the backward


def rows_of(links: list[SizedLink], names: list[Symbols], depth: int = 0) -> list[Row]:
    """List the rows of a chain, each followed by the rows of the layers inside it."""
    rows = []
    for link, symbols in zip(links, names, strict=True):
        chains = zip(link.inner, symbols.inner, strict=True)
        within = [row for inside in chains for row in rows_of(*inside, depth + 1)]
        layer, times = link.layer, link.layer.notation.times
        star = "*" * (layer.by_jax and not link.inner)
        line = f"{symbols.y} = {short_formula(layer, symbols)}"
        count = _size(link.params) - sum(row.params for row in within)
        flops = _flops(layer, link.params, link.x, link.y)
        step_flops = flops * _passes(link)
        if times:
            line += f", {times} times"
            flops += (times - 1) * sum(row.flops for row in within)
            step_flops += (times - 1) * sum(row.step_flops for row in within)
        name = "  " * depth + link.path + title(layer) + star
        rows += [Row(name, line, tuple(link.y.shape[1:]), count, flops, step_flops), *within]
    return rows


def _passes(link: SizedLink) -> int:
    """Count the passes: forward, and the derivatives with respect to x and to the parameters."""
    if not link.backward:
        return 1
    # A layer passes a derivative on to those inside it, even if it need not return one.
    return 1 + (link.dx or bool(link.inner)) + bool(jax.tree.leaves(link.params))


def _size(params: Any) -> int:
    return sum(int(leaf.size) for leaf in jax.tree.leaves(params))


def _flops(layer: Layer, params: Any, x: Any, y: Any) -> int:
    if layer.flops is None:
        return int(y.size)
    return scalars.count(layer.name, "what flops returns", layer.flops(params, x, y), least=0)
