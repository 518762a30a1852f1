"""`summary`: a model as a table."""

from typing import Any

import jax
import jax.numpy as jnp

from purenn.backprop.chain import chain, formula, symbols
from purenn.core import checks
from purenn.core.adapt import as_layer
from purenn.core.layer import Layer


def summary(model: Any, in_shape: tuple[int, ...]) -> str:
    """A table of layers: formula, output shape, parameters, and FLOPs of one example's forward.

    FLOPs are XLA's own count for the layer (a multiply and an add are two). A part that is a plain
    function, whose derivative is `jax.vjp`'s and not by hand, is marked with a star.

    Args:
        model: a layer.
        in_shape: the shape of one example, without a batch axis.

    Examples:
        >>> import purenn as pn
        >>> print(pn.summary(pn.mlp((16,), 10), in_shape=(784,)))
        layer      formula          shape  params   FLOPs
        ─────────────────────────────────────────────────
        dense(16)  Z1 = X·W1 + b1   (16,)  12,560  25,104
        relu       A1 = relu(Z1)    (16,)       0      33
        dense(10)  Z2 = A1·W2 + b2  (10,)     170     330
        ─────────────────────────────────────────────────
        total                              12,730  25,467
    """
    model = as_layer("summary", "model", model)
    in_shape = checks.shape_tuple("summary", in_shape)
    params, state = jax.eval_shape(lambda: model.init(jax.random.key(0), in_shape))
    links = list(chain(model, params, state))
    dtype = jnp.int32 if model.first.takes == "integer" else jnp.float32
    x = jax.ShapeDtypeStruct((1, *in_shape), dtype)
    rows: list[tuple[str, ...]] = [("layer", "formula", "shape", "params", "FLOPs")]
    totals = [0, 0]
    for link, names in zip(links, symbols(links), strict=True):
        x, flops = _forward(link.layer, link.params, link.state, x)
        count = sum(leaf.size for leaf in jax.tree.leaves(link.params))
        totals = [totals[0] + count, totals[1] + flops]
        name = link.layer.name + ("*" if link.layer.by_jax else "")
        line = f"{names.y} = {formula(link.layer, names)}"
        rows.append((name, line, str(tuple(x.shape[1:])), f"{count:,}", f"{flops:,}"))
    rows.append(("total", "", "", f"{totals[0]:,}", f"{totals[1]:,}"))
    starred = any(link.layer.by_jax for link in links)
    footer = ["* not derived by hand: jax.vjp differentiates this part"] if starred else []
    return "\n".join([*_table(rows), *footer])


def _forward(layer: Layer, params: Any, state: Any, x: Any) -> tuple[Any, int]:
    lowered = jax.jit(lambda p, s, x: layer.apply(p, s, x)[0]).lower(params, state, x)
    cost = lowered.cost_analysis() or {}
    return lowered.out_info, int(cost.get("flops", 0))


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        left = [cell.ljust(width) for cell, width in zip(row[:3], widths[:3], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(row[3:], widths[3:], strict=True)]
        lines.append("  ".join(left + right).rstrip())
    rule = "─" * max(map(len, lines))
    return [lines[0], rule, *lines[1:-1], rule, lines[-1]]
