"""The parts of an exercise, and the two ways to grade one: as a derivative, and as a value."""

import functools
import zlib
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import numpy as np

import purenn as pn
from grading.known import Mistakes, largest, name_at_all, name_of
from grading.words import for_students
from purenn.inspect.report import LeafReport, as_numbers, judge

CALLS = 12  # of a backward pass, with different arguments, that a mistake has to agree with


class Check(NamedTuple):
    """One point: a derivative or a value, whether it is right, and in words what is wrong."""

    name: str
    passed: bool
    message: str
    carried: bool = False  # whether it is right, or follows from the student's own earlier values


class Part(NamedTuple):
    """One function of a student's file."""

    name: str  # of the function
    checks: tuple[str, ...]  # a point each, by name
    mark: Callable[[Callable[..., Any], int], list[Check]]  # (the student's function, seed)
    # (the names in the student's file, seed, checks): with follow-through credit
    follow: Callable[[dict[str, Any], int, list[Check]], list[Check]] | None = None


def generator(exercise: str, seed: int) -> np.random.Generator:
    """Random numbers for one exercise, so no two exercises share their data."""
    return np.random.default_rng([seed, zlib.crc32(exercise.encode())])


def sizes(rng: np.random.Generator, count: int) -> list[int]:
    """Batch size and widths, all different: a transpose shows, and a factor has one reason."""
    return [int(size) for size in rng.permutation([3, 4, 5, 6, 7])[:count]]


def to_numpy(value: Any) -> Any:
    """A copy in NumPy: a student's file knows no JAX, and may write into what it gets."""
    return np.array(value) if isinstance(value, (jax.Array, np.ndarray)) else value


def derivatives(
    names: Sequence[str],
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *arguments: Any,
    letters: Mapping[str, str] = MappingProxyType({}),
    mistakes: Mapping[str, Mistakes] = MappingProxyType({}),
) -> list[Check]:
    """Grade a backward pass with `pn.check_gradients`.

    Args:
        names: the derivatives that earn a point.
        forward: the right one, in JAX; never the student's, which might be wrong the same way.
        backward: the student's, in one of the two forms that `check_gradients` takes.
        *arguments: of `forward`.
        letters: what the exercise calls the `x`, `y`, and `dy` of a message.
        mistakes: for a derivative, what well-known mistakes give, with the arguments of `backward`.
    """
    calls: list[tuple[Any, Any]] = []

    @functools.wraps(backward)  # whose signature tells what its arguments are
    def by_numpy(*given: Any) -> Any:
        came = backward(*(to_numpy(value) for value in given))
        if isinstance(came, (tuple, list)) and len(came) > len(names):
            raise ValueError(f"{len(came)} values came back, expected {listed(names)}")
        came = tuple(came) if isinstance(came, list) else came
        calls.append((tuple(to_numpy(value) for value in given), came))
        return came

    report = pn.check_gradients(jax.jit(forward), by_numpy, *arguments)
    note = f"; {report.note}" if report.ok and report.note else ""
    leaves = {leaf.name: leaf._replace(message=leaf.message + note) for leaf in report.leaves}
    # The arguments may also be tried in another order, which a mistake has no formula for.
    usual = [np.shape(value) for value in calls[0][0]] if calls else []
    alike = [call for call in calls if [np.shape(value) for value in call[0]] == usual]
    aligned = [(given, _aligned(names, came)) for given, came in alike[:CALLS]]
    checks = []
    for k, name in enumerate(names):
        leaf = leaves.get(name)
        found = [(given, came[k]) for given, came in aligned if came[k] is not None]
        known = "" if leaf is None or leaf.ok else name_at_all(mistakes.get(name, {}), found)
        if known:
            checks.append(Check(name, False, known))
        else:
            checks.append(_check(name, leaf, found[0][1] if found else None, letters))
    return checks


def _aligned(names: Sequence[str], came: Any) -> list[Any]:
    """What one call returned as arrays, in the order of the names."""
    if isinstance(came, dict):
        came = tuple(came.get(name) for name in names)
    came = came if isinstance(came, tuple) else (came,)
    return [as_numbers(value) for value in (*came, *[None] * len(names))[: len(names)]]


def value(
    name: str,
    mine: Any,
    right: Any,
    *,
    m: int = 1,
    tolerance: float = 1e-9,
    mistakes: Mistakes = MappingProxyType({}),
    given: Sequence[Any] = (),
    note: str = "",
) -> Check:
    """Grade a value that is not a derivative, in the words of `check_gradients`.

    `mistakes` are what well-known mistakes give, with `given` as their arguments; a
    `note` comes after the message.
    """
    leaf = judge(name, mine, right, m=m, tolerance=tolerance, floor=1e-12)
    if not leaf.ok and (array := as_numbers(mine)) is not None:
        close = max(1e-6, tolerance) * largest(array)
        known = name_of(mistakes, array, right, close, *given)
        leaf = leaf._replace(message=known) if known else leaf
    return _check(name, leaf._replace(message=leaf.message + f"; {note}" * bool(note)), right)


def answers(
    names: Sequence[str],
    mine: Any,
    explanation: Any,
    *,
    tolerance: Callable[[Any], float] = lambda right: 1e-9,
    fitted: Callable[[Any, Any], tuple[Any, str]] = lambda mine, right: (mine, ""),
) -> list[Check]:
    """Grade a dict of values with `pn.compare`.

    `fitted` puts a value into the shape of the right one, and says so.
    """
    checks = []
    for name in names:
        if name not in a_dict(mine, names):
            checks.append(_check(name, None))
            continue
        limit = tolerance(explanation[name])
        shaped, note = fitted(mine[name], explanation[name])
        (leaf,) = pn.compare({name: shaped}, explanation, tolerance=limit).leaves
        leaf = leaf._replace(message=leaf.message + f"; {note}" * bool(note))
        checks.append(_check(name, leaf, explanation[name]))
    return checks


def a_dict(mine: Any, names: Sequence[str]) -> dict[str, Any]:
    """What a function that returns a dict gave, or an error in words."""
    if not isinstance(mine, dict):
        raise TypeError(f"expected a dict with {listed(names)}, got a {type(mine).__name__}")
    return mine


def several(mine: Any, names: Sequence[str]) -> Sequence[Any]:
    """What a function that returns several values gave, or an error in words."""
    if not isinstance(mine, (tuple, list)) or len(mine) != len(names):
        count = len(mine) if isinstance(mine, (tuple, list)) else 1
        raise ValueError(f"{count} values came back, expected {listed(names)}")
    return mine


def listed(names: Sequence[str]) -> str:
    """3 values: dx, dw, db."""
    return f"{len(names)}: {', '.join(names)}"


def _check(
    name: str,
    leaf: LeafReport | None,
    right: Any = None,
    letters: Mapping[str, str] = MappingProxyType({}),
) -> Check:
    if leaf is None:
        return Check(name, False, "is missing")
    size = None if right is None else np.size(right)
    return Check(name, leaf.ok, for_students(leaf.message, size, letters))
