"""`check_gradients`: anyone's backward pass against JAX's derivative and finite differences."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from purenn.backprop.cases import Case, function_case, layer_case, names_of, op_case
from purenn.backprop.finite_differences import Slopes, finite_differences
from purenn.backprop.report import LeafReport, Report, judge
from purenn.core import checks
from purenn.core.adapt import as_op
from purenn.core.layer import Layer, Op


def check_gradients(
    subject: Any,
    *arguments: Any,
    in_shape: tuple[int, ...] | None = None,
    batch: int = 4,
    train: bool = True,
    key: Any = None,
    seed: int = 0,
    tolerance: float | None = None,
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
      be NumPy code; a NumPy `forward` leaves finite differences as the only referee. The last
      arguments may be left out of what `backward` returns; `None` counts as missing.

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
            derivative that is truly zero is judged by the same number absolutely. The default is
            1e-9, or 1e-6 beside an argument in float32 or less, such as rows of probabilities,
            which sum to one no better than that.
        **options: an op's own.

    Returns:
        A `Report`: `report.ok`, `report.worst`, a line a derivative, and in words what kind of
        mistake it looks like.

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
    if options and not _is_op(subject):
        raise TypeError(f"check_gradients: {', '.join(options)}: only an op takes options")
    # What is judged is the derivative: NumPy code mixes dtypes, whatever this program's rule is.
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
        referee = ask(case, rng)
        return grade(referee, case.by_hand(referee.dy), tolerance)


_SINGLE = [jnp.dtype(d) for d in (jnp.float32, jnp.bfloat16, jnp.float16)]


def _is_op(subject: Any) -> bool:
    return isinstance(getattr(subject, "func", subject), Op)  # a partial of one, too


class Referee(NamedTuple):
    """What the right derivatives are: costly to find, and then many can be graded by it."""

    dy: Any
    names: list[str]
    slopes: list[Slopes]
    right: list[Any] | None  # None: JAX can't see into the forward, differences are all there is
    m: int


def ask(case: Case, rng: np.random.Generator) -> Referee:
    """Find the derivatives of a case, for a random cotangent."""
    y = jax.jit(case.plain)(*case.inputs) if case.traceable else case.plain(*case.inputs)
    if not isinstance(y, (jax.Array, np.ndarray, float)):
        raise TypeError(
            f"check_gradients: forward must return an array, or one and a cache; "
            f"got {checks.describe(y)}"
        )
    if not np.isfinite(y).all():
        raise ValueError(
            "check_gradients: forward gives inf or nan at these arguments, where nothing can be "
            "judged; choose others"
        )
    dy = jnp.asarray(rng.normal(size=np.shape(y)))
    right = None
    if case.traceable:
        right = jax.jit(lambda inputs, dy: jax.vjp(case.plain, *inputs)[1](dy))(case.inputs, dy)
        right = [np.asarray(d) for d in jax.tree.leaves(right)]
    return Referee(dy, names_of(case), finite_differences(case, dy, rng), right, case.m)


def grade(referee: Referee, yours: list[Any], tolerance: float) -> Report:
    """Judge the leaves of a backward's derivatives."""
    leaves: list[LeafReport] = []
    largest = max((float(np.abs(s.central).max(initial=0)) for s in referee.slopes), default=0.0)
    floor = tolerance * max(1.0, largest)
    right = [s.full() for s in referee.slopes] if referee.right is None else referee.right
    others = dict(zip(referee.names, right, strict=True))
    for i, (name, slope) in enumerate(zip(referee.names, referee.slopes, strict=True)):
        mine, limit = yours[i], tolerance
        if referee.right is None:  # less sharp
            limit = max(tolerance, 1e-6)
            mine = None if mine is None else slope.only_tried(mine)
        else:
            blind = _disagreement(name, right[i], slope)
            if blind is not None:
                leaves.append(blind)
                continue
        kinks = slope.between(mine)
        leaf = judge(
            name,
            mine,
            right[i],
            m=referee.m,
            dy=referee.dy,
            tolerance=limit,
            floor=floor,
            ignore=kinks,
            others={other: value for other, value in others.items() if other != name},
        )
        leaves.append(leaf._replace(message=leaf.message + slope.named_kinks()))
    return Report(tuple(leaves))


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
