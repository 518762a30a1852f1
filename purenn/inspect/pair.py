"""A forward and a backward that someone wrote, and the ways in which the two may be meant."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from purenn.core.signatures import signature_of
from purenn.core.types import Fn
from purenn.inspect.arity import name_of, refuse_arity
from purenn.inspect.cases import checked_y
from purenn.inspect.matching import called, is_numbers, leaves_like

NO_CACHE = object()


class Way(NamedTuple):
    """An order of backward's arguments, and one of the possibilities whose derivatives came.

    Where fewer came than forward has arguments, only the referees can tell.
    """

    dy_first: bool
    choice: int
    cached: bool  # whether forward returned a cache


@dataclass(frozen=True)
class Pair:
    """A forward and its backward; the arguments go in as a list of leaves."""

    forward: Fn
    backward: Fn
    names: list[str]  # of the arguments
    tree: Any  # that the leaves make
    labels: list[str]  # of the leaves: w, p['w']
    owners: list[int]  # the argument that each leaf belongs to
    floats: frozenset[int]  # the leaves that were given in floating point
    in_numpy: bool = False  # JAX can't see into forward

    def arguments(self, leaves: list[Any], in_numpy: bool) -> tuple[Any, ...]:
        """Forward's arguments, made anew: some functions write into what they get."""
        return self.tree.unflatten([_own(leaf, in_numpy) for leaf in leaves])

    def run(self, leaves: list[Any]) -> tuple[Any, Any]:
        """What forward returns: y, and the cache if there is one."""
        result = self.forward(*self.arguments(leaves, self.in_numpy))
        if not isinstance(result, tuple):
            return result, NO_CACHE
        if len(result) != 2:
            raise ValueError(
                f"check_gradients: forward returned a tuple of {len(result)}, expected y alone or "
                f"(y, cache)"
            )
        return result

    def returned(self, leaves: list[Any], dy: Any, dy_first: bool, in_numpy: bool) -> Any:
        """What backward returns, called just after its forward."""
        cache = self.run(leaves)[1]
        before = self.arguments(leaves, in_numpy) if cache is NO_CACHE else (cache,)
        if in_numpy:
            before, dy = jax.tree.map(lambda a: _own(a, True), before), np.array(dy)
        return self.backward(dy, *before) if dy_first else self.backward(*before, dy)

    def came(self, leaves: list[Any], dy: Any, way: Way, in_numpy: bool = False) -> dict[int, Any]:
        """The derivative with respect to each argument."""
        return self._choices(leaves, dy, way.dy_first, in_numpy)[way.choice]

    def _choices(
        self, leaves: list[Any], dy: Any, dy_first: bool, in_numpy: bool = False
    ) -> list[dict[int, Any]]:
        if not in_numpy:
            try:
                came = self.returned(leaves, dy, dy_first, in_numpy=False)
                return self.by_argument(leaves, came)
            except Exception:  # NumPy code that writes into arrays can't do so with JAX's
                pass
        return self.by_argument(leaves, self.returned(leaves, dy, dy_first, in_numpy=True))

    def ways(self, leaves: list[Any]) -> list[tuple[Way, dict[int, Any]]]:
        """The ways to call backward, the likeliest by its signature first, and what came."""
        y, cache = self.run(leaves)
        again = self.run(leaves)[0]
        if np.isfinite(checked_y(y)).all() and not np.allclose(y, again, rtol=1e-9, atol=1e-9):
            raise ValueError(
                "check_gradients: forward gives another y each time; fix its random numbers"
            )
        given = (*self.names, "dy") if cache is NO_CACHE else ("cache", "dy")
        why = "forward's arguments, then dy" if cache is NO_CACHE else "forward returned a cache"
        name = name_of(self.backward, "backward")
        refuse_arity(name, self.backward, given, called=f"{', '.join(given)} ({why})")
        likely = self.takes_dy_first is True
        try:
            choices = self._choices(leaves, jnp.ones(np.shape(y)), likely)
        except Exception as error:
            try:
                choices = self._choices(leaves, jnp.ones(np.shape(y)), not likely)
            except Exception:
                raise error from None
        return [
            (Way(dy_first, i, cache is not NO_CACHE), came)
            for dy_first in (likely, not likely)
            for i, came in enumerate(choices)
        ]

    @property
    def takes_dy_first(self) -> bool | None:
        """Whether backward takes dy first or last, if the names in its signature tell."""
        signature = signature_of(self.backward)
        names = list(signature.parameters) if signature else []
        likely = [name.lower().startswith(("d", "grad", "up")) for name in names]
        return likely[0] if likely and likely[0] != likely[-1] else None

    def by_argument(self, leaves: list[Any], came: Any) -> list[dict[int, Any]]:
        """Of which arguments the derivatives are: the likeliest first, if it is not clear."""
        values = self.tree.unflatten(leaves)
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
        if count < len(values) and count <= len(floats):
            choices.insert(0, floats[:count])
        unlike = {tuple(choice): None for choice in choices}
        return [dict(zip(choice, derivatives, strict=True)) for choice in unlike]

    def _by_name(self, came: Mapping[Any, Any]) -> dict[int, Any] | None:
        """Derivatives that came with names, if each is an argument's."""
        places = [[i for i, n in enumerate(self.names) if called(key, n)] for key in came]
        if not all(len(found) == 1 for found in places):
            return None
        return {i: d for (i,), d in zip(places, came.values(), strict=True)}

    def by_leaf(self, leaves: list[Any], came: dict[int, Any]) -> tuple[dict[int, Any], list[Any]]:
        """The derivative with respect to each leaf, and whatever belongs to no leaf."""
        values, extra = self.tree.unflatten(leaves), []
        found: dict[int, Any] = {}
        for of, derivative in came.items():
            places = [i for i, owner in enumerate(self.owners) if owner == of]
            name = f"d{self.names[of]}"
            parts = leaves_like(values[of], derivative, name, strict=False)
            found |= dict(zip(places, parts, strict=False))
            extra += parts[len(places) :]
        return found, extra

    def said(self, leaves: list[Any], way: Way, came: dict[int, Any]) -> str:
        """What the report says of a way: the order, and what backward leaves out."""
        notes = []
        if way.dy_first:
            name = name_of(self.backward, "backward")
            rest = "cache" if way.cached else ", ".join(self.names)
            notes.append(f"dy comes first here: judged as {name}(dy, {rest})")
        left_out = []
        for i, name in enumerate(self.names):
            own = [j for j, owner in enumerate(self.owners) if owner == i]
            if i not in came and all(j in self.floats and np.ndim(leaves[j]) for j in own):
                left_out.append(f"d{name}")
        if left_out:
            notes.append(f"not judged: {', '.join(left_out)}, which backward does not return")
        return "\n".join(notes)


def _own(leaf: Any, in_numpy: bool) -> Any:
    """A leaf that a function may write into."""
    if isinstance(leaf, list):
        return copy.deepcopy(leaf)
    if isinstance(leaf, jax.Array) and not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return np.array(leaf) if in_numpy else leaf
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf


def _has_shape_of(value: Any, came: Any) -> bool:
    try:
        return np.shape(came) == np.shape(value)
    except ValueError:  # ragged
        return False
