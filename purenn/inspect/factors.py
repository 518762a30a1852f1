"""The usual meaning of a constant factor between a derivative and the right one."""

from collections.abc import Callable, Iterator
from typing import Any


def what_factor(
    factor: float, m: int, referee: Any, fits: Callable[[float], bool], *, of_loss: bool
) -> str:
    """Say what a constant factor usually means.

    Args:
        factor: the factor between the derivative and the right one.
        m: the batch size.
        referee: the right derivative.
        fits: whether a factor of this size explains the derivative, to its precision.
        of_loss: whether y is a single number, such as a mean.
    """
    size_of = abs(factor)
    found = [(value, why) for value, why in _usual(size_of, m, referee, of_loss) if fits(value)]
    # Of values that are all close enough, take the closest, and of equal ones the first.
    _, reason = min(found, key=lambda one: abs(one[0] / size_of - 1), default=(0.0, ""))
    if factor < 0 and (reason or referee.size > 1 or is_round(size_of, fits)):
        size = reason or _in_words(size_of, fits)
        reason = "the sign is wrong" + (f", and {size}" if size else "")
    return f": {reason}" if reason else ""


def is_round(size_of: float, fits: Callable[[float], bool]) -> bool:
    """Tell whether a factor is a whole number or one over a whole number."""
    return fits(round(size_of)) or fits(1 / max(1, round(1 / size_of)))


def _in_words(size_of: float, fits: Callable[[float], bool]) -> str:
    """Say how large a derivative is relative to the right one, unless both are equal in size."""
    if fits(1.0):
        return ""
    whole = round(1 / size_of)
    if whole > 1 and fits(1 / whole):
        return f"the size is 1/{whole} of the right one"
    return "so is the size"


def _usual(size_of: float, m: int, referee: Any, of_loss: bool) -> Iterator[tuple[float, str]]:
    """Yield the factors that mistakes usually bring, each with its reason, likeliest first."""
    size, last = referee.size, referee.shape[-1] if referee.ndim > 1 else 1
    if m > 1:
        yield m, f"the 1/m is missing (m = {m})"
        yield 1 / m, f"divided by m one time too many (m = {m})"
    if size > 1:
        yield size, f"the 1/n over every element is missing (n = {size})"
    if size > m > 1:
        yield size / m, f"divided by m = {m} instead of n = {size}"
        yield m / size, f"divided by n = {size} instead of m = {m}"
    two = "an extra factor of 2, or a missing one"
    if last == 4:
        two += ", or the scale 1/sqrt(d) (d = 4)?"
    yield 2.0, two
    yield 0.5, two
    kept = round(size_of * m)
    if of_loss and 0 < kept < m:
        yield kept / m, f"a mean over m = {m} instead of {kept}: are ignored examples counted?"
    if last > 1:
        yield last**0.5, f"is the scale 1/sqrt(d) missing (d = {last})?"
        yield last**-0.5, f"is the scale 1/sqrt(d) there twice (d = {last})?"
