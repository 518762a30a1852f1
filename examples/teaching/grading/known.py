"""Well-known mistakes: a wrong value that one of them gives is named after it, and no other."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Mistakes = Mapping[str, Callable[..., Any]]  # what each gives, by its description


def quietly(formula: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What a formula gives, or None where it fails: a student's arrays can have any shape."""
    try:
        with np.errstate(all="ignore"):
            return np.asarray(formula(*arguments, **named), np.float64)
    except Exception:
        return None


def near(mine: Any, other: Any, limit: float) -> bool:
    """Whether two arrays of one shape are equal up to an absolute limit, where NaN equals NaN."""
    return (
        other is not None
        and np.shape(mine) == np.shape(other)
        and bool(np.allclose(mine, other, rtol=0, atol=limit, equal_nan=True))
    )


def finite(values: Any) -> Any:
    """Those that are neither infinite nor NaN: only they show how an array was computed."""
    return values[np.isfinite(values)]


def largest(values: Any) -> float:
    """The size of the largest finite element."""
    return float(np.abs(finite(values)).max(initial=0))


def name_of(
    mistakes: Mistakes, mine: Any, right: Any, close: float, *arguments: Any, **named: Any
) -> str:
    """The mistake that gives this value, unless that is also the right value."""
    for words, formula in mistakes.items():
        wrong = quietly(formula, *arguments, **named)
        if near(mine, wrong, close) and finite(wrong).any() and not near(right, wrong, 2 * close):
            return words
    return ""


def name_at_all(mistakes: Mistakes, calls: Sequence[tuple[Sequence[Any], Any]]) -> str:
    """The mistake that gives the value of every call, of which each has arguments and a value.

    With one dy, two mistakes may give the same: where it is 1 everywhere, for example.
    """
    for words, formula in mistakes.items():
        wrong = [quietly(formula, *arguments) for arguments, _ in calls]
        agrees = (
            near(mine, value, 1e-6 * largest(mine))
            for value, (_, mine) in zip(wrong, calls, strict=True)
        )
        if all(agrees) and any(finite(value).any() for value in wrong):
            return words
    return ""
