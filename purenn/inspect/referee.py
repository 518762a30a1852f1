"""The right derivatives of a case of `check_gradients`, from JAX and from finite differences."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from purenn.core import checks, numpy_arrays
from purenn.inspect.cases import Case, checked_y, names_of
from purenn.inspect.finite_differences import Slopes, draw, finite_differences
from purenn.inspect.mistakes import well_known_mistakes


class Referee(NamedTuple):
    """The right derivatives, costly to compute, which can judge any number of backward passes."""

    case: Case
    y: Any
    dy: Any
    names: list[str]
    slopes: list[Slopes]
    right: list[Any]  # JAX's derivatives; the finite differences if JAX cannot see into forward
    m: int
    mistakes: Callable[[int], dict[str, Any]]  # the values that well-known mistakes give
    pull: Callable[[Any, Any], list[Any]] | None = None  # JAX's derivative, (inputs, dy) to leaves

    def floor(self, tolerance: float) -> float:
        """Return the largest number that counts as zero."""
        largest = max((float(np.abs(s.central).max(initial=0)) for s in self.slopes), default=0.0)
        return tolerance * max(1.0, largest)

    def is_telling(self, tolerance: float) -> bool:
        """Tell whether some element has only one right value, which is not zero."""
        floor = self.floor(tolerance)
        return any((np.abs(s.central[~s.kinks]) > floor).any() for s in self.slopes)


def ask(case: Case, rng: np.random.Generator) -> Referee:
    """Compute the right derivatives of a case, for a random cotangent."""
    pull: Any = None
    if case.traceable:
        y = jax.eval_shape(case.plain, *case.inputs)
        _check_floating(y)
        dy = rng.normal(size=y.shape).astype(y.dtype)

        @jax.jit
        def both(inputs: Any, dy: Any) -> tuple[Any, list[Any]]:
            y, vjp = jax.vjp(case.plain, *inputs)
            return y, jax.tree.leaves(vjp(dy))

        y, right = both(case.inputs, dy)
        pull = lambda inputs, dy: both(inputs, dy)[1]  # noqa: E731
    else:
        y = case.plain(*case.inputs)
        _check_floating(y)
        dy = rng.normal(size=np.shape(y))
    if np.size(y) == 0 or not np.isfinite(y).all():
        raise ValueError(
            f"check_gradients: forward gives {'inf or nan' if np.size(y) else 'an empty array'} "
            f"at these arguments, where nothing can be judged; choose others"
        )
    dy = numpy_arrays.to_jax(dy)
    slopes = finite_differences(case, y, dy, draw(case, rng))
    right = [np.asarray(d) for d in right] if case.traceable else [s.full() for s in slopes]
    mistakes = well_known_mistakes(case, pull, y, dy, slopes)
    return Referee(case, y, dy, names_of(case), slopes, right, case.m, mistakes, pull)


def _check_floating(y: Any) -> None:
    """Check that the result of forward has a derivative."""
    if not jnp.issubdtype(jnp.result_type(checked_y(y)), jnp.floating):
        raise TypeError(
            f"check_gradients: forward returns {checks.describe(y)}, expected floating point: "
            f"nothing else has a derivative"
        )
