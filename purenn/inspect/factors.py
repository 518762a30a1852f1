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
    if factor < 0:
        reason = "the sign is wrong" + (f", and {reason}" if reason else "")
    return f": {reason}" if reason else ""


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
