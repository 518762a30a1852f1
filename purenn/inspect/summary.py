"""`summary`: a model as a table."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from purenn.core import checks, scalars
from purenn.core.adapt import as_layer
from purenn.core.dtypes import dtype_of
from purenn.core.layer import Layer
from purenn.core.text import columns, cut, padded, printable
from purenn.core.types import ModelLike, Shape
from purenn.inspect.chain import Symbolist, Symbols, chain, short_formula, title

WIDEST = 100  # columns that the table may take


def summary(model: ModelLike, in_shape: Shape) -> str:
    """Write a model as a table: formula, output shape, parameters and FLOPs of each layer.

    The layers inside a `residual`, `parallel` or `recompute` stand beneath it, indented; its own
    line has what it adds to theirs, so that each column adds up to its total. Beneath a `repeat`
    stands the first of its layers, and its own line has the numbers of the others. The parts of a
    `serial` with a name of its own, `layer.replace(name="encoder")`, have their path: `encoder /
    part 3: dense(10)`. A part that is a plain function, whose derivative comes from `jax.vjp`, is
    marked with a star.

    FLOPs are the operations of one example's forward in evaluation, as textbooks count them, from
    the shapes:

    - `dense`: 2 · n_in · units for the weights, a product and a sum each, and units for the biases;
    - `conv2d`: the same at each place, 2 · kh · kw · c_in / groups · features + features, padding
      included, and `conv1d` likewise; `conv2d_transpose`: 2 · kh · kw · features for each value of
      its input, and 1 for each bias that is added;
    - whatever works element by element, `tanh` like `relu`: 1 for each output value;
    - `softmax`: 3 for each value; `batch_norm` and `rms_norm`: 4; `layer_norm` and `group_norm`: 7;
    - `gated_dense`: those of two dense layers and of its activation, and 1 for each product;
      `embedding`: 0; `position_embedding`: 1 for each value; `tied_embedding`: 2 · features for
      each score, besides those of the layers inside;
    - `attention`: 2 for each weight and position, and 4 · features of a head + 4 for each score of
      each head; `causal` has about half of the scores;
    - `gru` and `lstm`: for each step and unit, 2 · (features + units) for each gate, 1 for each
      bias, and 8 or 9 for the gates and the state;
    - `max_pool` and `avg_pool`: 1 for each cell of each window; `global_avg_pool`: 1 for each cell;
    - `flatten` and `dropout`: 0;
    - `residual`: 1 for each value, for the sum, besides those of the layers inside; `parallel`: 1
      for each sum or product, 0 for "concat"; `repeat`: those of all its layers but the first;
    - a plain function, and a layer or op of your own: 1 for each output value, unless it states its
      own number, `Layer(..., flops=...)`.

    The symbols are those of `explain`; the layers inside number 1 have the numbers 1.1, 1.2 and so
    on. A symbol that standard output can't encode is spelled out.

    Args:
        model: a layer.
        in_shape: the shape of one example, without a batch axis.

    Returns:
        The table, at most 100 columns wide: long names are shortened. Nothing is computed for it.

    Examples:
        >>> import purenn as pn
        >>> print(pn.summary(pn.mlp((16,), 10), in_shape=(784,)))
        layer      formula          shape  params   FLOPs
        ─────────────────────────────────────────────────
        dense(16)  Z1 = X·W1 + b1   (16,)  12,560  25,104
        relu       A1 = relu(Z1)    (16,)       0      16
        dense(10)  Z2 = A1·W2 + b2  (10,)     170     330
        ─────────────────────────────────────────────────
        total                              12,730  25,450
    """
    model = as_layer("summary", "model", model)
    in_shape = checks.shape_tuple("summary", in_shape)
    dtype = jnp.int32 if model.first.takes == "integer" else jnp.float32
    links = _links(model, jax.ShapeDtypeStruct((1, *in_shape), dtype))
    rows = list(_rows(links, Symbolist().name(links)))
    params, flops = sum(row.params for row in rows), sum(row.flops for row in rows)
    lines = _table([HEAD, *map(_cells, rows), ("total", "", "", f"{params:,}", f"{flops:,}")])
    if any(row.name.endswith("*") for row in rows):
        lines.append("* not derived by hand: jax.vjp differentiates this part")
    return "\n".join(lines)


HEAD = ("layer", "formula", "shape", "params", "FLOPs")


class _Link(NamedTuple):
    """A layer with the shapes of its parameters, input and output, and the chains inside it."""

    layer: Layer
    params: Any
    x: Any
    y: Any
    inner: "tuple[list[_Link], ...]"
    path: str


class _Row(NamedTuple):
    name: str
    formula: str
    shape: tuple[int, ...]
    params: int
    flops: int


def _links(layer: Layer, x: Any) -> list[_Link]:
    """List a layer's innermost layers; nothing but shapes is computed."""
    links = []
    made = jax.eval_shape(lambda: layer.init(jax.random.key(0), x.shape[1:]))
    if jnp.issubdtype(x.dtype, jnp.floating):
        x = jax.ShapeDtypeStruct(x.shape, dtype_of(made[0], x.dtype))
    for part, params, state, *_, path in chain(layer, *made):
        y = jax.eval_shape(lambda p, s, x: part.apply(p, s, x)[0], params, state, x)  # noqa: B023
        inner = tuple(_links(inner, x) for inner in part.inner)
        links.append(_Link(part, params, x, y, inner, path))
        x = y
    return links


def _rows(links: list[_Link], names: list[Symbols], depth: int = 0) -> Iterator[_Row]:
    for (layer, params, x, y, inner, path), symbols in zip(links, names, strict=True):
        chains = zip(inner, symbols.inner, strict=True)
        within = [row for inside in chains for row in _rows(*inside, depth + 1)]
        star = "*" * (layer.by_jax and not inner)
        line = f"{symbols.y} = {short_formula(layer, symbols)}"
        count = _size(params) - sum(row.params for row in within)
        flops = _flops(layer, params, x, y)
        if times := layer.notation.times:
            line += f", {times} times"
            flops += (times - 1) * sum(row.flops for row in within)
        yield _Row(
            "  " * depth + path + title(layer) + star, line, tuple(y.shape[1:]), count, flops
        )
        yield from within


def _size(params: Any) -> int:
    return sum(int(leaf.size) for leaf in jax.tree.leaves(params))


def _flops(layer: Layer, params: Any, x: Any, y: Any) -> int:
    if layer.flops is None:
        return int(y.size)
    return scalars.count(layer.name, "what flops returns", layer.flops(params, x, y), least=0)


def _cells(row: _Row) -> tuple[str, ...]:
    return row.name, row.formula, str(row.shape), f"{row.params:,}", f"{row.flops:,}"


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(columns(row[i]) for row in rows) for i in range(len(HEAD))]
    room = WIDEST - sum(2 + width for width in widths[2:]) - 2  # for names and formulas
    widths[0] = min(widths[0], max(room // 2, room - widths[1], 20))
    widths[1] = min(widths[1], max(room - widths[0], 20))
    lines = []
    for name, line, *others in rows:
        star = "*" * name.endswith("*")
        cells = [
            padded(cut(name.removesuffix("*"), widths[0] - len(star)) + star, widths[0]),
            padded(cut(line, widths[1]), widths[1]),
            padded(others[0], widths[2]),
            *(cell.rjust(width) for cell, width in zip(others[1:], widths[3:], strict=True)),
        ]
        lines.append("  ".join(cells).rstrip())
    rule = printable("─") * max(map(columns, lines))
    return [lines[0], rule, *lines[1:-1], rule, lines[-1]]
