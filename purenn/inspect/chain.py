"""A model as the chain of its innermost layers, each with the symbols of its values."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax

from purenn.core import checks
from purenn.core.layer import Layer
from purenn.core.notation import Notation
from purenn.core.text import cut, literal

LETTERS = {"w": "W", "gamma": "γ", "beta": "β"}
LONGEST = 32  # name within a formula


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
    number: str  # of the layer: 1 in Z1
    params: tuple[tuple[str, str], ...]  # field and symbol of each leaf: ("w", "W1")
    inner: tuple[str, ...]  # what each of the inner layers makes of x

    def write(self, text: str) -> str:
        """Fill this layer's symbols into a formula."""
        own = {"x": self.x, "y": self.y, "dy": f"d{self.y}", "inner": self.inner}
        return text.format(**{**dict(self.params), **own})


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


class Symbolist:
    """Gives the values of a model symbols, no two the same."""

    def __init__(self) -> None:
        self.taken, self.numbers = {"X"}, Counter[str]()

    def name(self, links: list[Link], x: str = "X", within: str = "") -> list[Symbols]:
        """X, then Z1, A1, Z2 …: a dense layer begins a new number, a second use gets a prime.

        Within the layer whose number is 1 they are Z1.1, A1.1, Z1.2 …
        """
        lines = []
        for link in links:
            symbol = link.layer.notation.symbol
            self.numbers[within] += symbol == "Z"
            n = self.numbers[within]
            number = f"{within}.{n}" if within else str(n or "")
            y = self.fresh(f"{symbol}{number}")
            names = []
            for path, _ in jax.tree_util.tree_flatten_with_path(link.params)[0]:
                # Parameters that are one array, without a record, are a weight by their looks.
                field = "w" if not path else getattr(path[0], "name", "") if len(path) == 1 else ""
                place = field or jax.tree_util.keystr(path)
                letter = LETTERS.get(field, field) + number if field else f"{y}{place}"
                names.append((place, self.fresh(letter)))
            inner = tuple(f"{called(layer)}({x})" for layer in link.layer.inner)
            lines.append(Symbols(x, y, number, tuple(names), inner))
            x = y
        return lines

    def fresh(self, name: str) -> str:
        """The name, with primes if it is taken; four of them are ′4."""
        primes, found = 0, name
        while found in self.taken:
            primes += 1
            found = name + ("′" * primes if primes <= 3 else f"′{primes}")
        self.taken.add(found)
        return found


def notation_of(layer: Layer, train: bool = True) -> Notation:
    """How a layer is written in training, or in evaluation."""
    return layer.notation if train else layer.notation.evaluated or layer.notation


def formula(layer: Layer, names: Symbols, train: bool = True) -> str:
    """The right-hand side of the layer's line."""
    return names.write(notation_of(layer, train).y or f"{literal(called(layer))}({{x}})")


def title(layer: Layer) -> str:
    """A layer's own name on one line, without the names of the layers inside: `residual`."""
    inside = ", ".join(part.name for part in layer.inner)
    name = layer.name.removesuffix(f"({inside})") if inside else layer.name
    return " ".join(name.split())


def called(layer: Layer) -> str:
    """A layer's name within a formula: of one with many options, `name(…)`."""
    name = title(layer)
    if len(name) <= LONGEST:
        return name
    head, bracket, _ = name.partition("(")
    return cut(head, LONGEST) + "(…)" * bool(bracket)
