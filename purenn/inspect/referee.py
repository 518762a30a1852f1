"""The right derivatives of a case of `check_gradients`, by JAX and by finite differences."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from purenn.core import checks
from purenn.inspect.cases import Case, checked_y, names_of
from purenn.inspect.finite_differences import Slopes, draw, finite_differences
from purenn.inspect.mistakes import well_known_mistakes


class Referee(NamedTuple):
    """What the right derivatives are: costly to find, and then many can be graded by it."""

    case: Case
    y: Any
    dy: Any
    names: list[str]
    slopes: list[Slopes]
    right: list[Any]  # JAX's derivatives; the finite differences if JAX can't see into forward
    m: int
    mistakes: Callable[[int], dict[str, Any]]  # what well-known mistakes make of a leaf

    def floor(self, tolerance: float) -> float:
        """What counts as zero."""
        largest = max((float(np.abs(s.central).max(initial=0)) for s in self.slopes), default=0.0)
        return tolerance * max(1.0, largest)

    def is_telling(self, tolerance: float) -> bool:
        """Whether somewhere only one value is right, and it is not zero."""
        floor = self.floor(tolerance)
        return any((np.abs(s.central[~s.kinks]) > floor).any() for s in self.slopes)


def ask(case: Case, rng: np.random.Generator) -> Referee:
    """Find the derivatives of a case, for a random cotangent."""
    y = jax.jit(case.plain)(*case.inputs) if case.traceable else case.plain(*case.inputs)
    _refuse(checked_y(y))
    dy = jnp.asarray(rng.normal(size=np.shape(y)), y.dtype if case.traceable else jnp.float64)
    pull = None
    if case.traceable:
        pull = jax.jit(lambda inputs, dy: jax.vjp(case.plain, *inputs)[1](dy))
    slopes = finite_differences(case, y, dy, draw(case, rng))
    right = [s.full() for s in slopes] if pull is None else jax.tree.leaves(pull(case.inputs, dy))
    mistakes = well_known_mistakes(case, pull, y, dy, slopes)
    right = [np.asarray(d) for d in right]
    return Referee(case, y, dy, names_of(case), slopes, right, case.m, mistakes)


def _refuse(y: Any) -> None:
    """Refuse what forward gives if no derivative of it can be judged."""
    if not jnp.issubdtype(jnp.result_type(y), jnp.floating):
        raise TypeError(
            f"check_gradients: forward returns {checks.describe(y)}, expected floating point: "
            f"nothing else has a derivative"
        )
    what = "an empty array" if np.size(y) == 0 else "" if np.isfinite(y).all() else "inf or nan"
    if what:
        raise ValueError(
            f"check_gradients: forward gives {what} at these arguments, where nothing can be "
            f"judged; choose others"
        )
