"""What a constant factor between a derivative and the right one usually means."""

from typing import Any

import numpy as np


def what_factor(factor: float, m: int, referee: Any, *, of_loss: bool) -> str:
    """Say what a constant factor usually means.

    Args:
        factor: between the derivative and the right one.
        m: the batch size.
        referee: the right one.
        of_loss: whether y is a single number, such as a mean.
    """
    sign, size_of, size = (-1 if factor < 0 else 1), abs(factor), referee.size
    last = referee.shape[-1] if referee.ndim > 1 else 1

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
        if last == 4:
            reason += ", or the scale 1/sqrt(d) (d = 4)?"
    elif of_loss and size_of < 1 and is_about(round(size_of * m) / m):
        kept = round(size_of * m)
        reason = f"a mean over m = {m} instead of {kept}: are ignored examples counted?"
    elif last > 1 and is_about(last**0.5):
        reason = f"is the scale 1/sqrt(d) missing (d = {last})?"
    elif last > 1 and is_about(last**-0.5):
        reason = f"is the scale 1/sqrt(d) there twice (d = {last})?"
    if sign < 0:
        reason = "the sign is wrong" + (f", and {reason}" if reason else "")
    return f": {reason}" if reason else ""
