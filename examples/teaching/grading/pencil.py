"""What exercises with pencil and paper share: numbers that can be worked with, and rounding."""

from typing import Any

import numpy as np


def rounded(right: Any) -> float:
    """The relative tolerance for three decimals, carried through a few steps of working."""
    return max(0.01, 0.002 / float(np.abs(right).max()))


def clear_enough(explanation: Any, names: tuple[str, ...]) -> bool:
    """Whether every value is large enough to tell right from wrong at three decimals."""
    arrays = {name: np.asarray(explanation[name]) for name in names}
    largest = [float(np.abs(array).max()) for array in arrays.values()]
    if min(largest) < 0.04 or max(largest) > 8:
        return False
    # A saturated unit has nothing to work out, and a ReLU must not stand at its corner.
    hidden = arrays["Z1"]
    return bool(np.abs(hidden).min() >= 0.5 and np.abs(hidden).max() <= 4)
