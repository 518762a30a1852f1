"""`explain`: every value that backpropagation computes, to compute with and to read."""

import string
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.backprop.chain import Symbols, chain, formula, fresh, nest, notation_of, symbols
from purenn.backprop.value_and_grad import unit
from purenn.core import checks
from purenn.core.adapt import as_layer, as_op
from purenn.core.layer import Layer

STEP = 0.1  # of the plain gradient step that the last line tries


class LayerExplanation(NamedTuple):
    """The values of one layer: forward, and the derivatives of the loss."""

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
        values = {plain_name(name): value for name, value in self.named().items()}
        if plain_name(index) not in values:
            raise KeyError(f"{index}; there are {', '.join(self.named())}")
        return values[plain_name(index)]

    def __repr__(self) -> str:
        """The page."""
        return _page(self)

    __str__ = __repr__


def _flatten(e: Explanation) -> tuple[Any, Any]:
    return (tuple(e), e.end), (e.model, e.loss, e.train)


def _unflatten(static: Any, children: Any) -> Explanation:
    return Explanation.make(*children, *static)


jax.tree_util.register_pytree_node(Explanation, _flatten, _unflatten)


def explain(
    model: Any,
    loss: Any,
    params: Any,
    state: Any,
    x: Any,
    targets: Any,
    *,
    penalty: Any = None,
    key: Any = None,
    train: bool = True,
) -> Explanation:
    """Every value that backpropagation computes on one batch, by hand, in order.

    Args:
        model: a layer; a `serial` is shown layer by layer, through any nesting.
        loss: an op or function `(predictions, targets) -> scalar`.
        params: the model's parameters.
        state: the model's state.
        x: the batch.
        targets: the batch's targets.
        penalty: an op or function of the parameters, added to the loss.
        key: for dropout.
        train: whether the model runs as in training.

    Returns:
        An `Explanation`: one `LayerExplanation(x, y, dy, dx, dparams)` a layer. Pure, so it jits.
    """
    model, loss = as_layer("explain", "model", model), as_op("explain", "loss", loss)
    penalty = None if penalty is None else as_op("explain", "penalty", penalty)
    x = checks.as_array("explain", "x", x)
    links = list(chain(model, params, state, key))

    inputs, outputs, caches = [], [], []
    y = x
    for layer, layer_params, layer_state, layer_key in links:
        inputs.append(y)
        y, _, cache = layer.forward(layer_params, layer_state, y, train=train, key=layer_key)
        outputs.append(y)
        caches.append(cache)
    value, loss_cache = loss.forward(y, targets)

    dy = loss.backward(loss_cache, unit(loss.name, value))
    backward: list[Any] = []
    for link, cache in zip(reversed(links), reversed(caches), strict=True):
        dparams, dx = link.layer.backward(link.params, cache, dy)
        backward.append((dy, dx, dparams))
        dy = dx
    backward.reverse()
    extra = penalty_grads = None
    if penalty is not None:
        extra, penalty_cache = penalty.forward(params)
        value = value + extra.astype(value.dtype)
        more = penalty.backward(penalty_cache, unit(penalty.name, extra))
        penalty_grads = tuple(link.params for link in chain(model, more, state))
        backward = [
            (dy, dx, jax.tree.map(jnp.add, dparams, share))
            for (dy, dx, dparams), share in zip(backward, penalty_grads, strict=True)
        ]

    grads = nest(model, iter([dparams for _, _, dparams in backward]))
    stepped = jax.tree.map(lambda p, g: p - STEP * g, params, grads)
    after = loss(model.forward(stepped, state, x, train=train, key=key)[0], targets)
    if penalty is not None:
        after = after + penalty(stepped).astype(after.dtype)
    link_op = loss.notation.link
    probabilities = link_op(outputs[-1]) if link_op else None
    targets = jnp.asarray(targets)
    end = LossExplanation(targets, value, after, probabilities, extra, penalty_grads)
    values = [LayerExplanation(x, y, *b) for x, y, b in zip(inputs, outputs, backward, strict=True)]
    return Explanation.make(values, end, model, loss, train)


def plain_name(symbol: str) -> str:
    """A symbol as a keyboard has it: any case, gamma for γ, ' for ′."""
    return symbol.lower().replace("γ", "gamma").replace("β", "beta").replace("′", "'")


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
            text = notation.dx or f"{part.name}.backward({{dy}})"
            if part.by_jax and not part.notation.dx:
                text = f"jax.vjp of {part.name}, at {{dy}}"
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
