"""Checks with follow-through credit: what a student's own earlier values say about each one."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from grading.known import near
from grading.links import Followed, Link, Precision, follow
from grading.part import Check
from grading.pencil import fitted, limit
from grading.words import for_students
from purenn.inspect.report import as_numbers, judge


def few(right: Any) -> float:
    """The limit for naming a mistake on paper; one number alone is easily hit by chance."""
    return 0.0015 if np.size(right) == 1 else 0.004


ON_PAPER = Precision(lambda name, right: 0.002 if "new" in name else limit(right), few)
IN_CODE = Precision(
    lambda name, right: 1e-9 * float(np.abs(right).max(initial=0)),
    lambda right: 1e-6 * float(np.abs(right).max(initial=0)),
)


def came_from(function: Any, *arguments: Any) -> Any:
    """What a student's function returns, or None where it fails: its own part says why."""
    try:
        return function(*arguments)
    except BaseException:
        return None


def returned(function: Any, *arguments: Any) -> dict[str, Any]:
    """The same if it is a dict, and otherwise an empty one."""
    came = came_from(function, *arguments)
    return came if isinstance(came, dict) else {}


def with_own(
    checks: list[Check],
    links: Mapping[str, Link],
    given: Mapping[str, Any],
    mine: Mapping[str, Any],
    right: Mapping[str, Any],
    *,
    m: int,
    precision: Precision,
    key: Callable[[str], str] = lambda name: name,
) -> list[Check]:
    """The checks with what follows from the student's own values, and mistakes by name.

    Args:
        checks: of one part.
        links: the formulas of all values up to this part, in order.
        given: what the exercise gives.
        mine: the student's values, by the names of the links.
        right: the right values, by the same names.
        m: the batch size.
        precision: how close two values have to be.
        key: the name of a check among the links.
    """
    g = {name: np.asarray(it) for name, it in given.items()}
    usable = {}
    for name in links:
        array = as_numbers(fitted(mine[name], right[name])[0]) if name in mine else None
        if array is not None and array.shape == np.shape(right[name]) and np.isfinite(array).all():
            usable[name] = array
    found = follow(links, g, usable, right, precision)
    after = []
    for check in checks:
        seen = found.get(key(check.name))
        if check.passed or seen is None:
            after.append(check._replace(carried=check.passed))
        elif seen.follows:
            after.append(Check(check.name, False, f"right from your {seen.origin}", carried=True))
        elif seen.mistake:
            after.append(check._replace(message=seen.mistake))
        elif check.message in links[key(check.name)].mistakes:
            after.append(check)  # made with right values instead of the student's own earlier ones
        else:
            name = key(check.name)
            equal = precision.equal(name, seen.expected)
            if not near(seen.expected, right[name], equal):
                message = second(usable[name], seen, equal, m)
                check = check._replace(message=message or check.message)
            after.append(check)
    return after


def second(mine: Any, seen: Followed, equal: float, m: int) -> str:
    """Describe a mistake after an earlier one, compared with what follows from the earlier one."""
    largest = float(np.abs(seen.expected).max(initial=0))
    if not seen.origin or not largest:
        return ""
    leaf = judge("", mine, seen.expected, m=m, tolerance=equal / largest, floor=1e-12)
    if leaf.ok:
        return ""
    follows = f"what follows from your {seen.origin}"
    message = for_students(leaf.message, np.size(seen.expected)).replace(
        "yours is the transpose", "yours is the transpose of the right value"
    )
    if "the right value" in message:
        return message.replace("the right value", follows)
    if "right value" in message:
        return message.replace("right value", follows)
    return f"{message} (compared with {follows})"
