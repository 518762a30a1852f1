"""`check_gradients`: any backward pass, checked against JAX's derivative and finite differences."""

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
    """Check a backward pass against JAX's derivative and against finite differences.

    Both references are computed in float64, for a random cotangent `dy`. The report calls them the
    referee. Finite differences also detect a dependence that the forward pass hides from JAX. There
    are three ways to call this function:

    - `check_gradients(layer, in_shape=(784,))` checks the derivatives with respect to all
      parameters and `x`, for random parameters and a random batch. You can pass your own `x`, an
      array or a `Padded`, as an argument.
    - `check_gradients(op, *arguments)` checks the derivative with respect to the first argument,
      which may be a pytree.
    - `check_gradients(forward, backward, *arguments)` checks plain functions, with respect to every
      argument for which `backward` returns a derivative. Write either `forward(*arguments) -> (y,
      cache)` and `backward(cache, dy)`, or `forward(*arguments) -> y` and `backward(*arguments,
      dy)`. If `backward` takes `dy` first, it is passed first, and the report says so. Both may be
      NumPy code; if `forward` is NumPy code, finite differences are the only check. `backward`
      returns the derivatives in the order of the arguments, or in a dict by name. It may omit the
      last ones, in which case the report says which; `None` counts as omitted.

    If `backward` returns a derivative for an integer argument, it is judged in float64 like all
    others. Labels and indices have no derivative, so return only `None` or zero for them.

    If `backward` is wrong and its arrays are small, it is called again with other cotangents and
    arguments to identify the mistake.

    At a kink (ReLU at exactly 0), any value between the two one-sided derivatives is accepted. At a
    jump, any value between the slopes on both sides is accepted. The report names kinks and jumps.

    Args:
        subject: a layer, an op, or the forward function.
        *arguments: the further arguments of the three forms above.
        in_shape: for a layer, the shape of one example, without the batch axis.
        batch: for a layer, the number of examples in its random batch.
        train: for a layer, whether to run it as in training.
        key: for a layer, a PRNG key, which dropout needs.
        seed: the seed of all random numbers.
        tolerance: the largest allowed difference, relative to the largest element of the
            derivative. For a derivative that is truly zero, the same number is an absolute limit.
            The default is 1e-9, or 1e-6 if another argument is float32 or less precise. For
            example, rows of float32 probabilities sum to one only to that precision.
        **options: for an op, its options.

    Returns:
        A `Report` with `report.ok`, whether every derivative is correct, and `report.worst`, the
        largest error. When you print it, it shows one line per derivative, with the likely mistake
        if there is one. A derivative that cannot be judged is not `ok`.

    Raises:
        TypeError: if the functions do not take these arguments, or no argument has a derivative.
        ValueError: if the forward pass returns nothing that can be judged, or a different result
            each time.

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
    # Only the derivative is judged: NumPy code mixes dtypes, whatever JAX's promotion rule is.
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
    """Judge the backward pass of a case, called in each of the ways that may be intended."""
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
        if report.ok and not right:  # no derivative that could be judged
            continue
        # A way that runs where the likeliest does not has at least one right shape.
        likely = error is None or any(np.isfinite(leaf.error) for leaf in report.leaves)
        if right or (likely and not reading.only_if_right):
            reports.append((sum(not leaf.ok for leaf in report.leaves), reading, yours))
    if not reports:
        raise error or TypeError("check_gradients: backward returned no derivative")
    _, reading, yours = min(reports, key=lambda found: found[0])
    report = grade(referee, yours, tolerance, reading.by_hand)
    return _faulty(report, reading.fault)._replace(note=reading.note)


def _called(reading: Reading, dy: Any, *, quietly: bool) -> list[Any]:
    """Return the result of a backward pass; code that is called in the wrong way may warn."""
    if not quietly:
        return reading.by_hand(dy)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return reading.by_hand(dy)


def _faulty(report: Report, fault: str) -> Report:
    """Say in each line of a report that the derivatives were returned in the wrong way."""
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
