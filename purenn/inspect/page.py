"""The page of an explanation, with the symbol and the formula of each value on a line."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from purenn.core import checks
from purenn.core.adapt import with_options
from purenn.core.layer import Layer
from purenn.core.notation import Apart, Step
from purenn.core.target_parts import parts_of, weights_of
from purenn.core.text import columns, literal, padded, printable
from purenn.inspect.chain import Link, Symbolist, Symbols, called, chain, formula, notation_of

if TYPE_CHECKING:
    from purenn.inspect.explanation import Explanation, LayerExplanation

WIDEST = 100  # columns; a wider value has a separate line
MOST = 12  # numbers that are shown one by one
MOST_PIECES = 8  # into which a value is divided
STEP = 0.1  # the learning rate of the plain gradient step that the last line tries


class Line(NamedTuple):
    """One line of the page: a value with its symbol and formula."""

    section: str
    symbol: str
    formula: str
    value: Any
    apart: Apart | None = None


def lines_of(e: "Explanation") -> Iterator[Line]:
    """List every value in the order of the computation."""
    links, symbolist = chain(e.model, e.grads), Symbolist()
    names = symbolist.name(links)
    yield Line("FORWARD", "X", "", e[0].x)
    yield from _forward(links, names, e, e.train)
    last = names[-1]._replace(x=names[-1].y)
    if e.end.probabilities is not None:
        last = last._replace(y=symbolist.fresh(f"A{last.number}"))
        yield Line("FORWARD", last.y, last.write(e.loss.notation.y), e.end.probabilities)
    loss = literal(e.loss.name)
    unknown = f"jax.vjp of {loss}" if e.loss.by_jax else f"{loss}.backward(1)"
    text = last.write(_loss_formula(e) or unknown)
    yield Line("BACKWARD", f"d{last.x}", text, e[-1].dy)
    shares = None if e.end.penalty_grads is None else chain(e.model, e.end.penalty_grads)
    yield from _backward(links, names, e, shares, e.train)


def _loss_formula(e: "Explanation") -> str:
    """Return the formula of the loss's derivative, if it is known."""
    text = with_options(e.loss, e.loss.notation.dx)
    if weights_of(e.loss, e.end.targets) is not None:
        text = text.replace("/m", "⊙w/Σw").replace("/n", "⊙w/Σw")
    return text


def _forward(
    links: list[Link], names: list[Symbols], values: "Sequence[LayerExplanation]", train: bool
) -> Iterator[Line]:
    for link, symbol, value in zip(links, names, values, strict=True):
        for inside in zip(link.inner, symbol.inner, value.inner, strict=True):
            yield from _forward(*inside, train)
        for step in value.steps.forward:
            yield _step("FORWARD", step, link.layer, symbol)
        text = formula(link.layer, symbol, train)
        known = notation_of(link.layer, train).y
        yield Line("FORWARD", symbol.y, _noted(text, link.layer) if known else text, value.y)


def _backward(
    links: list[Link],
    names: list[Symbols],
    values: "Sequence[LayerExplanation]",
    shares: list[Link] | None,
    train: bool,
) -> Iterator[Line]:
    for i in reversed(range(len(links))):
        link, symbol, value = links[i], names[i], values[i]
        share = None if shares is None else shares[i]
        for j in reversed(range(len(symbol.inner))):
            inside = symbol.inner[j]
            if value.dy is not None:
                text = symbol.write(link.layer.notation.inner_dy[j][0])
                yield Line("BACKWARD", f"d{inside[-1].y}", text, value.inner[j][-1].dy)
            inner_share = share and share.inner[j]
            yield from _backward(link.inner[j], inside, value.inner[j], inner_share, train)
        for step in value.steps.backward:
            yield _step("BACKWARD", step, link.layer, symbol)
        *dparams, dx = _derivatives(link.layer, symbol, value, train)
        leaves = jax.tree.leaves(value.dparams) if symbol.params else []
        apart = link.layer.notation.apart or (None,) * len(leaves)
        added = jax.tree.leaves(share.params) if share else []
        for k, ((_, name), text, leaf) in enumerate(
            zip(symbol.params, dparams, leaves, strict=True)
        ):
            if added and not (_known(added[k]) and not np.any(added[k])):
                text += " + the penalty's"
            yield Line("BACKWARD", f"d{name}", text, leaf, apart[k])
        if symbol.x != "X" and value.dx is not None:
            yield Line("BACKWARD", symbol.dx, dx, value.dx)


def _step(section: str, step: Step, layer: Layer, symbol: Symbols) -> Line:
    text = symbol.write(_noted(step.formula, layer))
    return Line(section, symbol.step(step.symbol), text, step.value, step.apart)


def _derivatives(
    layer: Layer, symbol: Symbols, value: "LayerExplanation", train: bool
) -> Iterator[str]:
    """Write the formula of each leaf of dparams and of dx, or the function that was called."""
    notation, count = notation_of(layer, train), len(symbol.params)
    name = literal(called(layer))
    plain = layer.by_jax and not layer.inner
    unknown = f"jax.vjp of {name}, at {{dy}}" if plain else f"{name}.backward({{dy}})"
    known = notation.dparams if len(notation.dparams) == count else ("",) * count
    if value.dy is None:  # the layer's y is an integer array
        unknown, known = "0, since {y} has no derivative", ("",) * count
    for text in (*known, notation.dx):
        yield symbol.write(_noted(text, layer) if text else unknown)


def _noted(text: str, layer: Layer) -> str:
    return f"{text} {layer.notation.note}".rstrip()


def several(e: "Explanation") -> str:
    """Say that an explanation comes from a `vmap` and contains several."""
    return (
        f"{e.value.size} explanations in one: each value begins with the axes {shape_of(e.value)}"
    )


def head(e: "Explanation") -> str:
    """Write the lines above the values: sizes, targets, and loss."""
    if _divides(e, "m"):
        sizes = f"m = {math.prod(e[-1].y.shape[:-1])}, "
    else:
        sizes = f"m = {e[0].x.shape[0]}, " if e[0].x.ndim else ""
    if _divides(e, "n"):
        sizes += f"n = {e[-1].y.size} outputs in all, "
    penalty = "" if e.end.penalty is None else f", of which penalty {show(e.end.penalty)}"
    shown = [show(part) for part in parts_of(e.end.targets)]
    if weights_of(e.loss, e.end.targets) is not None:
        shown[1] = f"weights w {shown[1]}"
    targets = f"targets {', '.join(shown)}"
    if e.loss.name != e.loss.first_name and e.loss.notation.targets:
        targets += f", Y = {with_options(e.loss, e.loss.notation.targets)}"
    first = f"{sizes}{targets}; loss {e.loss.name} = {show(e.value)}{penalty}"
    if not e.train:
        first += "\nevaluation, train=False: no dropout, running statistics"
    return first


def title_of(e: "Explanation", section: str) -> str:
    """Write the title of a section; other texts have no 1/m in their derivatives."""
    texts = " (the texts' dZ is m times these)"
    return section + texts * (section == "BACKWARD" and _divides(e, "m"))


def units_off(formula: str, value: Any) -> str:
    """Say how many values a relu has set to 0, if the formula is that of a relu."""
    if not formula.startswith("relu(") or not _known(value):
        return ""
    return f"{int(jnp.sum(value == 0))} of {value.size} off"


def foot(e: "Explanation") -> list[str]:
    """Describe, below the values, the effect of a plain gradient step, if it is known."""
    if not _known(e.value):
        return []
    verb = "lowers" if float(e.value_after) < float(e.value) else "does not lower"
    return [f"A step of {STEP} {verb} the loss: {show(e.value)} → {show(e.value_after)}"]


def _divides(e: "Explanation", size: str) -> bool:
    return f"/{size}" in _loss_formula(e)


def page(e: "Explanation") -> str:
    """Write the page that shows an explanation."""
    if jnp.ndim(e.value):
        return several(e)
    written = [head(e)]
    rows = [
        (line, printable(f"{line.symbol} = {line.formula}" if line.formula else line.symbol))
        for line in lines_of(e)
    ]
    widths = [columns(left) for _, left in rows]
    width = max(n for n in widths if n <= WIDEST // 2)  # longer formulas are not aligned
    shapes = max(len(shape_of(line.value)) for line, _ in rows)
    section = ""
    for (title, _, text, v, apart), left in rows:
        if title != section:
            section = title
            written.append(title_of(e, title))
        off = f"   {dead}" if (dead := units_off(text, v)) else ""
        begin = f" {padded(left, width)} {shape_of(v):<{shapes}}"
        pieces = pieces_of(v, apart)
        if pieces:
            written += [begin.rstrip(), *(f"   {name} {piece}" for name, piece in pieces)]
        elif columns(whole := f"{begin} {show(v)}{off}") <= WIDEST:
            written.append(whole)
        else:
            written += [begin.rstrip(), f"   {show(v)}{off}"]
    return printable("\n".join([*written, *foot(e)]))


def _known(value: Any) -> bool:
    return isinstance(value, (jax.Array, np.ndarray, np.generic)) and checks.is_concrete(value)


def shape_of(value: Any) -> str:
    """Write a shape: (4,3)."""
    return str(tuple(value.shape)).replace(" ", "")


def pieces_of(value: Any, apart: Apart | None) -> list[tuple[str, str]]:
    """Return the name and the numbers of each piece of a value, if they are few matrices."""
    if apart is None or not _known(value):
        return []
    array, names, axis = np.asarray(value), apart.names, apart.axis
    if apart.examples:
        pieces = np.moveaxis(array, axis, 1)
        array, axis = pieces.reshape(-1, *pieces.shape[2:]), 0
        if (m := len(pieces)) > 1:
            names = tuple(f"example {i + 1}, {name}" for i in range(m) for name in names)
    few = array.ndim > 2 and len(names) <= MOST_PIECES
    if not few or array.size // len(names) > MOST:
        return []
    return [(name, show(array.take(i, axis))) for i, name in enumerate(names)]


def show(value: Any, most: int = MOST) -> str:
    """Write an array on one line: its numbers if they are few, else its norm and its range."""
    if not _known(value):
        return "(traced)"
    array = np.asarray(value)
    if array.dtype.kind not in "biu":
        array = array.astype(np.float64)
    if array.size > most:
        norm = f"norm {_number(np.linalg.norm(array))}, " if array.dtype.kind == "f" else ""
        return f"{norm}from {_number(array.min())} to {_number(array.max())}"
    if array.ndim == 0:
        return _number(array)
    return "[" + " ".join(show(row) for row in array) + "]"


def _number(value: Any) -> str:
    if not np.isfinite(value) or value == 0:
        return f"{abs(value) if value == 0 else value:g}"
    if not 1e-3 <= abs(value) < 1e5:
        return f"{value:.2e}"
    text = f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) < 1000 else f"{value:.0f}"
    return text.replace("0.", ".", 1) if abs(value) < 1 else text
