"""A user's forward and backward pass, and the possible ways to call them."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from purenn.core.keys import is_key
from purenn.core.signatures import signature_of
from purenn.core.types import Fn
from purenn.inspect.cases import check_call, checked_y
from purenn.inspect.matching import called, is_numbers, leaves_like

NO_CACHE = object()


class Way(NamedTuple):
    """An order of backward's arguments, and one of the possible meanings of what it returns.

    If backward returns fewer derivatives than forward has arguments, only the referees can decide.
    """

    dy_first: bool
    choice: int
    cached: bool  # whether forward returned a cache


@dataclass(frozen=True)
class Pair:
    """A forward and its backward, with the leaves of the arguments."""

    forward: Fn
    backward: Fn
    names: list[str]  # of the arguments
    tree: Any  # that the leaves make
    labels: list[str]  # of the leaves: w, p['w']
    owners: list[int]  # the argument that each leaf belongs to
    floats: frozenset[int]  # the leaves that were given in floating point
    leaves: list[Any]
    in_numpy: bool = False  # whether forward is NumPy code, which JAX cannot see into

    def changed(self, leaves: Mapping[int, Any]) -> "Pair":
        """Return the pair with some leaves replaced."""
        return replace(self, leaves=[leaves.get(i, leaf) for i, leaf in enumerate(self.leaves)])

    def arguments(self, in_numpy: bool) -> tuple[Any, ...]:
        """Create new arguments for forward, since some functions write to their arguments."""
        return self.tree.unflatten([_own(leaf, in_numpy) for leaf in self.leaves])

    def run(self) -> tuple[Any, Any]:
        """Return the result of forward: y, and the cache if there is one."""
        result = self.forward(*self.arguments(self.in_numpy))
        if not isinstance(result, tuple):
            return result, NO_CACHE
        if len(result) != 2:
            raise ValueError(
                f"check_gradients: forward returned a tuple of {len(result)}, expected y alone or "
                f"(y, cache)"
            )
        return result

    def sees_through(self, places: Iterable[int]) -> "Pair":
        """Return the pair with `in_numpy` true if NumPy code rejects a tracer in these places."""
        pair, places = replace(self, in_numpy=False), list(places)
        try:
            jax.eval_shape(
                lambda *values: pair.changed(dict(zip(places, values, strict=True))).run()[0],
                *(self.leaves[i] for i in places),
            )
        except (TypeError, AttributeError, jax.errors.JAXTypeError, jax.errors.JAXIndexError):
            return replace(self, in_numpy=True)  # it may also be that it cannot write into one
        return pair

    def came(self, dy: Any, way: Way, in_numpy: bool = False) -> dict[int, Any]:
        """Return the derivative with respect to each argument."""
        return self._choices(dy, way.dy_first, in_numpy)[way.choice]

    def _choices(self, dy: Any, dy_first: bool, in_numpy: bool = False) -> list[dict[int, Any]]:
        if not in_numpy:
            try:
                return self._by_argument(self._returned(dy, dy_first, in_numpy=False))
            except Exception:  # NumPy code that writes into arrays cannot do so with JAX's
                pass
        return self._by_argument(self._returned(dy, dy_first, in_numpy=True))

    def _returned(self, dy: Any, dy_first: bool, in_numpy: bool) -> Any:
        """Return the result of backward, called right after its forward pass."""
        cache = self.run()[1]
        before = self.arguments(in_numpy) if cache is NO_CACHE else (cache,)
        if in_numpy:
            before, dy = jax.tree.map(lambda a: _own(a, True), before), np.array(dy)
        return self.backward(dy, *before) if dy_first else self.backward(*before, dy)

    def ways(self) -> list[tuple[Way, dict[int, Any]]]:
        """List the ways to call backward and their results, likeliest by its signature first."""
        y, cache = self.run()
        again = self.run()[0]
        if np.isfinite(checked_y(y)).all() and not np.allclose(y, again, rtol=1e-9, atol=1e-9):
            raise ValueError(
                "check_gradients: forward gives another y each time; fix its random numbers"
            )
        given = (*self.names, "dy") if cache is NO_CACHE else ("cache", "dy")
        why = "forward's arguments, then dy" if cache is NO_CACHE else "forward returned a cache"
        name = name_of(self.backward, "backward")
        check_call(name, self.backward, given, f"{', '.join(given)} ({why})")
        likely, dy = self.takes_dy_first is True, jnp.ones(np.shape(y))
        try:
            choices = self._choices(dy, likely)
        except Exception as error:
            try:
                choices = self._choices(dy, not likely)
            except Exception:
                raise error from None
        return [
            (Way(dy_first, i, cache is not NO_CACHE), came)
            for dy_first in (likely, not likely)
            for i, came in enumerate(choices)
        ]

    @property
    def takes_dy_first(self) -> bool | None:
        """Tell whether backward takes dy first or last, if the names in its signature show it."""
        signature = signature_of(self.backward)
        names = list(signature.parameters) if signature else []
        likely = [name.lower().startswith(("d", "grad", "up")) for name in names]
        return likely[0] if likely and likely[0] != likely[-1] else None

    def _by_argument(self, came: Any) -> list[dict[int, Any]]:
        """Match the derivatives with arguments, the likeliest match first if it is not clear."""
        values = self.tree.unflatten(self.leaves)
        floats = sorted({self.owners[i] for i in self.floats})
        first = values[floats[0] if floats else 0]
        structure: Any = jax.tree.structure(first, is_leaf=is_numbers)
        alone = not isinstance(came, (tuple, list, Mapping)) or (
            structure == jax.tree.structure(came)
            or (len(values) == 1 and _has_shape_of(first, came))
        )
        if not alone and (isinstance(came, Mapping) or hasattr(came, "_fields")):
            named = self._by_name(came if isinstance(came, Mapping) else came._asdict())
            if named is not None:
                return [named]
            alone = isinstance(came, Mapping)
            if alone and not (isinstance(first, Mapping) or hasattr(first, "_fields")):
                raise ValueError(
                    f"check_gradients: backward returned a dict of {', '.join(map(str, came))}, "
                    f"expected the derivatives with respect to {', '.join(self.names)}, in this "
                    f"order or by these names"
                )
        derivatives = (came,) if alone else tuple(came)
        count = len(derivatives)
        if not count:
            raise TypeError("check_gradients: backward returned an empty tuple, no derivative")
        if count > len(values):
            raise ValueError(
                f"check_gradients: backward returned {count} derivatives for {len(values)} "
                f"arguments"
            )
        choices = [list(range(count))]
        if count < len(values) and count <= len(floats) and floats[:count] != choices[0]:
            choices.insert(0, floats[:count])
        return [dict(zip(choice, derivatives, strict=True)) for choice in choices]

    def _by_name(self, came: Mapping[Any, Any]) -> dict[int, Any] | None:
        """Match the derivatives with arguments by name, if each name is that of an argument."""
        places = [[i for i, n in enumerate(self.names) if called(key, n)] for key in came]
        if not all(len(found) == 1 for found in places):
            return None
        return {i: d for (i,), d in zip(places, came.values(), strict=True)}

    def by_leaf(self, came: dict[int, Any]) -> tuple[dict[int, Any], list[Any]]:
        """Return the derivative with respect to each leaf, and the values that match no leaf."""
        values, extra = self.tree.unflatten(self.leaves), []
        found: dict[int, Any] = {}
        for of, derivative in came.items():
            places = self._places(of)
            parts = leaves_like(values[of], derivative, f"d{self.names[of]}", strict=False)
            found |= dict(zip(places, parts, strict=False))
            extra += parts[len(places) :]
        return found, extra

    def _places(self, argument: int) -> list[int]:
        return [i for i, owner in enumerate(self.owners) if owner == argument]

    def said(self, way: Way, came: dict[int, Any]) -> str:
        """Describe a way for the report: the order, and the derivatives that backward omits."""
        notes = []
        if way.dy_first:
            name = name_of(self.backward, "backward")
            rest = "cache" if way.cached else ", ".join(self.names)
            notes.append(f"dy comes first here: judged as {name}(dy, {rest})")
        left_out = [
            f"d{name}"
            for i, name in enumerate(self.names)
            if i not in came
            and all(j in self.floats and np.ndim(self.leaves[j]) for j in self._places(i))
        ]
        if left_out:
            notes.append(f"not judged: {', '.join(left_out)}, which backward does not return")
        return "\n".join(notes)


def name_of(function: Any, role: str) -> str:
    """Return the name of a function, or its role if it is a lambda."""
    name = getattr(function, "__name__", role)
    return role if name == "<lambda>" else name


def _own(leaf: Any, in_numpy: bool) -> Any:
    """Copy a leaf, since a function may write to it."""
    if isinstance(leaf, list):
        return copy.deepcopy(leaf)
    if isinstance(leaf, jax.Array) and not is_key(leaf):
        return np.array(leaf) if in_numpy else leaf
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf


def _has_shape_of(value: Any, came: Any) -> bool:
    try:
        return np.shape(came) == np.shape(value)
    except ValueError:  # ragged
        return False
