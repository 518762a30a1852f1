"""What `explain` returns: the values of backpropagation, and the page that shows them."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core import checks
from purenn.core.layer import Layer
from purenn.core.text import columns, literal, padded, printable, spelled
from purenn.inspect.chain import (
    Link,
    Symbolist,
    Symbols,
    called,
    chain,
    formula,
    nest,
    notation_of,
)

STEP = 0.1  # of the plain gradient step that the last line tries


class LayerExplanation(NamedTuple):
    """The values of one layer: forward, and the derivatives of the loss.

    Attributes:
        x: the layer's input.
        y: its output.
        dy: the derivative of the loss with respect to the output.
        dx: with respect to the input; `None` where that is an integer array.
        dparams: with respect to the parameters, the penalty's share included; a pytree like them.
        inner: for each layer inside a `residual` or `recompute`, the tuple of its own layers'
            explanations.
    """

    x: Array
    y: Array
    dy: Array
    dx: Array | None
    dparams: Any
    inner: "tuple[tuple[LayerExplanation, ...], ...]" = ()


class LossExplanation(NamedTuple):
    """The values of the loss."""

    targets: Array
    value: Array  # penalty included
    value_after: Array  # after one step of 0.1 along the negative gradient
    probabilities: Array | None  # of a logits loss
    penalty: Array | None
    penalty_grads: Any  # the penalty's derivative, a pytree like the params; None without one


class Explanation(tuple[LayerExplanation, ...]):
    """One `LayerExplanation` per layer, in order; printed, it is a page to read.

    A pytree, so that it can leave a compiled function. `explanation["dW1"]` looks a value up by the
    symbol that the page shows. Each line of the page has the formula that gave its value. Where no
    formula is known it names what was called: `mine.backward(dA1)` for a layer of your own,
    `jax.vjp of sin` for a plain function. The layers inside a `residual` or `recompute` whose
    output is R1 have the numbers 1.1, 1.2 and so on. A layer that gets a value which goes elsewhere
    too adds its share to the derivative: `dA1 = dR1 + dA1′`.

    Attributes:
        value: the loss, penalty included.
        value_after: the loss after one plain gradient step of 0.1 on the same batch.
        grads: the derivative with respect to each parameter, a pytree like the model's params.
        end: what belongs to the loss: targets, probabilities, the penalty's share.
    """

    end: LossExplanation
    model: Layer
    loss: Any
    train: bool

    @classmethod
    def make(
        cls, layers: Any, end: LossExplanation, model: Layer, loss: Any, train: bool
    ) -> "Explanation":
        """Put the parts together."""
        explanation = cls(layers)
        explanation.end, explanation.model, explanation.loss = end, model, loss
        explanation.train = train
        return explanation

    @property
    def value(self) -> Array:
        """The loss, penalty included."""
        return self.end.value

    @property
    def value_after(self) -> Array:
        """The loss after one plain gradient step of 0.1 on the same batch."""
        return self.end.value_after

    @property
    def grads(self) -> Any:
        """The derivative with respect to each parameter, a pytree like the model's params."""
        return nest(self.model, iter([layer.dparams for layer in self]))

    def named(self) -> dict[str, Array]:
        """Every value by its symbol, in the order in which it is computed."""
        return {line.symbol: line.value for line in _lines(self)}

    def __getitem__(self, index: Any) -> Any:
        """A layer by its number, or a value by its symbol."""
        if not isinstance(index, str):
            return super().__getitem__(index)
        values = self.named()
        return values[find("explanation", index, values)]

    def __repr__(self) -> str:
        """The page."""
        return _page(self)

    __str__ = __repr__


def _flatten(e: Explanation) -> tuple[Any, Any]:
    return (tuple(e), e.end), (e.model, e.loss, e.train)


def _unflatten(static: Any, children: Any) -> Explanation:
    return Explanation.make(*children, *static)


jax.tree_util.register_pytree_node(Explanation, _flatten, _unflatten)


def find(where: str, name: str, values: Any) -> str:
    """The symbol that someone means: on a keyboard, gamma is γ and ' is ′; any case will do.

    The last number may be left out where only one value has the name; `dz` is the last layer's.
    """
    plain = {symbol: spelled(symbol) for symbol in values}
    wanted = spelled(name)
    same_case = [symbol for symbol in values if plain[symbol] == wanted]
    same = [symbol for symbol in values if plain[symbol].lower() == wanted.lower()]
    numbered = [
        symbol
        for symbol in values
        if plain[symbol].rstrip(".0123456789").lower() == wanted.lower() != plain[symbol].lower()
    ]
    if wanted.lower() == "dz" and not same:
        numbered = numbered[:1]  # the backward pass begins with the last layer
    for found in (same_case, same, numbered):
        if len(found) == 1:
            return found[0]
    several = same or numbered
    hint = f"which of {', '.join(several)}?" if several else f"there are {', '.join(values)}"
    raise KeyError(printable(f"{where}: {name} is no value of this one; {hint}"))


class _Line(NamedTuple):
    section: str
    symbol: str
    formula: str
    value: Any


def _lines(e: Explanation) -> Iterator[_Line]:
    """List every value in the order of the computation."""
    links, symbolist = chain(e.model, e.grads), Symbolist()
    names = symbolist.name(links)
    yield _Line("FORWARD", "X", "", e[0].x)
    yield from _forward(links, names, e, e.train)
    last = names[-1]._replace(x=names[-1].y)
    if e.end.probabilities is not None:
        last = last._replace(y=symbolist.fresh(f"A{last.number}"))
        yield _Line("FORWARD", last.y, last.write(e.loss.notation.y), e.end.probabilities)
    loss = literal(e.loss.name)
    unknown = f"jax.vjp of {loss}" if e.loss.by_jax else f"{loss}.backward(1)"
    text = last.write(e.loss.notation.dx or unknown)
    yield _Line("BACKWARD", f"d{last.x}", text, e[-1].dy)
    shares = None if e.end.penalty_grads is None else chain(e.model, e.end.penalty_grads)
    yield from _backward(links, names, e, shares, e.train)


def _forward(
    links: list[Link], names: list[Symbols], values: Sequence[LayerExplanation], train: bool
) -> Iterator[_Line]:
    for link, symbol, value in zip(links, names, values, strict=True):
        for inside in zip(link.inner, symbol.inner, value.inner, strict=True):
            yield from _forward(*inside, train)
        text = formula(link.layer, symbol, train)
        known = notation_of(link.layer, train).y
        yield _Line("FORWARD", symbol.y, _noted(text, link.layer) if known else text, value.y)


def _backward(
    links: list[Link],
    names: list[Symbols],
    values: Sequence[LayerExplanation],
    shares: list[Link] | None,
    train: bool,
) -> Iterator[_Line]:
    for i in reversed(range(len(links))):
        link, symbol, value = links[i], names[i], values[i]
        share = None if shares is None else shares[i]
        for j in reversed(range(len(symbol.inner))):
            inside = symbol.inner[j]
            if value.dy is not None:
                text = symbol.write(link.layer.notation.inner_dy[j][0])
                yield _Line("BACKWARD", f"d{inside[-1].y}", text, value.inner[j][-1].dy)
            inner_share = share and share.inner[j]
            yield from _backward(link.inner[j], inside, value.inner[j], inner_share, train)
        *dparams, dx = _derivatives(link.layer, symbol, value, train)
        leaves = jax.tree.leaves(value.dparams) if symbol.params else []
        added = jax.tree.leaves(share.params) if share else []
        for k, ((_, name), text, leaf) in enumerate(
            zip(symbol.params, dparams, leaves, strict=True)
        ):
            if added and not (_known(added[k]) and not np.any(added[k])):
                text += " + the penalty's"
            yield _Line("BACKWARD", f"d{name}", text, leaf)
        if symbol.x != "X" and value.dx is not None:
            yield _Line("BACKWARD", symbol.dx, dx, value.dx)


def _derivatives(
    layer: Layer, symbol: Symbols, value: LayerExplanation, train: bool
) -> Iterator[str]:
    """Write the formula of each leaf of dparams, then that of dx; or else what was called."""
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


def _page(e: Explanation) -> str:
    if jnp.ndim(e.value):
        return (
            f"{e.value.size} explanations in one: each value begins with the axes {_shape(e.value)}"
        )
    value, after, targets = show(e.value), show(e.value_after), e.end.targets
    by_m, by_n = ("/" + n in e.loss.notation.dx for n in "mn")
    counted = e[-1].y if by_m else e[0].x
    sizes = f"m = {counted.shape[0]}, " if counted.ndim else ""
    if by_n:
        sizes += f"n = {e[-1].y.size} outputs in all, "
    penalty = "" if e.end.penalty is None else f", of which penalty {show(e.end.penalty)}"
    page = [f"{sizes}targets {show(targets)}; loss {e.loss.name} = {value}{penalty}"]
    if not e.train:
        page.append("evaluation, train=False: no dropout, running statistics")
    rows = [
        (section, printable(f"{name} = {text}" if text else name), text, v)
        for section, name, text, v in _lines(e)
    ]
    width = max(columns(left) for _, left, _, _ in rows)
    shapes = max(len(_shape(v)) for _, _, _, v in rows)
    section = ""
    for title, left, text, v in rows:
        if title != section:
            section = title
            texts = " (the texts' dZ is m times these)"
            page.append(title + texts * (by_m and title == "BACKWARD"))
        off = ""
        if text.startswith("relu(") and _known(v):
            off = f"   {int(jnp.sum(v == 0))} of {v.size} off"
        page.append(f" {padded(left, width)} {_shape(v):<{shapes}} {show(v)}{off}")
    if _known(e.value):
        verb = "lowers" if float(e.value_after) < float(e.value) else "does not lower"
        page.append(f"A step of {STEP} {verb} the loss: {value} → {after}")
    return printable("\n".join(page))


def _known(value: Any) -> bool:
    return isinstance(value, (jax.Array, np.ndarray, np.generic)) and checks.is_concrete(value)


def _shape(value: Any) -> str:
    return str(tuple(value.shape)).replace(" ", "")


def show(value: Any, most: int = 12) -> str:
    """An array on one line: its numbers when they are few, its size when they are many."""
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
