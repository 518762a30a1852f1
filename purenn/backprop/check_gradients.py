"""`check_gradients`: anyone's backward pass against JAX's derivative and finite differences."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from purenn.backprop.cases import Case, function_case, layer_case, names_of, op_case
from purenn.backprop.finite_differences import Slopes, finite_differences
from purenn.backprop.report import LeafReport, Report, judge
from purenn.core.layer import Layer, Op


def check_gradients(
    subject: Any,
    *arguments: Any,
    in_shape: tuple[int, ...] | None = None,
    batch: int = 4,
    train: bool = True,
    key: Any = None,
    seed: int = 0,
    tolerance: float = 1e-9,
    **options: Any,
) -> Report:
    """Try a backward pass, in float64, with a random cotangent, against two referees.

    The first referee is JAX's derivative of the forward; the second, finite differences, is there
    for a forward that hides something from JAX. Three forms:

    - `check_gradients(layer, in_shape=(784,))`: by every parameter and by `x`, at random
      parameters and a random batch, or at `x` given as the argument;
    - `check_gradients(op, *arguments)`: by the first argument, which may be a pytree;
    - `check_gradients(forward, backward, *arguments)`, plain functions, by every floating argument
      that `backward` returns a derivative for. Either `forward(*arguments) -> (y, cache)` and
      `backward(cache, dy)`, or `forward(*arguments) -> y` and `backward(*arguments, dy)`. They may
      be NumPy code; a NumPy `forward` leaves finite differences as the only referee.

    At a kink (ReLU at exactly 0) any value between the two one-sided derivatives is right; the
    report names it.

    Args:
        subject: a layer, an op, or the forward function.
        *arguments: as above.
        in_shape: of one example, for a layer.
        batch: examples in a layer's random batch.
        train: the mode that a layer runs in.
        key: for a layer's dropout.
        seed: of all random numbers.
        tolerance: of the largest difference, relative to the largest element of the derivative; a
            derivative that is truly zero is judged by the same number absolutely.
        **options: an op's own.

    Returns:
        A `Report`: `report.ok`, `report.worst`, a line a derivative, and in words what kind of
        mistake it looks like.
    """
    with jax.enable_x64(True):
        rng = np.random.default_rng(seed)
        if isinstance(subject, Layer):
            case = layer_case(subject, arguments, in_shape, batch, train, key, rng)
        elif isinstance(subject, Op):
            case = op_case(subject, arguments, options)
        else:
            case = function_case(subject, arguments)
        return _examine(case, rng, tolerance)


def _examine(case: Case, rng: np.random.Generator, tolerance: float) -> Report:
    y = np.asarray(case.plain(*case.inputs), np.float64)
    dy = jnp.asarray(rng.normal(size=y.shape))
    names, slopes = names_of(case), finite_differences(case, dy, rng)
    referee = _jax_derivative(case, dy)
    yours = case.by_hand(dy)
    leaves: list[LeafReport] = []
    largest = max((float(np.abs(s.central).max(initial=0)) for s in slopes), default=0.0)
    floor = tolerance * max(1.0, largest)
    for i, (path, slope) in enumerate(zip(names, slopes, strict=True)):
        mine = yours[i] if i < len(yours) else None
        if referee is None:  # a forward that JAX can't see into: differences alone, less sharp
            right, limit = slope.full(), max(tolerance, 1e-6)
            mine = None if mine is None else slope.only_tried(mine)
        else:
            right, limit = np.asarray(referee[i], np.float64), tolerance
            blind = _disagreement(path, right, slope)
            if blind is not None:
                leaves.append(blind)
                continue
        kinks = slope.between(mine)
        leaf = judge(path, mine, right, m=case.m, tolerance=limit, floor=floor, ignore=kinks)
        leaves.append(leaf._replace(message=leaf.message + slope.named_kinks()))
    return Report(tuple(leaves))


def _jax_derivative(case: Case, dy: Any) -> list[Any] | None:
    try:
        _, vjp = jax.vjp(case.plain, *case.inputs)
    except (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError):
        return None
    return jax.tree.leaves(vjp(dy))


def _disagreement(path: str, right: Any, slope: Slopes) -> LeafReport | None:
    """JAX's derivative against the differences, away from kinks."""
    jax_says = right.reshape(-1)[slope.tried]
    scale = max(1e-3, float(np.abs(slope.central).max(initial=0)))
    error = np.where(slope.kinks, 0, np.abs(jax_says - slope.central)) / scale
    if not error.size or error.max() <= 1e-5:
        return None
    worst = int(error.argmax())
    place = tuple(int(i) for i in np.unravel_index(slope.tried[worst], slope.shape))
    return LeafReport(
        path,
        False,
        float(error.max()),
        f"the referees disagree at {place}: JAX {jax_says[worst]:.6g}, finite differences "
        f"{slope.central[worst]:.6g}; does forward hide a value from JAX (stop_gradient, a rule "
        f"of its own, float32)?",
    )
