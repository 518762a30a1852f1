"""A derivative beside its referee, and in words what kind of mistake it looks like."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from purenn.core.text import printable


class LeafReport(NamedTuple):
    """How one derivative compares.

    Attributes:
        name: of the derivative, such as `dw`.
        ok: whether it is right.
        error: the largest difference, divided by the referee's largest element; as it is where the
            referee is zero.
        message: in words.
    """

    name: str
    ok: bool
    error: float  # max|yours - referee| / max|referee|; absolute where the referee is zero
    message: str


class Report(NamedTuple):
    """What `check_gradients` and `compare` return; printed, a line a derivative.

    Attributes:
        leaves: a `LeafReport` for each derivative.
        ok: whether every derivative is right; `bool(report)` is the same.
        worst: the largest error of any derivative.
    """

    leaves: tuple[LeafReport, ...]

    @property
    def ok(self) -> bool:
        """Whether every derivative is right."""
        return all(leaf.ok for leaf in self.leaves)

    def __bool__(self) -> bool:
        """As `ok`, so that `assert report` means what it says."""
        return self.ok

    @property
    def worst(self) -> float:
        """The largest error of any derivative."""
        return max((leaf.error for leaf in self.leaves), default=0.0)

    def __repr__(self) -> str:
        """A line a derivative."""
        if not self.leaves:
            return "OK  nothing to differentiate"
        failed, of = sum(not leaf.ok for leaf in self.leaves), len(self.leaves)
        head = f"FAIL  {failed} of {of}" if failed else f"OK  {of} of {of}"
        width = max(len(leaf.name) for leaf in self.leaves)
        lines = [head] + [f" {x.name:<{width}} {x.message}" for x in self.leaves]
        return printable("\n".join(lines))

    def __str__(self) -> str:
        """As `repr`."""
        return repr(self)


def judge(
    name: str,
    yours: Any,
    referee: Any,
    *,
    m: int,
    tolerance: float,
    floor: float,
    dy: Any = None,
    ignore: Any = None,
    others: Mapping[str, Any] = MappingProxyType({}),
) -> LeafReport:
    """Compare one derivative, element by element.

    Args:
        name: what the report calls it.
        yours: the derivative to judge.
        referee: the right one.
        m: the batch size, which explains many a factor.
        tolerance: of the largest difference, relative to the largest element.
        floor: a referee no larger than this counts as zero, and is judged absolutely.
        dy: the cotangent; that of a scalar is easily forgotten.
        ignore: a mask of elements at kinks, where more than one value is right.
        others: the other right values by name, one of which yours may be.
    """
    referee = np.asarray(referee, np.float64)
    if yours is None:
        return LeafReport(name, False, np.inf, "is missing: None came")
    try:
        yours = np.asarray(yours).astype(np.float64)
    except (TypeError, ValueError):
        return LeafReport(name, False, np.inf, f"is no array: a {type(yours).__name__} came")
    if not np.isfinite(yours).all():
        bad = int((~np.isfinite(yours)).sum())
        return LeafReport(name, False, np.inf, f"{bad} of {yours.size} elements are not finite")
    largest = float(np.abs(referee).max(initial=0))
    zero = largest <= floor
    scale, limit = (1.0, max(tolerance, floor)) if zero else (largest, tolerance)

    def words(yours: Any) -> str:
        """What is wrong with values of the right shape; nothing if nothing is."""
        difference = np.abs(yours - referee)
        if float(difference.max(initial=0)) / scale <= limit:
            return ""
        if zero:
            return f"should be zero, yours is up to {np.abs(yours).max():.4g}"
        top = float(dy) if np.size(dy) == 1 and dy is not None else 1.0
        return _value_mistake(yours, referee, m, top, difference, scale * limit)

    if yours.shape != referee.shape:
        text = f"shape {yours.shape}, expected {referee.shape}"
        mistake, mended = _shape_mistake(yours, referee, m)
        also = "" if mended is None else words(mended)
        text += f": {mistake}" * bool(mistake) + f"; and then {also}" * bool(also)
        return LeafReport(name, False, np.inf, text)
    if ignore is not None and ignore.any():
        yours = np.where(ignore, referee, yours)
    error = float(np.abs(yours - referee).max(initial=0)) / scale
    message = words(yours)
    for other, value in others.items() if message else ():
        if np.shape(value) == yours.shape and yours.size > 1 and np.asarray(value).any():
            apart = float(np.abs(yours - np.asarray(value, np.float64)).max())
            if apart <= limit * float(np.abs(yours).max()):
                message = f"yours is {other}: two values swapped?"
    return LeafReport(name, not message, error, message or "ok")


def _shape_mistake(yours: Any, referee: Any, m: int) -> tuple[str, Any]:
    """What the shape looks like, and yours in the right shape where that can be had."""
    if yours.ndim == referee.ndim and yours.shape == referee.T.shape:
        return "yours is the transpose", yours.T
    if yours.size == 1 and referee.size > 1:
        return "a sum without axis=0?", None
    if yours.ndim == referee.ndim + 1 and yours.shape == (m, *referee.shape):
        return "not summed over the batch, axis=0?", yours.sum(0)
    if np.squeeze(yours).shape == np.squeeze(referee).shape:
        return "an axis of 1 too many or too few (keepdims?)", yours.reshape(referee.shape)
    return "", None


def _value_mistake(
    yours: Any, referee: Any, m: int, dy: float, difference: Any, limit: float
) -> str:
    if not yours.any():
        return "is zero everywhere"
    close = max(1e-6 * float(np.abs(yours).max()), limit)
    factor = float((yours * referee).sum() / (referee * referee).sum())
    if np.abs(yours - factor * referee).max() <= close and abs(factor - 1) > 1e-5:
        reason = _factor(factor, m, referee.size)
        without = _factor(factor * dy, m, referee.size)
        if not reason and (without or np.isclose(factor * dy, 1, rtol=1e-6)):
            reason = f": dy, which comes in, is left out{without.replace(':', ', and')}"
        return f"yours = {factor:.4g} × referee everywhere{reason}"
    if yours.ndim > 1 and yours.shape == yours.T.shape and _near(yours, referee.T, close):
        return "yours is the transpose"
    if yours.size > 1 and np.ptp(yours) <= close:
        total = _near(yours, referee.sum(), close)
        return f"every element is {yours.flat[0]:.6g}" + ": a sum without its axis?" * total
    wrong = difference > limit
    worst = np.unravel_index(int(difference.argmax()), difference.shape)
    place = f" {tuple(int(i) for i in worst)}" if worst else ""
    hint = ""
    if float(difference.max()) < 1e-5 * float(np.abs(referee).max()):
        hint = "; is something computed in float32?"
    digits = 6 if not hint else 10
    return (
        f"{int(wrong.sum())} of {wrong.size} elements differ; worst{place}: "
        f"yours {yours[worst]:.{digits}g}, referee {referee[worst]:.{digits}g}{hint}"
    )


def _near(a: Any, b: Any, close: float) -> bool:
    return bool(np.abs(a - b).max(initial=0) <= close)


def _factor(factor: float, m: int, size: int) -> str:
    """What a constant factor usually means."""
    sign, size_of = (-1 if factor < 0 else 1), abs(factor)

    def is_about(value: float) -> bool:
        return bool(np.isclose(size_of, value, rtol=1e-6))

    reason = ""
    if m > 1 and is_about(m):
        reason = f"the 1/m is missing (m = {m})"
    elif m > 1 and is_about(1 / m):
        reason = f"divided by m once too often (m = {m})"
    elif size > 1 and is_about(size):
        reason = f"the 1/n over every element is missing (n = {size})"
    elif m > 1 and size > m and is_about(size / m):
        reason = f"divided by m = {m} instead of n = {size}"
    elif is_about(2) or is_about(0.5):
        reason = "a factor 2 too many or too few"
    if sign < 0:
        reason = "the sign is wrong" + (f", and {reason}" if reason else "")
    return f": {reason}" if reason else ""
