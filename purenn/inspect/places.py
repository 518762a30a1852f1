"""The places of an array in the words of the report."""

from typing import Any

import numpy as np


def at_place(axis: int, j: Any) -> str:
    """Write a place along an axis as an index, such as [:, 2]."""
    return f"[{', '.join([':'] * axis + [str(j)])}]"


def listed(names: list[str]) -> str:
    """Write names as a list, the first few of many."""
    if len(names) > 3:
        return f"{', '.join(names[:2])} and {len(names) - 2} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def should_be_zero(yours: Any, referee: Any) -> str:
    """Name the places along an axis where the right derivative is zero and yours is not."""
    for axis in range(referee.ndim):
        others = tuple(k for k in range(referee.ndim) if k != axis)
        right, mine = (np.abs(a).max(others) > 1e-9 * np.abs(a).max() for a in (referee, yours))
        if right.any() and not right.all() and mine[~right].all():
            where = listed([at_place(axis, j) for j in np.flatnonzero(~right)])
            return f"; all of {where} should be 0"
    return ""
