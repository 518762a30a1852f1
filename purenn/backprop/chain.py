"""A model as the chain of its innermost layers, each with the symbols of its values."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax

from purenn.core import checks
from purenn.core.layer import Layer, Notation

LETTERS = {"w": "W", "gamma": "γ", "beta": "β"}


class Link(NamedTuple):
    """One layer of the chain with its share of the parameters, state and key."""

    layer: Layer
    params: Any
    state: Any
    key: Any


class Symbols(NamedTuple):
    """How one layer's line is written: Z1 = X·W1 + b1."""

    x: str
    y: str
    params: tuple[tuple[str, str], ...]  # field and symbol of each leaf: ("w", "W1")

    def write(self, text: str) -> str:
        """A formula with this layer's symbols filled in."""
        return text.format(**{**dict(self.params), "x": self.x, "y": self.y, "dy": f"d{self.y}"})


def chain(layer: Layer, params: Any, state: Any, key: Any = None) -> Iterator[Link]:
    """The innermost layers in order, through any nesting of `serial`."""
    if not layer.parts:
        yield Link(layer, params, state, key)
        return
    for name, tree in (("params", params), ("state", state)):
        checks.entries(layer.name, name, tree, len(layer.parts))
    key = None if key is None else checks.prng_key(layer.name, key)
    for i, part in enumerate(layer.parts):
        part_key = None if key is None else jax.random.fold_in(key, i)
        yield from chain(part, params[i], state[i], part_key)


def nest(layer: Layer, values: Iterator[Any]) -> Any:
    """The reverse of `chain`: one value a layer, in the model's own nesting."""
    if not layer.parts:
        return next(values)
    return tuple(nest(part, values) for part in layer.parts)


def symbols(links: list[Link]) -> list[Symbols]:
    """X, then Z1, A1, Z2 …: a dense layer begins a new number, a second use gets a prime."""
    lines, taken, x, number = [], {"X"}, "X", 0
    for link in links:
        symbol = link.layer.notation.symbol
        number += symbol == "Z"
        y = fresh(f"{symbol}{number or ''}", taken)
        names = []
        for path, _ in jax.tree_util.tree_flatten_with_path(link.params)[0]:
            # Parameters that are one array, without a record, are a weight by their looks.
            field = "w" if not path else getattr(path[0], "name", "") if len(path) == 1 else ""
            place = field or jax.tree_util.keystr(path)
            letter = LETTERS.get(field, field) + str(number or "") if field else f"{y}{place}"
            names.append((place, fresh(letter, taken)))
        lines.append(Symbols(x, y, tuple(names)))
        x = y
    return lines


def notation_of(layer: Layer, train: bool = True) -> Notation:
    """How a layer is written in training, or in evaluation."""
    return layer.notation if train else layer.notation.evaluated or layer.notation


def formula(layer: Layer, names: Symbols, train: bool = True) -> str:
    """The right-hand side of the layer's line."""
    return names.write(notation_of(layer, train).y or f"{literal(layer.name)}({{x}})")


def literal(name: str) -> str:
    """A name as part of a formula: its braces are no places to fill in."""
    return name.replace("{", "{{").replace("}", "}}")


def fresh(name: str, taken: set[str]) -> str:
    """The name, with primes if it is taken."""
    while name in taken:
        name += "′"
    taken.add(name)
    return name
