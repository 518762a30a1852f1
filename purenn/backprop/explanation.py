"""What `explain` returns: the values of backpropagation, and the page that shows them."""

import string
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.backprop.chain import (
    Symbols,
    chain,
    formula,
    fresh,
    literal,
    nest,
    notation_of,
    symbols,
)
from purenn.core import checks
from purenn.core.layer import Layer

STEP = 0.1  # of the plain gradient step that the last line tries


class LayerExplanation(NamedTuple):
    """The values of one layer: forward, and the derivatives of the loss.

    Attributes:
        x: the layer's input.
        y: its output.
        dy: the derivative of the loss by the output.
        dx: by the input; `None` where that is an integer array.
        dparams: by the parameters, a pytree like them.
    """

    x: Array
    y: Array
    dy: Array
    dx: Array | None
    dparams: Any


class LossExplanation(NamedTuple):
    """The values of the loss."""

    targets: Array
    value: Array  # penalty included
    value_after: Array  # after one step of 0.1 along the negative gradient
    probabilities: Array | None  # of a logits loss
    penalty: Array | None
    penalty_grads: tuple[Any, ...] | None  # the penalty's share of each layer's dparams


class Explanation(tuple[LayerExplanation, ...]):
    """One `LayerExplanation` a layer, in order; printed, it is a page to read.

    A pytree, so that it can leave a compiled function. `explanation["dW1"]` looks a value up by the
    symbol that the page shows.

    Attributes:
        value: the loss, penalty included.
        value_after: the loss after one plain gradient step of 0.1 on the same batch.
        grads: the derivative by every parameter, a pytree like the model's params.
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
        """The derivative by every parameter, a pytree like the model's params."""
        return nest(self.model, iter([layer.dparams for layer in self]))

    def named(self) -> dict[str, Array]:
        """Every value by its symbol, in the order in which it is computed."""
        return {symbol: value for _, symbol, _, value in _lines(self)}

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
    plain = {symbol: _plain(symbol) for symbol in values}
    wanted = _plain(name)
    same_case = [symbol for symbol in values if plain[symbol] == wanted]
    same = [symbol for symbol in values if plain[symbol].lower() == wanted.lower()]
    numbered = [
        symbol
        for symbol in values
        if plain[symbol].rstrip("0123456789").lower() == wanted.lower() != plain[symbol].lower()
    ]
    if wanted.lower() == "dz" and not same:
        numbered = sorted(numbered, key=lambda symbol: int(plain[symbol][2:]))[-1:]
    for found in (same_case, same, numbered):
        if len(found) == 1:
            return found[0]
    several = same or numbered
    hint = f"which of {', '.join(several)}?" if several else f"there are {', '.join(values)}"
    raise KeyError(f"{where}: {name} is no value of this one; {hint}")


def _plain(symbol: str) -> str:
    return symbol.replace("γ", "gamma").replace("β", "beta").replace("′", "'")


def _lines(e: Explanation) -> Iterator[tuple[str, str, str, Any]]:
    """(section, symbol, formula, value), in the order of the computation."""
    links = list(chain(e.model, nest(e.model, iter(x.dparams for x in e)), _no_state(e.model)))
    names = symbols(links)
    yield "FORWARD", "X", "", e[0].x
    for link, symbol, layer in zip(links, names, e, strict=True):
        yield "FORWARD", symbol.y, formula(link.layer, symbol, e.train), layer.y
    last = Symbols(names[-1].y, names[-1].y, ())
    if e.end.probabilities is not None:
        number = names[-1].y.strip("′").lstrip(string.ascii_letters)
        last = Symbols(names[-1].y, fresh(f"A{number}", {symbol.y for symbol in names}), ())
        yield "FORWARD", last.y, last.write(e.loss.notation.y), e.end.probabilities
    text = e.loss.notation.dx or f"{e.loss.name}.backward"
    yield "BACKWARD", f"d{last.x}", last.write(text), e[-1].dy
    for i in reversed(range(len(links))):
        part, symbol, values = links[i].layer, names[i], e[i]
        notation = notation_of(part, e.train)
        leaves = jax.tree.leaves(values.dparams)
        formulas = notation.dparams or ("",) * len(leaves)
        shares = [None] * len(leaves)
        if e.end.penalty_grads is not None:
            shares = jax.tree.leaves(e.end.penalty_grads[i])
        for (_, name), text, leaf, share in zip(
            symbol.params, formulas, leaves, shares, strict=True
        ):
            text = symbol.write(text)
            if share is not None and not (_known(share) and not np.any(share)):
                text = f"{text} + the penalty's".removeprefix(" + ")
            yield "BACKWARD", f"d{name}", text, leaf
        if i > 0 and values.dx is not None:
            text = notation.dx or f"{literal(part.name)}.backward({{dy}})"
            if part.by_jax and not part.notation.dx:
                text = f"jax.vjp of {literal(part.name)}, at {{dy}}"
            yield "BACKWARD", f"d{symbol.x}", symbol.write(text), values.dx


def _no_state(layer: Layer) -> Any:
    return tuple(_no_state(part) for part in layer.parts)


def _page(e: Explanation) -> str:
    value, after, targets = show(e.value), show(e.value_after), e.end.targets
    sizes = f"m = {e[0].x.shape[0]}"
    if e.loss.notation.dx.endswith("/n"):
        sizes += f", n = {e[-1].y.size} outputs in all"
    penalty = "" if e.end.penalty is None else f", of which penalty {show(e.end.penalty)}"
    page = [f"{sizes}, targets {show(targets)}; loss {e.loss.name} = {value}{penalty}"]
    if not e.train:
        page.append("evaluation, train=False: no dropout, running statistics")
    rows = [(s, n, f, v) for s, n, f, v in _lines(e)]
    width = max(len(f"{n} = {f}" if f else n) for _, n, f, _ in rows)
    shapes = max(len(_shape(v)) for _, _, _, v in rows)
    section = ""
    for title, name, text, v in rows:
        if title != section:
            section = title
            by_m = title == "BACKWARD" and e.loss.notation.dx.endswith("/m")
            page.append(title + (" (the texts' dZ is m times these)" if by_m else ""))
        left = f"{name} = {text}" if text else name
        off = ""
        if text.startswith("relu(") and _known(v):
            off = f"   {int(jnp.sum(v == 0))} of {v.size} off"
        page.append(f" {left:<{width}} {_shape(v):<{shapes}} {show(v)}{off}")
    if _known(e.value):
        verb = "lowers" if float(e.value_after) < float(e.value) else "does not lower"
        page.append(f"A step of {STEP} {verb} the loss: {value} → {after}")
    return "\n".join(page)


def _known(value: Any) -> bool:
    return checks.is_concrete(value)


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
