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
    kinks: np.ndarray[Any, Any]  # where the two one-sided derivatives are not the same

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
    if not leaves:
        return []
    starts = np.cumsum([0, *(leaf.size for leaf in leaves)])
    tried = [np.sort(rng.choice(leaf.size, min(leaf.size, MOST), replace=False)) for leaf in leaves]
    every = np.concatenate([start + t for start, t in zip(starts, tried, strict=False)])

    def along(change: Any) -> Any:
        return jnp.sum(case.plain(*unravel(flat + change)) * dy)

    sizes = np.outer([1, -1, 2, -2], steps[every])
    places, moves = np.append(np.tile(every, 4), 0), np.append(sizes, 0.0)
    if case.traceable:

        def one(move: Any) -> Any:
            return along(jnp.zeros_like(flat).at[move[0]].set(move[1]))

        values = jax.jit(lambda moves: jax.lax.map(one, moves, batch_size=64))((places, moves))
    else:
        unit = np.arange(flat.size)
        values = [along(move * (unit == i)) for i, move in zip(places, moves, strict=True)]
    here, h = float(values[-1]), steps[every]
    up, down, up2, down2 = np.asarray(values[:-1], np.float64).reshape(4, -1)
    near, far = (up - down) / (2 * h), (up2 - down2) / (4 * h)
    # Curvature parts the one-sided differences twice as far at twice the step; a kink does not.
    gap, gap2 = (up - 2 * here + down) / h, (up2 - 2 * here + down2) / (2 * h)
    columns = np.stack([(4 * near - far) / 3, (here - down) / h, (up - here) / h, gap, gap2])
    ends = np.cumsum([0, *(t.size for t in tried)])
    slopes = []
    for i, leaf in enumerate(leaves):
        mine = columns[:, ends[i] : ends[i + 1]]
        kept = np.isfinite(mine).all(0)  # a step may leave where the function is defined
        central, left, right, gap, gap2 = mine[:, kept]
        noise = 1e-6 * np.abs([left, right]).max(initial=0) + 1e-8 * (1 + abs(here))
        kinks = np.abs(gap2 - 2 * gap) > 0.5 * np.abs(gap) + noise
        slopes.append(Slopes(leaf.shape, tried[i][kept], central, left, right, kinks))
    return slopes
