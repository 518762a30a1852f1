"""The notebook's table of a layer or an op: its formulas, forward and backward."""

from collections.abc import Iterator, Sequence
from string import Formatter
from typing import Any

from purenn.core import html
from purenn.core.adapt import with_options
from purenn.core.layer import Layer
from purenn.core.op import Op
from purenn.core.value import Value
from purenn.inspect.chain import (
    LETTERS,
    Link,
    Symbolist,
    Symbols,
    chain,
    notation_of,
    short_formula,
    title,
)

HEAD = ("layer", "forward", "backward")


def layer_table(value: Value) -> str:
    """Write the table of a layer: a row for each layer inside it, with its formulas.

    Shapes and parameters are not known without an `in_shape`; `summary` shows them. A star marks a
    layer whose derivative is not derived by hand, as in `summary`.
    """
    if isinstance(value, Op):
        return html.table(("op", *HEAD[1:]), [_op_row(value)])
    if not isinstance(value, Layer):
        return html.paragraph(repr(value))
    links = chain(value, _unknown(value))
    rows = list(_rows(links, Symbolist().name(links)))
    star = any(row[0].endswith("*") for row in rows)
    below = "* not derived by hand: jax.vjp differentiates this part\n" if star else ""
    return html.table(HEAD, rows) + html.paragraph(
        f"{below}pn.summary(layer, in_shape) adds shapes, parameters and FLOPs."
    )


def _op_row(op: Op[Any]) -> tuple[str, str, str]:
    y = "A" if op.notation.symbol == "L" else "y"  # of a loss the formulas name its probabilities

    def written(name: str, text: str) -> str:
        return f"{name} = {with_options(op, text).format(x='x', y=y, dy='dy')}" if text else ""

    star = "*" * op.by_jax
    return op.name + star, written(y, op.notation.y), written("dx", op.notation.dx)


def _rows(
    links: Sequence[Link], names: Sequence[Symbols], depth: int = 0
) -> Iterator[tuple[str, str, str]]:
    for link, symbols in zip(links, names, strict=True):
        layer = link.layer
        named = symbols._replace(params=_parameters(layer, symbols))
        star = "*" * (layer.by_jax and not link.inner)
        forward = f"{named.y} = {short_formula(layer, named)}"
        if times := layer.notation.times:
            forward += f", {times} times"
        indent = "· " * depth
        yield indent + link.path + title(layer) + star, forward, "; ".join(_backward(layer, named))
        for inside, inner in zip(link.inner, named.inner, strict=True):
            shown = len(inside) // (times or 1)  # of what is repeated, the first
            yield from _rows(inside[:shown], inner[:shown], depth + 1)


def _backward(layer: Layer, names: Symbols) -> Iterator[str]:
    notation = notation_of(layer)
    if notation.steps:  # the formulas are of values that are not shown here
        return
    if len(notation.dparams) == len(names.params):
        for (_, symbol), text in zip(names.params, notation.dparams, strict=True):
            yield f"d{symbol} = {names.write(text)}"
    if notation.dx:
        yield f"{names.dx} = {names.write(notation.dx)}"


def _parameters(layer: Layer, names: Symbols) -> tuple[tuple[str, str], ...]:
    """Give each parameter in a layer's formulas its symbol, in the order of appearance."""
    notation = notation_of(layer)
    fields = dict.fromkeys(
        field
        for text in (notation.y, notation.short, notation.dx, *notation.dparams)
        for _, field, *_ in Formatter().parse(text)
        if field and field.isidentifier()
    )
    known = {"x", "y", "dy", "inner", "inner_dx", *dict(names.steps)}
    return tuple((f, LETTERS.get(f, f) + names.number) for f in fields if f not in known)


def _unknown(layer: Layer) -> Any:
    """Return parameters of the layer's own structure that have no leaves."""
    if layer.parts:
        return tuple(map(_unknown, layer.parts))
    if len(layer.inner) > 1:
        return tuple(map(_unknown, layer.inner))
    return _unknown(layer.inner[0]) if layer.inner else ()
