"""What `check_gradients` is asked about plain functions: anyone's forward and backward."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from purenn.core import checks
from purenn.core.signatures import signature_of
from purenn.core.types import Fn
from purenn.inspect.arity import name_of, refuse_arity
from purenn.inspect.cases import Case, Reading, as_float64, checked_y, is_whole
from purenn.inspect.matching import NOT_ASKED, Unjudged, is_nothing, is_numbers
from purenn.inspect.pair import Pair, Way


def function_case(forward: Any, arguments: tuple[Any, ...]) -> Case:
    """Plain functions, with respect to every argument that `backward` returns a derivative of."""
    if not callable(forward) or not arguments or not callable(arguments[0]):
        raise TypeError(
            "check_gradients: pass a layer, an op and its arguments, or forward, backward, and "
            f"their arguments; got {checks.describe(forward)}"
            + (" without its backward" if callable(forward) else "")
        )
    pair, leaves = _pair(forward, arguments[0], arguments[1:])
    if not leaves:
        raise TypeError("check_gradients: pass the arguments of forward after backward")
    leaves, ways = _started(pair, leaves)
    asked = {
        i
        for _, came in ways
        for i, derivative in pair.by_leaf(leaves, came)[0].items()
        if i in pair.floats or not is_nothing(derivative)
    }
    leaves, judged, stuck = _in_float64(pair, leaves, sorted(asked))
    if not asked:
        raise TypeError(
            "check_gradients: none of the arguments is floating point, and backward returned no "
            "derivative of an integer one"
        )
    pair = replace(pair, in_numpy=not _traceable(pair, leaves, judged))

    def by_hand(dy: Any, way: Way, in_numpy: bool) -> list[Any]:
        found, extra = pair.by_leaf(leaves, pair.came(leaves, dy, way, in_numpy))
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
            lambda dy: by_hand(dy, way, in_numpy),
            note=pair.said(leaves, way, came),
            only_if_right=in_numpy or unlikely,
        )

    # Where NumPy's code runs on JAX's arrays, it may still do something else with them.
    first, *others = [reading(*way, in_numpy) for way in ways for in_numpy in (False, True)]
    inputs = tuple(leaves[i] for i in judged)
    return Case(
        lambda *inputs: _with(pair, leaves, judged, inputs),
        inputs,
        tuple(pair.labels[i] for i in judged),
        first.by_hand,
        next((leaf.shape[0] for leaf in inputs if leaf.ndim), 1),
        traceable=not pair.in_numpy,
        note=first.note,
        readings=tuple(others),
    )


def _pair(forward: Fn, backward: Fn, arguments: tuple[Any, ...]) -> tuple[Pair, list[Any]]:
    """The two functions as they were given, and the leaves of the arguments."""
    places = [f"argument {i + 1}" for i in range(len(arguments))]
    refuse_arity(name_of(forward, "forward"), forward, places, called="those after backward")
    names = _argument_names(forward, len(arguments))
    given, tree = jax.tree_util.tree_flatten_with_path(arguments, is_leaf=is_numbers)
    owners = [path[0].idx for path, _ in given]
    labels = [f"{names[path[0].idx]}{jax.tree_util.keystr(path[1:])}" for path, _ in given]
    leaves = [_leaf(value) for _, value in given]
    floats = [i for i, a in enumerate(leaves) if isinstance(a, jax.Array) and checks.is_float(a)]
    pair = Pair(forward, backward, names, tree, labels, owners, frozenset(floats))
    return replace(pair, in_numpy=not _traceable(pair, leaves, floats)), leaves


def _leaf(value: Any) -> Any:
    if is_numbers(value) and any(isinstance(a, float) for a in jax.tree.leaves(value)):
        return as_float64(np.asarray(value))
    return as_float64(value)


def _argument_names(forward: Fn, count: int) -> list[str]:
    signature = signature_of(forward)
    names = list(signature.parameters) if signature else []
    return names[:count] if len(names) >= count else [str(i) for i in range(count)]


def _with(pair: Pair, leaves: list[Any], places: list[int], values: Any) -> Any:
    """What forward gives with some of the leaves changed."""
    changed = dict(zip(places, values, strict=True))
    return pair.run([changed.get(i, leaf) for i, leaf in enumerate(leaves)])[0]


def _traceable(pair: Pair, leaves: list[Any], places: list[int]) -> bool:
    """Whether JAX can see into a forward: NumPy code refuses a tracer, or can't write into one."""
    pair = replace(pair, in_numpy=False)
    try:
        jax.eval_shape(lambda *x: _with(pair, leaves, places, x), *(leaves[i] for i in places))
    except (TypeError, AttributeError, jax.errors.JAXTypeError, jax.errors.JAXIndexError):
        return False
    return True


def _started(pair: Pair, leaves: list[Any]) -> tuple[list[Any], list[tuple[Way, Any]]]:
    """The ways to call backward, and what comes; on integer arrays only if it runs on these."""
    try:
        return leaves, pair.ways(leaves)
    except Exception:
        whole = [isinstance(leaf, jax.Array) and is_whole(leaf) for leaf in leaves]
        changed = [a.astype(jnp.float64) if w else a for a, w in zip(leaves, whole, strict=True)]
        try:
            if any(whole):
                return changed, pair.ways(changed)
        except Exception:
            pass
        raise


def _in_float64(
    pair: Pair, leaves: list[Any], asked: list[int]
) -> tuple[list[Any], list[int], dict[int, tuple[str, bool]]]:
    """The leaves with the asked ones in float64, which ones these are, and why not the others.

    An index, or the number of an axis, can't be a float: its derivative does not exist, and zero
    is what may stand for it.
    """
    leaves, judged, stuck = list(leaves), [], {}
    for i in asked:
        given = leaves[i]
        is_float = isinstance(given, jax.Array) and checks.is_float(given)
        if not (is_float or is_whole(given) or is_numbers(given)):
            stuck[i] = (f"it is {checks.describe(given)}", False)
            continue
        leaves[i] = jnp.asarray(np.asarray(given, np.float64))
        error = None if is_float else _refusal(pair, leaves)
        if error is None:
            judged.append(i)
        else:
            text = (str(error).splitlines() or [""])[0]
            stuck[i] = (f"forward takes whole numbers only ({type(error).__name__}: {text})", True)
            leaves[i] = given
    return leaves, judged, stuck


def _refusal(pair: Pair, leaves: list[Any]) -> Exception | None:
    """Why a forward does not run on these leaves, be they JAX's arrays or NumPy's."""
    error = None
    for in_numpy in {pair.in_numpy, True}:
        try:
            checked_y(replace(pair, in_numpy=in_numpy).run(leaves)[0])
            return None
        except Exception as refused:
            error = error or refused
    return error


def _unjudged(name: str, derivative: Any, why: str, is_zero: bool) -> Unjudged:
    try:
        zero = not np.asarray(derivative, np.float64).any()
    except (TypeError, ValueError):
        zero = False
    if zero and is_zero:
        return Unjudged(name, "ok: zero, where forward takes whole numbers only", True)
    return Unjudged(name, f"not judged: {why}" + "; return None for it" * is_zero)
