"""Follow-through credit: each value computed again from the student's own earlier values.

A link is the formula of one value. Its parameters after the first, `g` for what is given, are the
values that it is computed from. A slip costs its own point, and a value that follows from it by the
right formula is shown as such.
"""

from collections.abc import Callable, Mapping
from inspect import signature
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from grading.known import Mistakes, name_of, near, quietly


class Link(NamedTuple):
    """How one value is computed, and what well-known mistakes give instead.

    The formulas of the mistakes have the same parameters.
    """

    formula: Callable[..., Any]
    mistakes: Mistakes = MappingProxyType({})

    @property
    def sources(self) -> tuple[str, ...]:
        """The values that it is computed from."""
        return tuple(signature(self.formula).parameters)[1:]


# The weights and biases of a first dense layer, whose input X is given.
FIRST_LAYER = {
    "dW1": Link(
        lambda g, dZ1: np.transpose(g["X"]) @ dZ1,
        {"yours is Xᵀ dA1 instead of Xᵀ dZ1": lambda g, dZ1: np.transpose(g["X"]) @ g["dA1"]},
    ),
    "db1": Link(
        lambda g, dZ1: dZ1.sum(axis=0),
        {"yours is the sum of dA1 instead of dZ1": lambda g, dZ1: g["dA1"].sum(axis=0)},
    ),
}


class Followed(NamedTuple):
    """What the student's earlier values say about one value."""

    expected: Any  # by the right formula
    origin: str  # the wrong ones among the earlier values, or all of them if none is
    follows: bool
    mistake: str  # a well-known one that gives this value, if any


class Precision(NamedTuple):
    """How close two values have to be: on paper, they are rounded."""

    equal: Callable[[str, Any], float]  # the limit for the value of this name
    named: Callable[[Any], float]  # the limit for naming a mistake


def follow(
    links: Mapping[str, Link],
    g: Any,
    mine: Mapping[str, Any],
    right: Mapping[str, Any],
    precision: Precision,
) -> dict[str, Followed]:
    """Tell for each value that the student gave whether it follows from the earlier ones.

    Args:
        links: the formulas, in the order of the computation.
        g: what is given.
        mine: the student's values in the right shape; what cannot be used is left out.
        right: the right values.
        precision: how close two values have to be.
    """
    own: dict[str, Any] = {}
    origins: dict[str, tuple[str, ...]] = {}
    found = {}
    for name, link in links.items():
        values = {source: own.get(source) for source in link.sources}
        expected = quietly(link.formula, g, **values)
        sources = tuple(
            dict.fromkeys(o for source in link.sources for o in origins.get(source, ()))
        )
        if name not in mine:
            # What the student left out is computed from what came before it.
            own[name], origins[name] = expected, sources
            continue
        own[name], origins[name] = mine[name], (name,)
        wrong = [s for s in sources if not near(mine[s], right[s], precision.equal(s, right[s]))]
        if expected is None:
            continue
        # Zeros make whatever follows from them zero, which shows nothing.
        shows = sources and all(np.any(mine[s]) for s in sources)
        follows = bool(shows) and near(mine[name], expected, precision.equal(name, expected))
        mistake = "" if follows else _mistake(link, {**g, **own}, mine[name], expected, precision)
        origin = " and ".join(wrong or sources).replace("_", " ")
        found[name] = Followed(expected, origin, follows, mistake)
    return found


def _mistake(link: Link, g: Any, mine: Any, expected: Any, precision: Precision) -> str:
    values = {source: g[source] for source in link.sources}
    return name_of(link.mistakes, mine, expected, precision.named(expected), g, **values)
