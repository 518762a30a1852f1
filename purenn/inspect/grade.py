"""Judges the derivatives of a backward by the referees, leaf by leaf."""

from typing import Any

import numpy as np

from purenn.inspect.finite_differences import SHARP, Slopes, search
from purenn.inspect.matching import NOT_ASKED, Absent
from purenn.inspect.referee import Referee
from purenn.inspect.report import LeafReport, Report, as_numbers, judge


def grade(referee: Referee, yours: list[Any], tolerance: float) -> Report:
    """Judge the leaves of a backward's derivatives."""
    count = len(referee.names)
    leaves = [
        _graded(referee, i, mine, tolerance)
        for i, mine in enumerate(yours[:count])
        if mine is not NOT_ASKED
    ]
    for extra in yours[count:]:
        leaves.append(LeafReport(extra.name, extra.ok, 0.0 if extra.ok else np.inf, extra.why))
    return Report(tuple(leaves))


def _graded(referee: Referee, i: int, mine: Any, tolerance: float) -> LeafReport:
    """Judge one leaf."""
    name, slopes = referee.names[i], referee.slopes[i]
    if isinstance(mine, Absent):
        return LeafReport(name, False, np.inf, f"is missing: {mine.why}")
    if not referee.case.traceable:
        return _by_differences(referee, i, mine, tolerance)
    disagreement = _disagreement(name, referee.right[i], slopes)
    if disagreement is not None:
        return disagreement
    leaf = _judged(referee, i, mine, referee.right[i], slopes, tolerance)
    return leaf._replace(message=leaf.message + slopes.named_kinks() + _if_empty(slopes))


def _by_differences(referee: Referee, i: int, mine: Any, tolerance: float) -> LeafReport:
    """Judge one leaf where JAX can't see into NumPy code: less sharply, and not all at once."""
    slopes, numbers = referee.slopes[i], as_numbers(mine)

    def judged() -> LeafReport:
        tried = mine if numbers is None else slopes.only_tried(numbers)
        return _judged(referee, i, tried, slopes.full(), slopes, max(tolerance, SHARP))

    leaf = judged()
    size = int(np.prod(slopes.shape))
    if leaf.ok and slopes.tried.size + slopes.unclear.size < size:
        slopes = search(referee.case, referee.y, referee.dy, i, slopes, numbers)
        leaf = judged()
    words = slopes.named_kinks() + _if_empty(slopes)
    if slopes.unclear.size:
        leaf = leaf._replace(ok=False, error=np.inf)
        words += (
            f"; {slopes.unclear.size} of {size} elements not judged, such as "
            f"{slopes.place(slopes.unclear[0])}: finite differences can't tell; write forward "
            f"with jax.numpy, or choose others"
        )
    return leaf._replace(message=leaf.message + words)


def _judged(
    referee: Referee, i: int, mine: Any, right: Any, slopes: Slopes, tolerance: float
) -> LeafReport:
    numbers = as_numbers(mine)
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
        mistakes=lambda: referee.mistakes(i),
    )


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
