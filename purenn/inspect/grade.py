"""The comparison of a backward pass's derivatives with the referees', leaf by leaf."""

import re
from typing import Any

import numpy as np

from purenn.inspect.finite_differences import SHARP, Slopes, search
from purenn.inspect.hypotheses import explained
from purenn.inspect.matching import NOT_ASKED, Absent
from purenn.inspect.referee import Referee
from purenn.inspect.report import LeafReport, Report, as_numbers, judge
from purenn.inspect.trials import Trials

EVERYWHERE = r"\beverywhere\b|^(\d+) of \1 elements differ"


def grade(referee: Referee, yours: list[Any], tolerance: float, by_hand: Any = None) -> Report:
    """Judge the leaves of a backward pass's derivatives.

    Args:
        referee: the right derivatives.
        yours: the derivatives to judge.
        tolerance: as in `check_gradients`.
        by_hand: the backward pass, used to find out the kind of a mistake; without it, the report
            says only whether a derivative is wrong.
    """
    count = len(referee.names)
    leaves = [
        _graded(referee, i, mine, tolerance, by_hand)
        for i, mine in enumerate(yours[:count])
        if mine is not NOT_ASKED
    ]
    for extra in yours[count:]:
        leaves.append(LeafReport(extra.name, extra.ok, 0.0 if extra.ok else np.inf, extra.why))
    return Report(tuple(leaves))


def _graded(referee: Referee, i: int, mine: Any, tolerance: float, by_hand: Any) -> LeafReport:
    """Judge one leaf."""
    name, slopes = referee.names[i], referee.slopes[i]
    if isinstance(mine, Absent):
        return LeafReport(name, False, np.inf, f"is missing: {mine.why}")
    if not referee.case.traceable:
        return _by_differences(referee, i, mine, tolerance, by_hand)
    disagreement = _disagreement(name, referee.right[i], slopes)
    if disagreement is not None:
        return disagreement
    leaf = _judged(referee, i, mine, referee.right[i], slopes, tolerance, by_hand)
    return leaf._replace(message=leaf.message + _kinks(leaf, slopes) + _if_empty(slopes))


def _by_differences(
    referee: Referee, i: int, mine: Any, tolerance: float, by_hand: Any
) -> LeafReport:
    """Judge one leaf of NumPy code, which JAX cannot trace: less precisely, element by element."""
    slopes, numbers = referee.slopes[i], as_numbers(mine)

    def judged() -> LeafReport:
        tried = mine if numbers is None else slopes.only_tried(numbers)
        limit = max(tolerance, SHARP)
        return _judged(referee, i, tried, slopes.full(), slopes, limit, by_hand)

    leaf = judged()
    size = int(np.prod(slopes.shape))
    if leaf.ok and slopes.tried.size + slopes.unclear.size < size:
        slopes = search(referee.case, referee.y, referee.dy, i, slopes, numbers)
        leaf = judged()
    words = _kinks(leaf, slopes) + _if_empty(slopes)
    if slopes.unclear.size:
        leaf = leaf._replace(ok=False, error=np.inf)
        words += (
            f"; {slopes.unclear.size} of {size} elements not judged, such as "
            f"{slopes.place(slopes.unclear[0])}: finite differences can't tell; write forward "
            f"with jax.numpy, or choose others"
        )
    return leaf._replace(message=leaf.message + words)


def _judged(
    referee: Referee,
    i: int,
    mine: Any,
    right: Any,
    slopes: Slopes,
    tolerance: float,
    by_hand: Any,
) -> LeafReport:
    numbers = as_numbers(mine)

    def explain(yours: Any, right: Any) -> str:
        if by_hand is None:
            return ""
        return explained(Trials(referee, by_hand, i, yours, right))

    others = dict(zip(referee.names, referee.right, strict=True))
    del others[referee.names[i]]
    return judge(
        referee.names[i],
        mine,
        right,
        m=referee.m,
        dy=referee.dy,
        tolerance=tolerance,
        floor=referee.floor(tolerance),
        ignore=None if numbers is None else slopes.between(numbers),
        others=others,
        mistakes=lambda: {} if by_hand is None else referee.mistakes(i),
        explain=explain,
    )


def _kinks(leaf: LeafReport, slopes: Slopes) -> str:
    """Name the kinks, unless all of the derivative is wrong: then they explain nothing."""
    is_wrong = not np.isfinite(leaf.error) or re.search(EVERYWHERE, leaf.message)
    return "" if is_wrong and not leaf.ok else slopes.named_kinks()


def _if_empty(slopes: Slopes) -> str:
    return "; it is empty" if 0 in slopes.shape else ""


def _disagreement(name: str, right: Any, slopes: Slopes) -> LeafReport | None:
    """Compare JAX's derivative with the finite differences, away from kinks."""
    jax_says = right.reshape(-1)[slopes.tried]
    scale = max(1e-3, float(np.abs(slopes.central).max(initial=0)))
    error = np.where(slopes.kinks, 0, np.abs(jax_says - slopes.central)) / scale
    if not error.size or error.max() <= 1e-5:
        return None
    worst = int(error.argmax())
    text = (
        f"the referees disagree at {slopes.place(slopes.tried[worst])}: JAX {jax_says[worst]:.6g}, "
        f"finite differences {slopes.central[worst]:.6g}; does forward hide a value from JAX "
        f"(stop_gradient, a rule of its own, float32)?"
    )
    return LeafReport(name, False, float(error.max()), text)
