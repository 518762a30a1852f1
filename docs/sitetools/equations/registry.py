"""`equation`: a formula of a page, tied to its source line, its NumPy form, and its check."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np

Fn = Callable[..., Any]

TOLERANCE = 1e-12  # in float64, of the largest number


class Equation(NamedTuple):
    """What stands behind one displayed equation."""

    name: str
    source: str  # the definition that computes it, `module:qualname`
    line: str  # a part of the one line there that does
    numpy: Fn  # the equation as it is printed, in NumPy
    by_purenn: Fn  # the same number out of the package
    inputs: Fn  # (rng) -> the arguments of both
    parsed: str  # the argument that the printed LaTeX is a formula of, "" when it is not parsed
    also: tuple[tuple[str, str], ...]  # more pairs of a definition and a line: what comes after it


EQUATIONS: dict[str, Equation] = {}


def equation(
    name: str,
    *,
    source: str,
    line: str,
    by_purenn: Fn,
    inputs: Fn,
    parsed: str = "",
    also: tuple[tuple[str, str], ...] = (),
) -> Callable[[Fn], Fn]:
    """Registers a NumPy transcription as the equation `name`.

    With `parsed`, the letter of an elementwise equation's argument, the LaTeX on the page is itself
    read by sympy and compared with purenn.
    """

    def register(numpy: Fn) -> Fn:
        if name in EQUATIONS:
            raise ValueError(f"equation: name: {name!r} is taken")
        EQUATIONS[name] = Equation(name, source, line, numpy, by_purenn, inputs, parsed, also)
        return numpy

    return register


@cache
def worst(name: str) -> float:
    """The largest difference of purenn from the transcription, in float64, to the largest number.

    Raises:
        ArithmeticError: it is above the tolerance.
    """
    entry = EQUATIONS[name]
    with jax.enable_x64(True):
        arguments = entry.inputs(np.random.default_rng(0))
        expected = jax.tree.leaves(entry.numpy(*arguments))
        got = jax.tree.leaves(entry.by_purenn(*arguments))
    if len(got) != len(expected):
        raise ArithmeticError(f"equation {name}: {len(got)} arrays, expected {len(expected)}")
    result = 0.0
    for a, b in zip(got, map(np.asarray, expected), strict=True):
        if np.shape(a) != b.shape:
            raise ArithmeticError(f"equation {name}: shape {np.shape(a)}, expected {b.shape}")
        scale = np.abs(b).max() or 1.0
        result = max(result, float(np.abs(np.asarray(a, np.float64) - b).max() / scale))
    if not result <= TOLERANCE:
        raise ArithmeticError(f"equation {name}: purenn is {result:.1e} from the transcription")
    return result
