"""The case of `check_gradients` for plain functions: a user's forward and backward."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from purenn.core import checks
from purenn.core.keys import is_key
from purenn.core.signatures import signature_of
from purenn.core.types import Fn
from purenn.inspect.cases import Case, Reading, as_float64, check_call, checked_y, is_integer
from purenn.inspect.matching import NOT_ASKED, Unjudged, is_nothing, is_numbers
from purenn.inspect.pair import Pair, Way, name_of


def function_case(forward: Any, arguments: tuple[Any, ...]) -> Case:
    """Ask about each argument for which `backward`, the first of `arguments`, has a derivative."""
    if not callable(forward) or not arguments or not callable(arguments[0]):
        raise TypeError(
            "check_gradients: pass a layer, an op and its arguments, or forward, backward, and "
            f"their arguments; got {checks.describe(forward)}"
            + (" without its backward" if callable(forward) else "")
        )
    pair, ways = _started(_pair(forward, *arguments))
    asked = {
        i
        for _, came in ways
        for i, derivative in pair.by_leaf(came)[0].items()
        if i in pair.floats or not is_nothing(derivative)
    }
    if not asked:
        raise TypeError(
            "check_gradients: none of the arguments is floating point, and backward returned no "
            "derivative of an integer one"
        )
    pair, judged, stuck = _in_float64(pair, sorted(asked))
    pair = pair.sees_through(judged)
    arrays = [i for i, a in enumerate(pair.leaves) if isinstance(a, jax.Array) and not is_key(a)]
    more = [i for i in arrays if i not in judged]

    def changed(*inputs: Any) -> Pair:
        return pair.changed(dict(zip((*judged, *more), inputs, strict=False)))

    def by_hand(dy: Any, inputs: Any, way: Way, in_numpy: bool) -> list[Any]:
        of = pair if inputs is None else changed(*inputs)
        found, extra = pair.by_leaf(of.came(dy, way, in_numpy))
        for i, derivative in found.items():
            if i not in judged and not is_nothing(derivative):
                why, is_zero = stuck.get(i, ("none came with another dy", False))
                extra.append(_unjudged(f"d{pair.labels[i]}", derivative, why, is_zero))
        derivatives = [found.get(i, NOT_ASKED) for i in judged]
        for place, i in enumerate(judged):
            if i not in pair.floats and is_nothing(derivatives[place]):
                derivatives[place] = NOT_ASKED
        return derivatives + extra

    def reading(way: Way, came: Any, in_numpy: bool) -> Reading:
        unlikely = pair.takes_dy_first is not None and way.dy_first != pair.takes_dy_first
        return Reading(
            lambda dy, inputs=None: by_hand(dy, inputs, way, in_numpy),
            note=pair.said(way, came),
            only_if_right=in_numpy or unlikely,
        )

    # NumPy code may run on JAX arrays, but compute something else with them.
    first, *others = [reading(*way, in_numpy) for way in ways for in_numpy in (False, True)]
    inputs = tuple(pair.leaves[i] for i in judged)
    return Case(
        lambda *inputs: changed(*inputs).run()[0],
        inputs,
        tuple(pair.labels[i] for i in judged),
        first.by_hand,
        next((leaf.shape[0] for leaf in inputs if leaf.ndim), 1),
        traceable=not pair.in_numpy,
        note=first.note,
        readings=tuple(others),
        more=tuple(pair.leaves[i] for i in more),
        more_labels=tuple(pair.labels[i] for i in more),
    )


def _pair(forward: Fn, backward: Fn, *arguments: Any) -> Pair:
    """Return the two functions unchanged, with the leaves of the arguments."""
    check_call(name_of(forward, "forward"), forward, arguments, "those after backward")
    if not jax.tree.leaves(arguments):
        raise TypeError("check_gradients: pass the arguments of forward after backward")
    signature, count = signature_of(forward), len(arguments)
    names = list(signature.parameters)[:count] if signature else []
    if len(names) < count:
        names = [str(i) for i in range(count)]
    given, tree = jax.tree_util.tree_flatten_with_path(arguments, is_leaf=is_numbers)
    owners = [path[0].idx for path, _ in given]
    labels = [f"{names[path[0].idx]}{jax.tree_util.keystr(path[1:])}" for path, _ in given]
    leaves = [_leaf(value) for _, value in given]
    floats = [i for i, a in enumerate(leaves) if isinstance(a, jax.Array) and checks.is_float(a)]
    pair = Pair(forward, backward, names, tree, labels, owners, frozenset(floats), leaves)
    return pair.sees_through(floats)


def _leaf(value: Any) -> Any:
    if is_numbers(value) and any(isinstance(a, float) for a in jax.tree.leaves(value)):
        return as_float64(np.asarray(value))
    return as_float64(value)


def _started(pair: Pair) -> tuple[Pair, list[tuple[Way, Any]]]:
    """Find the ways to call backward and their results, with integers as floats if necessary."""
    try:
        return pair, pair.ways()
    except Exception:
        integers = [
            i for i, a in enumerate(pair.leaves) if isinstance(a, jax.Array) and is_integer(a)
        ]
        try:
            if integers:
                pair = pair.changed({i: pair.leaves[i].astype(jnp.float64) for i in integers})
                return pair, pair.ways()
        except Exception:
            pass
        raise


def _in_float64(
    pair: Pair, asked: list[int]
) -> tuple[Pair, list[int], dict[int, tuple[str, bool]]]:
    """Convert the requested leaves to float64; return these leaves, and the reasons for others.

    An index, or the number of an axis, cannot be a float. It has no derivative, and only zero is
    accepted in its place.
    """
    judged, stuck = [], {}
    for i in asked:
        given = pair.leaves[i]
        is_float = isinstance(given, jax.Array) and checks.is_float(given)
        if not (is_float or is_integer(given) or is_numbers(given)):
            stuck[i] = (f"it is {checks.describe(given)}", False)
            continue
        changed = pair.changed({i: as_float64(np.asarray(given, np.float64))})
        try:
            if not is_float:
                checked_y(changed.run()[0])
        except Exception as error:
            text = (str(error).splitlines() or [""])[0]
            stuck[i] = (f"forward takes integers only ({type(error).__name__}: {text})", True)
        else:
            pair = changed
            judged.append(i)
    return pair, judged, stuck


def _unjudged(name: str, derivative: Any, why: str, is_zero: bool) -> Unjudged:
    try:
        zero = not np.asarray(derivative, np.float64).any()
    except (TypeError, ValueError):
        zero = False
    if zero and is_zero:
        return Unjudged(name, "ok: zero, where forward takes integers only", True)
    return Unjudged(name, f"not judged: {why}" + "; return None for it" * is_zero)
