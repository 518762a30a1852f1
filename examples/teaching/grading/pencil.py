"""What exercises with pencil and paper share: numbers that can be worked with, and rounding."""

import itertools
from typing import Any

import numpy as np

from purenn.inspect.report import as_numbers


def picked(rng: np.random.Generator, options: np.ndarray, size: Any) -> np.ndarray:
    """Some of the options, the same as rng.choice gives, which takes much longer."""
    return options[rng.integers(0, len(options), size=size)]


def rounded(right: Any) -> float:
    """The relative tolerance for three decimals, carried through a few steps of working."""
    return max(0.01, 0.002 / max(float(np.abs(right).max()), 1e-9))


def fitted(mine: Any, right: Any) -> tuple[Any, str]:
    """The right numbers with other brackets, put into the right shape, and a note that says so.

    A matrix with rows and columns is left as it is: it may be the transpose.
    """
    found, wanted = as_numbers(mine), np.shape(right)
    if found is None or found.shape == wanted or found.size != np.size(right):
        return mine, ""
    if found.ndim > 1 and np.squeeze(found).shape != tuple(n for n in wanted if n != 1):
        return mine, ""
    shape = " × ".join(map(str, wanted))
    note = f"the brackets are for another shape; read as {shape}, row by row"
    return found.reshape(wanted), note if wanted else "the brackets around one number are ignored"


def limit(value: Any) -> float:
    """The largest difference that counts as equal."""
    return rounded(value) * float(np.abs(value).max(initial=0))


# Rounded to three decimals, a smaller number looks like zero, and so does a wrong one.
SMALLEST = 0.005


def clear_enough(
    values: Any, names: tuple[str, ...], *, others: Any = (), masked: tuple[str, ...] = ()
) -> bool:
    """Whether every printed result is large enough to tell right from wrong at three decimals.

    `values` are those of an explanation, and `others` the results that it does not have. In the
    `masked` ones, a unit that is off has a zero, which is the right answer.
    """
    arrays = {name: np.asarray(values[name]) for name in names}
    largest = [float(np.abs(array).max()) for array in arrays.values()]
    if min(largest) < 0.04 or max(largest) > 8:
        return False
    hidden = arrays["Z1"]
    shown = [array[hidden > 0] if name in masked else array for name, array in arrays.items()]
    if any(np.abs(result).min() < SMALLEST for result in (*shown, *others)):
        return False
    return at_work(hidden)


def at_work(hidden: np.ndarray) -> bool:
    """Whether no unit is saturated, with nothing to work out, and no ReLU stands at its corner."""
    return bool(np.abs(hidden).min() >= 0.5 and np.abs(hidden).max() <= 4)


def tells_places_apart(*matrices: Any) -> bool:
    """Whether mixing up two rows or two columns of any of these shows at three decimals.

    In a square matrix, that also goes for a row and a column.
    """
    return all(unlike_lines(np.atleast_2d(np.asarray(matrix))) for matrix in matrices)


def unlike_lines(rows: np.ndarray) -> bool:
    """Whether no two lines of a matrix that are equally long are the same."""
    square = rows.shape[0] == rows.shape[1] > 1
    return unlike([*rows, *rows.T]) if square else unlike(rows) and unlike(rows.T)


def unlike(rows: Any) -> bool:
    """Whether no two rows are the same."""
    return not any(close(a, b) for a, b in itertools.combinations(rows, 2))


def close(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether the grader could take one for the other."""
    if a.shape != b.shape:
        return False
    largest = max(np.abs(a).max(), np.abs(b).max())
    return bool(np.abs(a - b).max() <= max(0.02 * largest, SMALLEST))
