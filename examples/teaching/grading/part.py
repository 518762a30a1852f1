"""The parts that an exercise is marked by, and the two ways to mark: a derivative, and a value."""

import functools
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

import purenn as pn
from purenn.inspect.report import LeafReport, judge


class Check(NamedTuple):
    """One point: a derivative or a value, whether it is right, and in words what is wrong."""

    name: str
    passed: bool
    message: str


class Part(NamedTuple):
    """One function of a student's file."""

    name: str  # of the function
    checks: tuple[str, ...]  # a point each, by name
    mark: Callable[[Callable[..., Any], int], list[Check]]  # (the student's function, seed)


def generator(exercise: str, seed: int) -> np.random.Generator:
    """Random numbers of one exercise: its own, so that no two share their data."""
    return np.random.default_rng([seed, zlib.crc32(exercise.encode())])


def sizes(rng: np.random.Generator, count: int) -> list[int]:
    """Batch size and widths, all different: a transpose shows, and a factor has one reason."""
    return [int(size) for size in rng.permutation([3, 4, 5, 6, 7])[:count]]


def to_numpy(value: Any) -> Any:
    """A copy in NumPy: a student's file knows no JAX, and may write into what it gets."""
    return np.array(value) if isinstance(value, (jax.Array, np.ndarray)) else value


def derivatives(
    names: Sequence[str], forward: Callable[..., Any], backward: Callable[..., Any], *arguments: Any
) -> list[Check]:
    """Mark a backward pass with `pn.check_gradients`.

    Args:
        names: the derivatives that bring a point.
        forward: the right one, in JAX; never the student's, which might be wrong the same way.
        backward: the student's, in one of the two forms that `check_gradients` takes.
        *arguments: of `forward`.
    """

    @functools.wraps(backward)  # whose signature tells what its arguments are
    def by_numpy(*given: Any) -> Any:
        came = backward(*(to_numpy(value) for value in given))
        if isinstance(came, (tuple, list)) and len(came) > len(names):
            raise ValueError(f"{len(came)} values came back, expected {listed(names)}")
        return tuple(came) if isinstance(came, list) else came

    report = pn.check_gradients(jax.jit(forward), by_numpy, *arguments)
    note = f"; {report.note}" if report.ok and report.note else ""
    leaves = {leaf.name: leaf._replace(message=leaf.message + note) for leaf in report.leaves}
    return [_check(name, leaves.get(name)) for name in names]


def value(name: str, mine: Any, right: Any, *, m: int = 1, tolerance: float = 1e-9) -> Check:
    """Mark a value that no derivative belongs to, in the words of `check_gradients`."""
    return _check(name, judge(name, mine, right, m=m, tolerance=tolerance, floor=1e-12))


def answers(
    names: Sequence[str],
    mine: Any,
    explanation: Any,
    *,
    tolerance: Callable[[Any], float] = lambda right: 1e-9,
) -> list[Check]:
    """Mark a dict of values with `pn.compare`."""
    if not isinstance(mine, dict):
        raise TypeError(f"a dict with {listed(names)} is expected, a {type(mine).__name__} came")
    checks = []
    for name in names:
        if name not in mine:
            checks.append(_check(name, None))
            continue
        limit = tolerance(explanation[name])
        (leaf,) = pn.compare({name: mine[name]}, explanation, tolerance=limit).leaves
        checks.append(_check(name, leaf))
    return checks


def several(mine: Any, names: Sequence[str]) -> Sequence[Any]:
    """What a function that returns several values gave, or an error in words."""
    if not isinstance(mine, (tuple, list)) or len(mine) != len(names):
        count = len(mine) if isinstance(mine, (tuple, list)) else 1
        raise ValueError(f"{count} values came back, expected {listed(names)}")
    return mine


def listed(names: Sequence[str]) -> str:
    """3 values: dx, dw, db."""
    return f"{len(names)}: {', '.join(names)}"


def _check(name: str, leaf: LeafReport | None) -> Check:
    if leaf is None:
        return Check(name, False, "is missing")
    return Check(name, leaf.ok, leaf.message)
