"""A model as the chain of its innermost layers, each with the symbols of its values."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax

from purenn.core import checks
from purenn.core.layer import Layer
from purenn.core.notation import Notation
from purenn.core.split_key import split_key
from purenn.core.text import cut, literal

LETTERS = {
    "w": "W", "v": "V", "u": "U", "wq": "Wq", "wk": "Wk", "wv": "Wv", "wo": "Wo", "gamma": "γ",
    "beta": "β",
}  # fmt: skip
NUMBERED = ("Z", "E", "G", "H")  # symbols that begin a new layer number: those of layers of weights
LONGEST = 32  # name within a formula


class Link(NamedTuple):
    """A layer of the chain with its share of the parameters, the state, and the key."""

    layer: Layer
    params: Any
    state: Any
    key: Any
    inner: "tuple[list[Link], ...]"  # the chain of each inner layer that `explain` looks into
    path: str  # as error messages have it, if a `serial` around it has a name: `encoder / part 3: `


class Symbols(NamedTuple):
    """The symbols of a layer's line, such as Z1 = X·W1 + b1."""

    x: str
    y: str
    dx: str
    number: str  # of the layer: 1 in Z1
    params: tuple[tuple[str, str], ...]  # field and symbol of each leaf: ("w", "W1")
    inner: "tuple[list[Symbols], ...]"  # those of each inner chain
    unseen: tuple[str, ...]  # how each inner layer is written if its chain is not shown
    steps: tuple[tuple[str, str], ...]  # of the values between x and y: ("Q", "Q1")

    def write(self, text: str) -> str:
        """Fill this layer's symbols into a formula."""
        inner = [inside[-1].y for inside in self.inner] or self.unseen
        inner_dx = [inside[0].dx for inside in self.inner]
        own = {"x": self.x, "y": self.y, "dy": f"d{self.y}", "inner": inner, "inner_dx": inner_dx}
        return text.format(**{**dict(self.params), **dict(self.steps), **own})

    def step(self, symbol: str) -> str:
        """Return the symbol of a value between x and y, or of its derivative."""
        names = dict(self.steps)
        return names[symbol] if symbol in names else f"d{names[symbol[1:]]}"


def chain(
    layer: Layer, params: Any, state: Any = None, key: Any = None, path: str = ""
) -> list[Link]:
    """List the innermost layers in order, through any nesting of `serial`.

    `params` may be any tree with an entry for each parameter, such as the gradients. Without a
    state or a key, the links have none. `path` is the path of `layer`.
    """
    if layer.parts:
        shares = _shares(layer, layer.parts, params, state, key)
        named = path or layer.name != layer.first_name
        links = []
        for i, part in enumerate(layer.parts):
            links += chain(part, *shares[i], f"{path}{layer.name} / part {i}: " if named else "")
        return links
    inner = _inner(layer, params, state, key) if layer.inner and layer.notation.inner_dy else ()
    return [Link(layer, params, state, key, inner, path)]


def _inner(layer: Layer, params: Any, state: Any, key: Any) -> tuple[list[Link], ...]:
    """List the chain of each inner layer; all repetitions of a layer form a single chain."""
    if times := layer.notation.times:
        parts = layer.inner * times
        params, state = (
            tree if tree is None else [_entry(tree, i) for i in range(times)]
            for tree in (params, state)
        )
        shares = _shares(layer, parts, params, state, key)
        return (
            [link for own in zip(parts, shares, strict=True) for link in chain(own[0], *own[1])],
        )
    shares = [(params, state, key)]
    if len(layer.inner) > 1:
        shares = _shares(layer, layer.inner, params, state, key)
    return tuple(chain(part, *own) for part, own in zip(layer.inner, shares, strict=True))


def _entry(stacked: Any, i: int) -> Any:
    """Return one entry of a tree of arrays, or of shapes, along the first axis."""

    def leaf(a: Any) -> Any:
        if isinstance(a, jax.ShapeDtypeStruct):
            return jax.ShapeDtypeStruct(a.shape[1:], a.dtype)
        return a[i]

    return jax.tree.map(leaf, stacked)


def _shares(
    layer: Layer, parts: tuple[Layer, ...], params: Any, state: Any, key: Any
) -> list[tuple[Any, Any, Any]]:
    """Give each of several layers its entry of the params and of the state, and its key."""
    checks.entries(layer.name, "params", params, len(parts))
    if state is not None:
        checks.entries(layer.name, "state", state, len(parts))
    keys = split_key(layer.name, key, len(parts))
    states = [None] * len(parts) if state is None else state
    return list(zip(params, states, keys, strict=True))


def nest(layer: Layer, values: Iterator[Any]) -> Any:
    """Reverse `chain`: arrange one value per layer in the model's own nesting."""
    if not layer.parts:
        return next(values)
    return tuple(nest(part, values) for part in layer.parts)


class Symbolist:
    """Gives the values of a model symbols, no two of them the same."""

    def __init__(self) -> None:
        self.taken, self.numbers = {"X"}, Counter[str]()

    def name(self, links: Sequence[Any], x: str = "X", within: str = "") -> list[Symbols]:
        """Name X, then Z1, A1, Z2 …: a dense layer starts a new number, a second use has a prime.

        Within the layer with the number 1, the names are Z1.1, A1.1, Z1.2 …

        Args:
            links: anything with a `layer`, its `params`, and the chains inside it as `inner`.
            x: the symbol of the input.
            within: the number of the layer that contains the chain.
        """
        lines: list[Symbols] = []
        for link in links:
            symbol = link.layer.notation.symbol
            self.numbers[within] += symbol in NUMBERED
            n = self.numbers[within]
            number = f"{within}.{n}" if within else str(n or "")
            # Several layers may share an x. Their terms of its derivative get primes.
            dx = f"d{self.fresh(x)}" if within and not lines else f"d{x}"
            steps = link.layer.notation.steps
            between = [(s, self.fresh(f"{s}{number}")) for s in steps.symbols] if steps else ()
            y = self.fresh(f"{symbol}{number}")
            names = [] if link.inner else self._parameters(link.params, y, number)
            unseen = tuple(f"{called(layer)}({x})" for layer in link.layer.inner)
            lines.append(Symbols(x, y, dx, number, tuple(names), (), unseen, tuple(between)))
            x = y
        return [
            own._replace(inner=tuple(self.name(c, own.x, own.number or "0") for c in link.inner))
            for link, own in zip(links, lines, strict=True)
        ]

    def _parameters(self, params: Any, y: str, number: str) -> Iterator[tuple[str, str]]:
        for path, _ in jax.tree_util.tree_flatten_with_path(params)[0]:
            # Parameters that are a single array, without a record, count as a weight.
            field = "w" if not path else getattr(path[0], "name", "") if len(path) == 1 else ""
            place = field or jax.tree_util.keystr(path)
            letter = LETTERS.get(field, field) + number if field else f"{y}{place}"
            yield place, self.fresh(letter)

    def fresh(self, name: str) -> str:
        """Return the name, with primes if it is taken; four primes are written ′4."""
        primes, found = 0, name
        while found in self.taken:
            primes += 1
            found = name + ("′" * primes if primes <= 3 else f"′{primes}")
        self.taken.add(found)
        return found


def notation_of(layer: Layer, train: bool = True) -> Notation:
    """Return the notation of a layer in training or in evaluation."""
    if layer.notation.inner_dy and not layer.inner:  # replaced: the formulas hold no longer
        return Notation(layer.notation.symbol)
    return layer.notation if train else layer.notation.evaluated or layer.notation


def formula(layer: Layer, names: Symbols, train: bool = True) -> str:
    """Write the right-hand side of the layer's line, after the lines of its steps."""
    return names.write(notation_of(layer, train).y or f"{literal(called(layer))}({{x}})")


def short_formula(layer: Layer, names: Symbols) -> str:
    """Write the right-hand side of the layer's line if its steps are not shown."""
    notation = notation_of(layer)
    known = notation.short if notation.steps else notation.y
    return names.write(known or f"{literal(called(layer))}({{x}})")


def title(layer: Layer) -> str:
    """Return a layer's name on one line."""
    return " ".join(layer.name.split())


def called(layer: Layer) -> str:
    """Return a layer's name within a formula; with many options, it is `name(…)`."""
    name = title(layer)
    if len(name) <= LONGEST:
        return name
    head, bracket, _ = name.partition("(")
    return cut(head, LONGEST) + "(…)" * bool(bracket)
