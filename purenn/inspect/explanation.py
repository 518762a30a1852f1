"""The result of `explain`: the values of backpropagation."""

from typing import Any, NamedTuple

import jax
from jax import Array

from purenn.core.layer import Layer
from purenn.core.text import printable, spelled
from purenn.inspect.chain import nest
from purenn.inspect.explanation_table import explanation_table
from purenn.inspect.page import lines_of, page
from purenn.inspect.steps import StepValues


class LayerExplanation(NamedTuple):
    """The values of one layer: the forward pass, and the derivatives of the loss.

    Attributes:
        x: the input of the layer.
        y: the output of the layer.
        dy: the derivative of the loss with respect to `y`, of the same shape.
        dx: the derivative with respect to `x`; `None` if `x` is an integer array.
        dparams: the derivatives with respect to the parameters, including the share of the penalty;
            a pytree like the parameters.
        inner: for each layer inside a `residual`, `parallel`, or `recompute`, a tuple with the
            explanations of its own layers; for a `repeat`, a single tuple with those of all its
            layers.
        steps: the intermediate values between `x` and `y` and their derivatives, by symbol, such as
            `steps["S"]` and `steps["dS"]` of `attention`. Most layers have none.
    """

    x: Array
    y: Array
    dy: Array
    dx: Array | None
    dparams: Any
    inner: "tuple[tuple[LayerExplanation, ...], ...]" = ()
    steps: StepValues = StepValues()


class LossExplanation(NamedTuple):
    """The values of the loss."""

    targets: Any  # an array, or a tuple of arrays
    value: Array  # penalty included
    value_after: Array  # after one step of 0.1 along the negative gradient
    probabilities: Array | None  # of a logits loss
    penalty: Array | None
    penalty_grads: Any  # the penalty's derivative, a pytree like the params; None without one


class Explanation(tuple[LayerExplanation, ...]):
    """A sequence with one `LayerExplanation` per layer. When printed, it is a page to read.

    `explanation["dW1"]` looks up a value by the symbol shown on the page, and `explanation[0]` is
    the first layer. An explanation is a pytree, so a compiled function can return it.

    Each line of the page shows a value's formula. If no formula is known, the line names the
    function that was called: `mine.backward(dA1)` for your own layer, `jax.vjp of sin` for a plain
    function. The layers inside a `residual`, `recompute`, or `repeat` with the output R1 have the
    numbers 1.1, 1.2, and so on. In a `parallel`, `columns(dC1, Z1.1)` are the columns of dC1 that
    belong to Z1.1 in C1. If a value is used in more than one place, its derivative is a sum with
    one term per place. A prime marks such a term: `dA1 = dR1 + dA1′`. The values of `attention`
    have the shape `(batch, heads, time, …)`. They include the full matrices of scores, which the
    layer itself never keeps in memory. A few small matrices are shown below their line, one per
    head.

    Attributes:
        value: the loss, including the penalty.
        value_after: the loss after one plain gradient step of 0.1 on the same batch.
        grads: the derivatives with respect to the parameters, a pytree like the parameters.
        end: the values of the loss, with the fields `targets`, `value`, `value_after`,
            `probabilities` (of a loss of logits), `penalty`, and `penalty_grads`.
    """

    end: LossExplanation
    model: Layer
    loss: Any
    train: bool

    @classmethod
    def make(
        cls, layers: Any, end: LossExplanation, model: Layer, loss: Any, train: bool
    ) -> "Explanation":
        """Assemble an explanation from its parts."""
        explanation = cls(layers)
        explanation.end, explanation.model, explanation.loss = end, model, loss
        explanation.train = train
        return explanation

    @property
    def value(self) -> Array:
        """Return the loss, including the penalty."""
        return self.end.value

    @property
    def value_after(self) -> Array:
        """Return the loss after one plain gradient step of 0.1 on the same batch."""
        return self.end.value_after

    @property
    def grads(self) -> Any:
        """Return the derivatives with respect to the parameters, a pytree like the parameters."""
        return nest(self.model, iter([layer.dparams for layer in self]))

    def named(self) -> dict[str, Array]:
        """Return every value by its symbol, in the order of computation."""
        return {line.symbol: line.value for line in lines_of(self)}

    def __getitem__(self, index: Any) -> Any:
        """Return a layer by its number, or a value by its symbol."""
        if not isinstance(index, str):
            return super().__getitem__(index)
        values = self.named()
        return values[find("explanation", index, values)]

    def __repr__(self) -> str:
        """Return the page."""
        return page(self)

    def _repr_html_(self) -> str:
        """Return the page as the table that a notebook shows."""
        return explanation_table(self)


def _flatten(e: Explanation) -> tuple[Any, Any]:
    return (tuple(e), e.end), (e.model, e.loss, e.train)


def _unflatten(static: Any, children: Any) -> Explanation:
    return Explanation.make(*children, *static)


jax.tree_util.register_pytree_node(Explanation, _flatten, _unflatten)


def find(where: str, name: str, values: Any) -> str:
    """Find the symbol for a name as typed: gamma means γ, ' means ′, and case does not matter.

    The number at the end may be left out if only one value has the name; `dz` is that of the last
    layer.
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
    raise KeyError(printable(f"{where}: {name} is not a value of this one; {hint}"))
