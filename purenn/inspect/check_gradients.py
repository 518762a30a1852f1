"""`check_gradients`: anyone's backward pass against JAX's derivative and finite differences."""

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from purenn.core import scalars
from purenn.core.adapt import as_op, reject_factory
from purenn.core.layer import Layer
from purenn.core.op import Op
from purenn.core.types import Key, Shape
from purenn.inspect.cases import Reading, layer_case, op_case
from purenn.inspect.function_case import function_case
from purenn.inspect.grade import grade
from purenn.inspect.referee import Referee, ask
from purenn.inspect.report import LeafReport, Report


def check_gradients(
    subject: Any,
    *arguments: Any,
    in_shape: Shape | None = None,
    batch: int = 4,
    train: bool = True,
    key: Key | None = None,
    seed: int = 0,
    tolerance: float | None = None,
    **options: Any,
) -> Report:
    """Check a backward pass against two referees, in float64 and with a random cotangent.

    The first referee is JAX's derivative of the forward pass. The second, finite differences,
    notices if a forward pass hides something from JAX. There are three forms:

    - `check_gradients(layer, in_shape=(784,))`: checks the derivatives with respect to every
      parameter and to `x`, at random parameters and a random batch. You can pass your own `x`, an
      array or `Padded`, as an argument.
    - `check_gradients(op, *arguments)`: checks the derivative with respect to the first argument,
      which may be a pytree.
    - `check_gradients(forward, backward, *arguments)`, plain functions: checks the derivative with
      respect to every argument that `backward` returns one for. Write either `forward(*arguments)
      -> (y, cache)` and `backward(cache, dy)`, or `forward(*arguments) -> y` and
      `backward(*arguments, dy)`. A `backward` that takes `dy` first gets it first, and the report
      says so. Both may be NumPy code; for a NumPy `forward`, finite differences are the only
      referee. `backward` returns the derivatives in the order of the arguments, or in a dict by
      name. It may leave out the last ones, and the report says which; `None` counts as missing.

    If `backward` returns a derivative for an integer argument, it is judged in float64 like
    everything else. Labels and indices have no derivative, so return only `None` or zero for them.

    If a `backward` of small arrays is wrong, it is called again with other cotangents and
    arguments, to find out what kind of mistake it is.

    At a kink (ReLU at exactly 0), any value between the two one-sided derivatives is right. At a
    jump, any value between the slopes on both sides is right. The report names kinks and jumps.

    Args:
        subject: a layer, an op, or the forward function.
        *arguments: as above.
        in_shape: for a layer, the shape of one example.
        batch: for a layer, the number of examples in its random batch.
        train: for a layer, whether to run it as in training.
        key: for a layer, a PRNG key, which dropout needs.
        seed: the seed of all random numbers.
        tolerance: the largest difference allowed, relative to the largest element of the
            derivative. A derivative that is truly zero is judged by the same number absolutely. The
            default is 1e-9, or 1e-6 if another argument is float32 or less precise, such as rows of
            probabilities, which sum to one only to that precision.
        **options: for an op, the options to call it with.

    Returns:
        A `Report` with `report.ok` and `report.worst`. Printed, it has one line per derivative,
        which says what kind of mistake it looks like. A derivative that can't be judged is not
        `ok`.

    Raises:
        TypeError: the functions do not take these arguments, or nothing has a derivative.
        ValueError: the forward pass returns nothing that can be judged, or a different result each
            time.

    Examples:
        >>> import numpy as np
        >>> import purenn as pn
        >>> def forward(x, w):
        ...     return x @ w
        >>> def backward(x, w, dy):
        ...     return dy @ w.T, -x.T @ dy
        >>> x, w = np.random.default_rng(0).normal(size=(2, 3, 3))
        >>> print(pn.check_gradients(forward, backward, x, w))
        FAIL  1 of 2
         dx ok
         dw yours = -1 × referee everywhere: the sign is wrong
        >>> pn.check_gradients(pn.dense(4), in_shape=(3,)).ok
        True
    """
    reject_factory("check_gradients", "subject", subject)
    if options and not _is_op(subject):
        raise TypeError(f"check_gradients: {', '.join(options)}: only an op takes options")
    given = {"in_shape": in_shape, "batch": batch, "train": train, "key": key}
    unused = [name for name, value in given.items() if value is not _OF_A_LAYER[name]]
    if unused and not isinstance(subject, Layer):
        raise TypeError(f"check_gradients: {', '.join(unused)}: only a layer takes them")
    if tolerance is not None:
        tolerance = scalars.number("check_gradients", "tolerance", tolerance, 0)
    # Only the derivative is judged: NumPy code mixes dtypes, whatever the rule of the program is.
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        # A caller's x may well be default_rng(0)'s first numbers: a dy equal to x hides mistakes.
        rng = np.random.default_rng([seed, 0x707572656E6E])
        if isinstance(subject, Layer):
            case = layer_case(subject, arguments, in_shape, batch, train, key, rng)
        elif _is_op(subject):
            case = op_case(as_op("check_gradients", "op", subject), arguments, options)
        else:
            case = function_case(subject, arguments)
        if tolerance is None:
            single = any(
                getattr(a, "dtype", None) in _SINGLE for a in jax.tree.leaves(arguments[1:])
            )
            tolerance = 1e-6 if single else 1e-9
        report = verdict(ask(case, rng), tolerance)
        return report._replace(
            leaves=tuple(x for x in report.leaves if not (x.ok and x.name in case.unlisted))
        )


_OF_A_LAYER = {"in_shape": None, "batch": 4, "train": True, "key": None}
_SINGLE = [jnp.dtype(d) for d in (jnp.float32, jnp.bfloat16, jnp.float16)]


def _is_op(subject: Any) -> bool:
    return isinstance(getattr(subject, "func", subject), Op)  # a partial of one, too


def verdict(referee: Referee, tolerance: float) -> Report:
    """Judge a case's backward, called in each of the ways that it may be meant for."""
    case, error = referee.case, None
    reports: list[tuple[int, Reading, list[Any]]] = []
    # Where the derivative is zero, even a wrong backward may give zero if it is called wrongly.
    others = case.readings if referee.is_telling(tolerance) else ()
    for reading in (Reading(case.by_hand, case.note), *others):
        try:
            yours = _called(reading, referee.dy, quietly=reading in others)
        except Exception as raised:
            error = error or raised
            continue
        report = grade(referee, yours, tolerance)
        right = report.ok and (bool(report.leaves) or set(referee.names) <= set(case.unlisted))
        if right and not reading.fault:
            return report._replace(note=reading.note)
        if report.ok and not right:  # nothing came that could be judged
            continue
        # What runs where the likeliest way does not has at least one shape right.
        likely = error is None or any(np.isfinite(leaf.error) for leaf in report.leaves)
        if right or (likely and not reading.only_if_right):
            reports.append((sum(not leaf.ok for leaf in report.leaves), reading, yours))
    if not reports:
        raise error or TypeError("check_gradients: backward returned no derivative")
    _, reading, yours = min(reports, key=lambda found: found[0])
    report = grade(referee, yours, tolerance, reading.by_hand)
    return _faulty(report, reading.fault)._replace(note=reading.note)


def _called(reading: Reading, dy: Any, *, quietly: bool) -> list[Any]:
    """Return what a backward returns; code that is called wrongly may well warn."""
    if not quietly:
        return reading.by_hand(dy)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return reading.by_hand(dy)


def _faulty(report: Report, fault: str) -> Report:
    """Say in each line of a report that the derivatives came in the wrong way."""
    if not fault:
        return report
    return Report(
        tuple(
            LeafReport(
                leaf.name, False, np.inf, fault + f"; and then {leaf.message}" * (not leaf.ok)
            )
            for leaf in report.leaves
        )
    )
