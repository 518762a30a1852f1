"""How precise numbers are, as far as the numbers themselves show it, and how near to others."""

from typing import Any

import numpy as np


def precision_of(values: Any) -> float:
    """Return the error that these numbers have anyway: that of their decimals, or of float32.

    Numbers of float64 that were not rounded give 0.
    """
    if digits := decimals(values):
        return 0.75 * 10.0**-digits  # half a unit, and what it adds to an estimated factor
    largest = float(np.abs(values).max(initial=0))
    with np.errstate(over="ignore"):
        is_single = (values.astype(np.float32) == values).all()
    return 1e-5 * largest if is_single else 0.0


def decimals(values: Any) -> int:
    """Return how many decimals these numbers are rounded to, 2 to 5, and 0 if they are not.

    Whole numbers and halves are more often meant than rounded. A single number is not enough
    evidence, and neither are numbers that rounding would nearly erase.
    """
    largest = float(np.abs(values).max(initial=0))
    for digits in range(6):
        if np.abs(values - np.round(values, digits)).max(initial=0) <= 1e-12 * largest:
            is_rounded = digits > 1 and values.size > 1 and 10.0**-digits <= 0.02 * largest
            return digits if is_rounded else 0
    return 0


def near(a: Any, b: Any, close: float) -> bool:
    """Tell whether two arrays are equal up to an absolute limit."""
    return bool(np.abs(a - b).max(initial=0) <= close)
