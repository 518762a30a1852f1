"""Wrong backward passes with other cotangents: zero, a part of dy, or a dy whose sum is zero."""

import itertools
from typing import Any

import numpy as np

from purenn.inspect.places import at_place, listed
from purenn.inspect.trials import LONGEST, Result, Trials, factor, near


def one_number_for_dy(t: Trials) -> str:
    """Test whether yours is the derivative for the same number in place of every element of dy."""
    if t.dy.size == 1:
        return ""
    whole = t.one(np.ones(t.dy.shape))
    c = factor(t.yours, whole.right) if whole else None
    if not c:
        return ""
    where = np.argwhere(np.isclose(t.dy, c, rtol=1e-9))
    number = f"dy[{', '.join(map(str, where[0]))}]" if len(where) else f"{c:.4g}"
    return f"yours is the derivative of y.sum() times {number}, one number for all of dy"


def powers_of_dy(t: Trials) -> str:
    """Replace dy by 0 and by 2 dy: a derivative that is linear in dy becomes 0 and doubles."""
    nothing, twice = t.one(0 * t.dy), t.one(2 * t.dy)
    if nothing is None or twice is None:
        return ""
    if nothing.yours.any():
        if near(nothing.yours, t.yours):
            return "dy is forgotten: yours is the same for every dy"
        return "with dy = 0 yours is not 0: something is added that dy does not multiply"
    if near(twice.yours, 4 * t.yours):
        return "twice the dy gives four times yours: dy is multiplied in twice"
    if not near(twice.yours, 2 * t.yours):
        return "twice the dy does not give twice yours: dy is used where it does not belong"
    return ""


def carried_forward(t: Trials) -> str:
    """Compare with the product of the Jacobian and dy, without the transpose."""
    if t.right.shape != t.dy.shape or t.dy.size == 1:
        return ""
    rng = np.random.default_rng(0)
    for _ in range(3):
        w = rng.normal(size=t.dy.shape)
        back = t.one(w)
        # w·(J dy) = (Jᵀ w)·dy
        if back is None or not np.isclose((w * t.yours).sum(), (back.right * t.dy).sum()):
            return ""
    return "yours propagates dy forward instead of backward: is a transpose missing?"


def what_comes_in(t: Trials) -> str:
    """Use a part of dy: some places of y may be right, and the others wrong in the same way."""
    for axis in range(t.dy.ndim):
        count = t.dy.shape[axis]
        if not 1 < count <= LONGEST:
            continue
        tried = [t.one(_moved(t.dy, axis, j, j)) for j in range(count)]
        results = [result for result in tried if result]
        wrong = [j for j, r in enumerate(results) if not near(r.yours, r.right)]
        if len(results) < count or not wrong or len(wrong) == count:
            continue
        where = listed([f"dy{at_place(axis, j)}" for j in wrong])
        if not any(results[j].yours.any() for j in wrong):
            return f"{where} is ignored"
        c = factor(results[wrong[0]].yours, results[wrong[0]].right)
        if c and all(near(results[j].yours, c * results[j].right) for j in wrong):
            return f"{where} counts {c:.4g} times as much as it should"
        for k in set(range(count)) - set(wrong):
            moved = [t.one(_moved(t.dy, axis, j, k)) for j in wrong]
            pairs = zip(wrong, moved, strict=True)
            if all(m and near(results[j].yours, m.right) for j, m in pairs):
                return f"{where} is treated as if it were dy{at_place(axis, k)}"
    return ""


def mask(t: Trials) -> str:
    """Use a part of dy and find the places that it reaches, which forward's mask determines.

    Yours must be right for the parts that reach the right places, such as the last row of a causal
    mask, which hides nothing, and wrong for all others.
    """
    for axis in range(t.dy.ndim):
        count = t.dy.shape[axis]
        if not 1 < count <= LONGEST:
            continue
        tried = [t.all(_moved(t.dy, axis, j, j)) for j in range(count)]
        own = [results.get(t.i) for results in tried]
        right = [result is not None and result.agree for result in own]
        reached = [_reached(t, results, axis) for results in tried]
        if not any(right) or right != [more == less == [] for more, less in reached]:
            continue
        right_for = listed([f"dy{at_place(axis, j)}" for j in range(count) if right[j]])
        rest = f"; yours is right for {right_for}" + " alone" * (sum(right) == 1)
        too_many, too_few = ([(j, r[side]) for j, r in enumerate(reached)] for side in (0, 1))
        if any(found for _, found in too_many) and not any(found for _, found in too_few):
            here, there = _pair(axis, too_many)
            return (
                f"backward lacks a mask that forward has: y{here} does not depend on {there}, but "
                f"dy{here} counts in d{there}{rest}"
            )
        if any(found for _, found in too_few) and not any(found for _, found in too_many):
            here, there = _pair(axis, too_few)
            return (
                f"backward has a mask that forward lacks: y{here} depends on {there}, but dy{here} "
                f"does not count in d{there}{rest}"
            )
    return ""


def _reached(t: Trials, results: dict[int, Result], axis: int) -> tuple[list[Any], list[Any]]:
    """List the places that yours reaches but should not, and those that it misses."""
    more: list[Any] = []
    less: list[Any] = []
    for i, result in results.items():
        label, leaf = t.labels[i], t.leaves[i]
        along = leaf.ndim - t.dy.ndim + axis  # the same axis, counted from the last one
        if along < 0 or leaf.shape[along] != t.dy.shape[axis]:
            continue
        others = tuple(k for k in range(leaf.ndim) if k != along)
        yours, right = (np.abs(a).max(others) > 1e-9 * np.abs(a).max() for a in result)
        more += [(k, f"{label}{at_place(along, k)}") for k in np.flatnonzero(yours & ~right)]
        less += [(k, f"{label}{at_place(along, k)}") for k in np.flatnonzero(right & ~yours)]
    return more, less


def _pair(axis: int, found: list[tuple[int, list[Any]]]) -> tuple[str, str]:
    """Return two places as an example, two different ones if possible."""
    pairs = [(j, k, there) for j, places in found for k, there in places]
    j, _, there = next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])
    return at_place(axis, j), there


def sum_of_dy(t: Trials) -> str:
    """Use a dy with a sum of zero: a term with that sum is then zero, right or wrong."""
    found = _first_zero(t, [[weight] for weight in _weights(t)])
    if not found:
        return ""
    hint = ", such as the correction D of a softmax," if "dy·y" in found else ""
    term = f"the term with it{hint}"
    return f"yours is right where {found} is 0: {term} is missing, wrong, or counted twice"


def two_sums_of_dy(t: Trials) -> str:
    """Use a dy for which both sums of a norm are zero: that of dy and that of dy·x."""
    x = t.leaves[t.i]
    if x.shape != t.dy.shape:
        return ""
    factors = [own for own in _weights(t) if own[1] is not x and own[1] is not t.y]
    pairs = [[(name, w), (f"{name}·{t.label}", w * x)] for name, w in factors]
    found = _first_zero(t, pairs)
    if not found:
        return ""
    return (
        f"yours is right where {found} are 0: a term with them is missing, wrong, or counted twice"
    )


def _first_zero(t: Trials, choices: list[list[tuple[str, Any]]]) -> str:
    """Return the first sums for which yours is right if they are zero."""
    single: list[Any] = [-1, *range(t.dy.ndim - 1)] if t.dy.ndim else []
    several = [tuple(range(t.dy.ndim - 1)), tuple(range(1, t.dy.ndim))] * (t.dy.ndim > 2)
    for weights, axis in itertools.product(choices, [*single, *several]):
        dy = t.dy
        used: list[Any] = []
        for _, weight in weights:
            weight = np.broadcast_to(weight, dy.shape)
            for other in used:
                weight = weight - other * _share(weight, other, axis)
            used.append(weight)
            dy = dy - weight * _share(dy, weight, axis)
        if np.abs(dy).max() > 1e-6 and t.agrees(dy):
            return listed([f"sum({name}, axis={axis})" for name, _ in weights])
    return ""


def _share(dy: Any, weight: Any, axis: Any) -> Any:
    """Return the coefficient of a weight in dy, along an axis."""
    size = (weight * weight).sum(axis, keepdims=True)
    return (dy * weight).sum(axis, keepdims=True) / np.where(size, size, 1)


def _weights(t: Trials) -> list[tuple[str, Any]]:
    """List the possible factors of dy in a sum: y, 1, and all arrays that broadcast to dy."""
    factors = [
        (f"dy·{t.labels[k]}", t.leaves[k])
        for k in t.floats
        if t.leaves[k].ndim and _broadcasts(t.leaves[k].shape, t.dy.shape)
    ]
    return [("dy·y", t.y), ("dy", np.ones(())), *factors]


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    pairs = zip(reversed(shape), reversed(to), strict=False)
    return len(shape) <= len(to) and all(n in (1, m) for n, m in pairs)


def _moved(dy: Any, axis: int, j: int, k: int) -> Any:
    """Return the part of dy at place j of an axis, moved to place k if k is not j."""
    moved = np.zeros(dy.shape)
    np.moveaxis(moved, axis, 0)[k] = np.moveaxis(dy, axis, 0)[j]
    return moved
