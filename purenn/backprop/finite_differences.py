"""Finite differences of a case of `check_gradients`, and the kinks that they find."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from purenn.backprop.cases import Case

MOST = 256  # elements tried, drawn at random where there are more
NUDGE = 1e-5  # the step, relative where the element is above 1


class Slopes(NamedTuple):
    """Finite differences of one leaf, at the elements that were tried."""

    shape: tuple[int, ...]
    tried: np.ndarray[Any, Any]  # flat indices
    central: np.ndarray[Any, Any]
    left: np.ndarray[Any, Any]
    right: np.ndarray[Any, Any]

    @property
    def kinks(self) -> np.ndarray[Any, Any]:
        """Where the two one-sided differences are not the same."""
        scale = max(1.0, float(np.abs(self.central).max(initial=0)))
        kinks: np.ndarray[Any, Any] = np.abs(self.left - self.right) > 1e-2 * scale
        return kinks

    def full(self) -> Any:
        """The differences in the leaf's shape, zero where none was tried."""
        values = np.zeros(int(np.prod(self.shape)))
        values[self.tried] = self.central
        return values.reshape(self.shape)

    def only_tried(self, values: Any) -> Any:
        """The values with zeros where no difference was tried."""
        values = np.asarray(values, np.float64)
        if values.shape != self.shape:
            return values
        kept = np.zeros(values.size)
        kept[self.tried] = values.reshape(-1)[self.tried]
        return kept.reshape(self.shape)

    def between(self, values: Any) -> Any:
        """Where a value at a kink lies between the one-sided derivatives."""
        if values is None or np.shape(values) != self.shape:
            return None
        flat = np.asarray(values, np.float64).reshape(-1)[self.tried]
        low, high = np.minimum(self.left, self.right), np.maximum(self.left, self.right)
        slack = 1e-6 * np.maximum(1, np.abs(high - low))
        mask = np.zeros(int(np.prod(self.shape)), bool)
        mask[self.tried] = self.kinks & (flat >= low - slack) & (flat <= high + slack)
        return mask.reshape(self.shape)

    def named_kinks(self) -> str:
        """The kinks in words, for the report."""
        where = np.flatnonzero(self.kinks)
        if not where.size:
            return ""
        first = where[0]
        place = tuple(int(i) for i in np.unravel_index(self.tried[first], self.shape))
        return (
            f"; {where.size} at a kink, such as {place}: {self.left[first]:.4g} from the left, "
            f"{self.right[first]:.4g} from the right"
        )


def finite_differences(case: Case, dy: Any, rng: np.random.Generator) -> list[Slopes]:
    """The derivative of `sum(y * dy)` by each leaf of the inputs."""
    flat, unravel = ravel_pytree(case.inputs)
    steps = NUDGE * np.maximum(1, np.abs(np.asarray(flat)))
    leaves = jax.tree.leaves(case.inputs)
    starts = np.cumsum([0, *(leaf.size for leaf in leaves)])
    tried = [np.sort(rng.choice(leaf.size, min(leaf.size, MOST), replace=False)) for leaf in leaves]
    every = np.concatenate([start + t for start, t in zip(starts, tried, strict=False)])

    def along(change: Any) -> Any:
        return jnp.sum(case.plain(*unravel(flat + change)) * dy)

    def shifted(sign: int) -> Any:
        change = [(i, sign * steps[i]) for i in every]
        try:
            indices, sizes = jnp.asarray(every), jnp.asarray(sign * steps[every])
            one = jax.jit(lambda i, h: along(jnp.zeros_like(flat).at[i].set(h)))
            return np.asarray(jax.lax.map(lambda c: one(*c), (indices, sizes), batch_size=64))
        except (TypeError, jax.errors.JAXTypeError):  # a NumPy forward
            zero = np.zeros(flat.size)
            return np.array([along(zero + h * (np.arange(flat.size) == i)) for i, h in change])

    here, up, down = float(along(np.zeros(flat.size))), shifted(1), shifted(-1)
    h = steps[every]
    columns = ((up - down) / (2 * h), (here - down) / h, (up - here) / h)
    ends = np.cumsum([0, *(t.size for t in tried)])
    return [
        Slopes(leaf.shape, tried[i], *(c[ends[i] : ends[i + 1]] for c in columns))
        for i, leaf in enumerate(leaves)
    ]
