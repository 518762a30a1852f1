"""The kinds of mistakes for which a wrong derivative is tested.

Each hypothesis is a small function that describes a mistake if its prediction comes true, and
returns nothing otherwise. Each sentence states an observed fact: that yours is right where `gamma`
is 1, or that `dy[0]` is ignored. If no hypothesis holds, the mistake gets no name.
"""

import itertools
from collections.abc import Iterator

import numpy as np

from purenn.inspect.other_dy import (
    carried_forward,
    mask,
    one_number_for_dy,
    powers_of_dy,
    sum_of_dy,
    two_sums_of_dy,
    what_comes_in,
)
from purenn.inspect.places import at_place, listed
from purenn.inspect.trials import LONGEST, Hypothesis, Trials, near


def explained(t: Trials) -> str:
    """Describe the kind of mistake in a derivative, by the first hypothesis that holds."""
    if not t.small or t.right.shape != t.yours.shape:
        return ""
    return next(filter(None, (holds(t) for holds in HYPOTHESES)), "")


# The numbers as they came.


def where_zero(t: Trials) -> str:
    """Test for a missing mask: the right derivative is zero exactly where yours is wrong."""
    nothing = 1e-9 * np.abs(t.right).max(initial=0)
    wrong = np.abs(t.yours - t.right) > nothing
    if wrong.sum() > 1 and (wrong == (np.abs(t.right) <= nothing)).all():
        return "exactly those where the right derivative is 0. Is a mask left out?"
    return ""


def places(t: Trials) -> str:
    """Test for the right numbers at wrong places along an axis, and for empty places."""
    for axis in range(t.right.ndim):
        right, yours = (list(np.moveaxis(a, axis, 0)) for a in (t.right, t.yours))
        if not 1 < len(right) <= LONGEST or right[0].size < 2:
            continue
        found: dict[int, int | None] = {}
        for j, mine in enumerate(yours):
            order = [j, *(k for k in range(len(right)) if k != j)]
            same = [k for k in order if right[k].any() and near(mine, right[k])]
            if same or not mine.any():
                found[j] = same[0] if same else None
        moved = {j: k for j, k in found.items() if j != k and right[j].any()}
        if len(found) == len(right) and moved:
            return "; ".join(_moves(axis, moved))
    return ""


def _moves(axis: int, moved: dict[int, int | None]) -> Iterator[str]:
    there = [(j, k) for j, k in moved.items() if k is not None]
    for j, k in there[:2]:
        yield f"yours at {at_place(axis, j)} is what belongs at {at_place(axis, k)}"
    if len(there) > 2:
        yield "and so on"
    nothing = [at_place(axis, j) for j, k in moved.items() if k is None]
    if nothing:
        yield f"yours is 0 at {listed(nothing)}"


def rearranged(t: Trials) -> str:
    """Test for the right numbers with axes swapped or reversed, as in a kernel."""
    axes = range(t.right.ndim)
    if not 1 < t.right.ndim < 5:
        return ""
    for order in list(itertools.permutations(axes))[1:]:
        if near(t.yours, t.right.transpose(order)):
            return f"yours is the right one with its axes in the order {order}"
    for count in range(1, t.right.ndim + 1):
        for several in itertools.combinations(axes, count):
            if near(t.yours, np.flip(t.right, several)):
                return f"yours is reversed along axis {listed([str(k) for k in several])}"
    return ""


def shortcut(t: Trials) -> str:
    """Test whether dy, the derivative of a term x in y, is missing or added twice."""
    if t.right.shape != t.dy.shape:
        return ""
    if near(t.yours, t.right - t.dy):
        return (
            "dy itself is missing: did you forget a term that passes x through unchanged, as in a "
            "residual connection?"
        )
    if near(t.yours, t.right + t.dy):
        return (
            "dy itself is added one time too many: did you count a term that passes x through "
            "unchanged twice, as in a residual connection?"
        )
    return ""


# Other arguments.


def another_point(t: Trials) -> str:
    """Test for the right derivative at y or at dy, instead of at x."""
    x = t.leaves[t.i]
    for value, name in ((t.y, "y"), (t.dy, "dy")):
        if value.shape == x.shape and x.size > 1:
            there = t.one(leaves=t.at({t.i: value}))
            if there and there.right.any() and near(t.yours, there.right):
                return f"yours is the derivative at {name} instead of at {t.label}"
    return ""


def another_argument(t: Trials) -> str:
    """Test for the right derivative with two arguments swapped."""
    for j, k in _pairs(t):
        there = t.all(leaves=t.at({j: t.leaves[k], k: t.leaves[j]}))
        for result in (there.get(t.i), there.get({j: k, k: j}.get(t.i, t.i))):
            if result and result.right.any() and near(t.yours, result.right):
                return f"yours is right with {t.labels[j]} and {t.labels[k]} swapped"
    return ""


def equal_arguments(t: Trials) -> str:
    """Make two arguments equal: if one was used in place of the other, yours is then right."""
    for j, k in _pairs(t):
        if t.agrees(leaves=t.at({k: t.leaves[j]})):
            names = f"{t.labels[j]} and {t.labels[k]}"
            return f"yours is right where {names} are equal: does one stand for the other?"
    return ""


def _pairs(t: Trials) -> list[tuple[int, int]]:
    """List the pairs of arguments that may be confused with each other."""
    return [
        (j, k)
        for j, k in itertools.combinations(t.floats, 2)
        if t.leaves[j].shape == t.leaves[k].shape and t.leaves[j].size > 1
    ]


def argument_of_trues(t: Trials) -> str:
    """Set a mask to True everywhere: if it was left out, yours is then right."""
    for k, leaf in enumerate(t.leaves):
        if leaf.dtype == bool and t.agrees(leaves=t.at({k: np.ones(leaf.shape, bool)})):
            return f"yours is right where all of {t.labels[k]} is True: is it left out in backward?"
    return ""


def argument_of_ones(t: Trials) -> str:
    """Set an argument to 1: if this factor was omitted or repeated, yours is then right."""
    for k in t.floats:
        one = np.ones(t.leaves[k].shape)
        if not t.agrees(leaves=t.at({k: one})):
            continue
        two, three = (t.one(leaves=t.at({k: n * one})) for n in (2, 3))
        name = t.labels[k]
        where = f"yours is right where {name} is 1"
        if two is None or three is None or not (two.right.any() and three.right.any()):
            return where
        if two.agree and three.agree and one.size > 1:
            return (
                f"yours is right only where all elements of {name} are equal: is something moved "
                f"or summed before it is multiplied by {name}, instead of after, or the other way "
                f"around?"
            )
        # A factor too many makes an error like n² - n at n times as much of it, with one n more
        # or less if the right derivative itself is proportional to a power of n.
        off = two.yours - two.right
        if not off.any():
            return where
        scale = float((three.right * two.right).sum() / (two.right**2).sum())
        grown = float(((three.yours - three.right) * off).sum() / (off**2).sum())
        if np.isclose(grown, 2 * scale, rtol=1e-4):
            return f"{where}: somewhere it is multiplied in one time too many"
        if np.isclose(grown, 2 * scale / 1.5, rtol=1e-4):
            return f"{where}: somewhere it is left out"
        return where
    return ""


def axis_of_one(t: Trials) -> str:
    """Keep a single place of an axis: a missing or extra sum over that axis is then harmless."""
    for axis in range(t.dy.ndim):
        back, count = t.dy.ndim - axis, t.dy.shape[axis]
        if count == 1 or not _wrong_everywhere(t, back, count):
            continue
        short = [
            a.take([0], -back) if a.ndim >= back and a.shape[-back] == count else a
            for a in t.leaves
        ]
        if t.agrees(t.dy.take([0], axis), short):
            return (
                f"yours is right where axis {axis} of y has length 1: is there a sum or a mean "
                f"over that axis that should not be there, or is one missing?"
            )
    return ""


def _wrong_everywhere(t: Trials, back: int, count: int) -> bool:
    """Tell whether yours is wrong at each place of an axis, if it has that axis."""
    if t.right.ndim < back or t.right.shape[-back] != count:
        return True
    wrong = ~np.isclose(t.yours, t.right, rtol=1e-6, atol=1e-9 * np.abs(t.right).max())
    return bool(np.moveaxis(wrong, -back, 0).reshape(count, -1).any(1).all())


# The first that holds is reported, so the most specific ones come first.
HYPOTHESES: tuple[Hypothesis, ...] = (
    where_zero,
    rearranged,
    places,
    shortcut,
    one_number_for_dy,
    another_point,
    another_argument,
    powers_of_dy,
    carried_forward,
    what_comes_in,
    mask,
    argument_of_ones,
    argument_of_trues,
    equal_arguments,
    sum_of_dy,
    axis_of_one,  # whose other shapes are compiled anew
    two_sums_of_dy,
)
