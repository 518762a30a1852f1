"""A derivative beside its referee, and in words what kind of mistake it looks like."""

from typing import Any, NamedTuple

import numpy as np


class LeafReport(NamedTuple):
    """How one derivative compares."""

    name: str
    ok: bool
    error: float  # max|yours - referee| / max|referee|; absolute where the referee is zero
    message: str


class Report(NamedTuple):
    """What `check_gradients` and `compare` return; printed, a line a derivative."""

    leaves: tuple[LeafReport, ...]

    @property
    def ok(self) -> bool:
        """Whether every derivative is right."""
        return all(leaf.ok for leaf in self.leaves)

    @property
    def worst(self) -> float:
        """The largest error of any derivative."""
        return max((leaf.error for leaf in self.leaves), default=0.0)

    def __repr__(self) -> str:
        """A line a derivative."""
        failed = sum(not leaf.ok for leaf in self.leaves)
        head = f"FAIL  {failed} of {len(self.leaves)}" if failed else f"OK  {len(self.leaves)}"
        width = max((len(leaf.name) for leaf in self.leaves), default=0)
        return "\n".join([head] + [f" {x.name:<{width}} {x.message}" for x in self.leaves])

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
    ignore: Any = None,
) -> LeafReport:
    """Compare one derivative, element by element.

    Args:
        name: what the report calls it.
        yours: the derivative to judge.
        referee: the right one.
        m: the batch size, which explains many a factor.
        tolerance: of the largest difference, relative to the largest element.
        floor: a referee no larger than this counts as zero, and is judged absolutely.
        ignore: a mask of elements at kinks, where more than one value is right.
    """
    referee = np.asarray(referee, np.float64)
    if yours is None:
        return LeafReport(name, False, np.inf, "is missing: None came")
    try:
        yours = np.asarray(yours).astype(np.float64)
    except (TypeError, ValueError):
        return LeafReport(name, False, np.inf, f"is no array: a {type(yours).__name__} came")
    if yours.shape != referee.shape:
        return LeafReport(name, False, np.inf, _shape_mistake(yours, referee, m))
    if ignore is not None and ignore.any():
        yours = np.where(ignore, referee, yours)
    if not np.isfinite(yours).all():
        bad = int((~np.isfinite(yours)).sum())
        return LeafReport(name, False, np.inf, f"{bad} of {yours.size} elements are not finite")
    largest = float(np.abs(referee).max(initial=0))
    scale = largest if largest > floor else 1.0
    difference = np.abs(yours - referee)
    error = float(difference.max(initial=0)) / scale
    if error <= (tolerance if largest > floor else max(tolerance, floor)):
        return LeafReport(name, True, error, "ok")
    return LeafReport(name, False, error, _value_mistake(yours, referee, m, difference, scale))


def _shape_mistake(yours: Any, referee: Any, m: int) -> str:
    text = f"shape {yours.shape}, expected {referee.shape}"
    if yours.shape == referee.T.shape:
        return f"{text}: yours is the transpose"
    if yours.size == 1 and referee.size != 1:
        return f"{text}: a sum without axis=0?"
    if yours.shape[1:] == referee.shape and yours.shape[:1] == (m,):
        return f"{text}: not summed over the batch, axis=0?"
    if yours.size == referee.size:
        return f"{text}: the same numbers in another shape (keepdims?)"
    return text


def _value_mistake(yours: Any, referee: Any, m: int, difference: Any, scale: float) -> str:
    if not yours.any():
        return "is zero everywhere"
    close = 1e-6 * max(float(np.abs(yours).max()), scale)
    factor = float((yours * referee).sum() / max((referee * referee).sum(), 1e-300))
    if np.abs(yours - factor * referee).max() <= close and referee.size > 0:
        reason = _factor(factor, m, referee.size)
        return f"yours = {factor:.4g} × referee everywhere{reason}"
    if yours.shape == yours.T.shape and np.abs(yours - referee.T).max() <= close:
        return "yours is the transpose"
    if yours.size > 1 and np.ptp(yours) <= close:
        return f"every element is {yours.flat[0]:.6g}: a sum without its axis?"
    wrong = difference > 1e-9 * scale
    worst = np.unravel_index(int(difference.argmax()), difference.shape)
    place = f" {tuple(int(i) for i in worst)}" if worst else ""
    hint = ""
    if float(difference.max()) < 1e-5 * scale:
        hint = "; is something computed in float32?"
    return (
        f"{int(wrong.sum())} of {wrong.size} elements differ; worst{place}: "
        f"yours {yours[worst]:.6g}, referee {referee[worst]:.6g}{hint}"
    )


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
