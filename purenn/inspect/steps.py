"""The values between a layer's `x` and `y` in an explanation."""

from collections.abc import Iterator, Mapping
from typing import Any

import jax
from jax import Array

from purenn.core.inputs import seen
from purenn.core.layer import Layer
from purenn.core.notation import Step
from purenn.core.padded import Padded
from purenn.core.text import printable


class StepValues(Mapping[str, Array]):
    """The values between a layer's `x` and `y`, and their derivatives, by symbol: `["dS"]`.

    It is a pytree.

    Attributes:
        forward: a `Step` per value, in the order of computation.
        backward: a `Step` per derivative, in the order of computation.
    """

    def __init__(self, forward: tuple[Step, ...] = (), backward: tuple[Step, ...] = ()) -> None:
        """Take the steps in order."""
        self.forward, self.backward = forward, backward

    def __getitem__(self, symbol: str) -> Array:
        """Return a value by its symbol, without the number that follows it on the page."""
        values = {step.symbol: step.value for step in (*self.forward, *self.backward)}
        if symbol not in values:
            there = f"there are {', '.join(values)}" if values else "this layer has none"
            raise KeyError(printable(f"steps: {symbol} is not a value of this layer; {there}"))
        return values[symbol]

    def __iter__(self) -> Iterator[str]:
        """Return the symbols in order."""
        return (step.symbol for step in (*self.forward, *self.backward))

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self.forward) + len(self.backward)

    def __repr__(self) -> str:
        """Return the symbols."""
        return f"StepValues({', '.join(self)})"


def step_values(layer: Layer, params: Any, x: Array | Padded, dy: Array | None) -> StepValues:
    """Compute the values between `x` and `y`, if the layer defines them."""
    steps = layer.notation.steps
    if steps is None:
        return StepValues()
    x = seen(layer, x)
    backward = () if dy is None else steps.backward(params, x, dy)
    return StepValues(tuple(steps.forward(params, x)), tuple(backward))


def _flatten(values: StepValues) -> tuple[Any, Any]:
    parts = values.forward, values.backward
    static = tuple(tuple(step._replace(value=None) for step in part) for part in parts)
    return tuple(tuple(step.value for step in part) for part in parts), static


def _unflatten(static: Any, children: Any) -> StepValues:
    return StepValues(
        *(
            tuple(step._replace(value=value) for step, value in zip(steps, values, strict=True))
            for steps, values in zip(static, children, strict=True)
        )
    )


jax.tree_util.register_pytree_node(StepValues, _flatten, _unflatten)
