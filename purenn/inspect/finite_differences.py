"""Finite differences for `check_gradients`, and the kinks and jumps that they find."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from purenn.inspect.cases import Case

MOST = 256  # elements of a leaf tried one by one, drawn at random if there are more
NUDGE = 1e-5  # the step, relative if the element is above 1
CLOSER = (1, 1e-2, 1e-4)  # times the step, for another look at what is not smooth
SHARP = 1e-6  # how exact a difference is, relative to the largest of its leaf
GROUPS = 4096  # that a search among the other elements may move; fewer if the inputs are large
AT_ONCE = 64  # moves in one call of JAX's code
MOVED = 1e7  # numbers that all of them together may have

Real = np.ndarray[Any, Any]


class Slopes(NamedTuple):
    """The finite differences of one leaf, at the elements that were tried."""

    shape: tuple[int, ...]
    tried: Real  # flat indices
    central: Real
    left: Real
    right: Real
    kinks: Real  # where the two one-sided derivatives differ
    jumps: Real  # where the value itself jumps: left and right are then the slopes beside it
    unclear: Real  # flat indices where no difference was found

    def and_also(self, more: "Slopes") -> "Slopes":
        """Return these slopes together with more elements of the same leaf."""
        pairs = zip(self[1:], more[1:], strict=True)
        return Slopes(self.shape, *(np.concatenate(pair) for pair in pairs))

    def full(self) -> Any:
        """Return the differences in the leaf's shape, zero where none was tried."""
        values = np.zeros(int(np.prod(self.shape)))
        values[self.tried] = self.central
        return values.reshape(self.shape)

    def only_tried(self, values: Any) -> Any:
        """Return the values with zeros where no difference was tried."""
        if values.shape != self.shape:
            return values
        kept = np.zeros(values.size)
        kept[self.tried] = values.reshape(-1)[self.tried]
        return kept.reshape(self.shape)

    def between(self, values: Any) -> Any:
        """Return a mask of the values at a kink that lie between the one-sided derivatives."""
        if values.shape != self.shape:
            return None
        flat = values.reshape(-1)[self.tried]
        low, high = np.minimum(self.left, self.right), np.maximum(self.left, self.right)
        slack = SHARP * np.maximum(1, np.maximum(np.abs(low), np.abs(high)))
        mask = np.zeros(int(np.prod(self.shape)), bool)
        mask[self.tried] = self.kinks & (flat >= low - slack) & (flat <= high + slack)
        return mask.reshape(self.shape)

    def named_kinks(self) -> str:
        """Name the kinks and the jumps, for the report."""
        words = ""
        for mask, name in ((self.kinks & ~self.jumps, "kink"), (self.jumps, "jump")):
            where = np.flatnonzero(mask)
            if where.size:
                first = where[0]
                words += (
                    f"; {where.size} at a {name}, such as {self.place(self.tried[first])}: "
                    f"{self.left[first]:.4g} from the left, {self.right[first]:.4g} from the right"
                )
        return words

    def place(self, flat: int) -> tuple[int, ...]:
        """Return the index of an element in the leaf."""
        return tuple(int(i) for i in np.unravel_index(flat, self.shape))


class _Look(NamedTuple):
    """The results of steps of one size, for each element."""

    central: Real
    left: Real
    right: Real
    beside_left: Real  # the slope between one step to the left and two
    beside_right: Real
    gap: Real  # how far apart the one-sided derivatives are, in size, at one step or at two
    bent: Real  # whether they are as far apart at twice the step: at a kink, not on a curve
    blurred: Real  # whether twice the step gives another central difference

    @property
    def finite(self) -> Real:
        """Return a mask of the elements for which every step stays in the function's domain."""
        return np.isfinite(np.stack(self)).all(0)


class _Meter:
    """Measures the change of `sum(y * dy)` when the inputs of a case are moved."""

    def __init__(self, case: Case, y: Any, dy: Any) -> None:
        leaves = jax.tree.leaves(case.inputs)
        tree: Any = jax.tree.structure(case.inputs)
        self.case = case
        self.flat = flat = np.concatenate([np.ravel(leaf) for leaf in leaves])
        self.y, self.dy = np.asarray(y), np.asarray(dy)
        self.size = float(np.abs(np.asarray(y, np.float64) * self.dy).max(initial=0))

        def one(place: Any, move: Any) -> Any:
            parts = jnp.split(jnp.asarray(flat).at[place].add(move), _starts(leaves)[1:])
            inputs = tree.unflatten(p.reshape(a.shape) for p, a in zip(parts, leaves, strict=True))
            # Unchanged elements of y cancel exactly; in a sum of all, digits would be lost.
            return jnp.sum((case.plain(*inputs) - y) * dy)

        self._several = jax.jit(jax.vmap(one))

    def along(self, change: Real) -> float:
        """Move any elements of NumPy code once; NaN if it rejects them."""
        inputs = self.case.inputs
        parts = np.split(self.flat + change, _starts(inputs)[1:])
        moved = (part.reshape(leaf.shape) for part, leaf in zip(parts, inputs, strict=True))
        try:
            with np.errstate(all="ignore"):
                return float(np.sum((np.asarray(self.case.plain(*moved)) - self.y) * self.dy))
        except (ValueError, ArithmeticError, AssertionError):
            return np.nan

    def _all(self, places: Real, moves: Real) -> Real:
        """Move one element of JAX code at a time, a batch of such moves per call."""
        more = (0, -moves.size % AT_ONCE)
        places, moves = (np.pad(a, more).reshape(-1, AT_ONCE) for a in (places, moves))
        values = [self._several(*batch) for batch in zip(places, moves, strict=True)]
        return np.asarray(values, np.float64).reshape(-1)[: places.size - more[1]]

    def look(self, elements: Real, closer: float) -> _Look:
        """Move each of some elements by one and two steps to both sides."""
        h = closer * NUDGE * np.maximum(1, np.abs(self.flat[elements]))
        places, moves = np.tile(elements, 4), np.outer([1, -1, 2, -2], h).reshape(-1)
        if self.case.traceable:
            values = self._all(places, moves)
        else:
            unit = np.arange(self.flat.size)
            pairs = zip(places, moves, strict=True)
            values = np.array([self.along(move * (unit == place)) for place, move in pairs])
        values = np.where(np.isfinite(values), values, np.nan)
        up, down, up2, down2 = values.reshape(4, -1)
        left, right = -down / h, up / h
        near, far = (up - down) / (2 * h), (up2 - down2) / (4 * h)
        central = (4 * near - far) / 3
        noise = SHARP * np.maximum(np.abs(left), np.abs(right)) + 1e-13 * (1 + self.size) / h
        # Curvature doubles the gap of the one-sided differences at twice the step; a kink does not.
        gap, gap2 = (up + down) / h, (up2 + down2) / (2 * h)
        bent = np.abs(gap2 - 2 * gap) > 0.5 * np.abs(gap) + noise
        # The remaining error of `central` is about the square of this.
        blurred = np.abs(near - far) > 1e-3 * np.abs(central) + noise
        beside = (down - down2) / h, (up2 - up) / h
        gap = np.maximum(np.abs(gap), np.abs(gap2))
        return _Look(central, left, right, *beside, gap, bent, blurred)


class _Found:
    """The derivatives of some elements, each from the largest step that gives a clear result."""

    def __init__(self, meter: _Meter, elements: Real) -> None:
        self.central, self.left, self.right = (np.full(elements.size, np.nan) for _ in range(3))
        self.kinks, self.jumps, self.known = (np.zeros(elements.size, bool) for _ in range(3))
        look = None
        for closer in CLOSER:
            if self.known.all():
                break
            farther, look = look, meter.look(elements, closer)
            if farther is not None:
                self._take_kinks(farther, look)
            smooth = look.finite & ~look.bent & ~look.blurred
            self._take(smooth & ~self.known, look.central, look.left, look.right)

    def _take(self, which: Real, central: Real, left: Real, right: Real) -> None:
        for mine, theirs in ((self.central, central), (self.left, left), (self.right, right)):
            mine[which] = theirs[which]
        self.known |= which

    def _take_kinks(self, farther: _Look, closer: _Look) -> None:
        # With the step, the gap shrinks on a curve, stays at a kink, and grows as 1/h at a jump.
        change = closer.gap / np.maximum(farther.gap, 1e-300)
        kinks = farther.finite & closer.finite & farther.bent & ~self.known & (change > 0.5)
        jumps = kinks & (change > 10)
        beside = closer.beside_left, closer.beside_right
        self._take(kinks & ~jumps, closer.central, closer.left, closer.right)
        self._take(jumps, (beside[0] + beside[1]) / 2, *beside)
        self.kinks |= kinks
        self.jumps |= jumps

    def slopes(self, shape: tuple[int, ...], tried: Real, start: int) -> Slopes:
        """Return the slopes of one leaf."""
        own = slice(start, start + tried.size)
        known = self.known[own]
        columns = (self.central, self.left, self.right, self.kinks, self.jumps)
        central, left, right, kinks, jumps = (column[own][known] for column in columns)
        return Slopes(shape, tried[known], central, left, right, kinks, jumps, tried[~known])


def draw(case: Case, rng: np.random.Generator) -> list[Real]:
    """Draw the elements of each input leaf that are tried one by one."""
    sizes = [leaf.size for leaf in jax.tree.leaves(case.inputs)]
    return [np.sort(rng.choice(size, min(size, MOST), replace=False)) for size in sizes]


def finite_differences(case: Case, y: Any, dy: Any, tried: list[Real]) -> list[Slopes]:
    """Differentiate `sum(y * dy)` with respect to some elements of each input leaf."""
    leaves = jax.tree.leaves(case.inputs)
    if not leaves:
        return []
    starts = _starts(leaves)
    every = np.concatenate([start + t for start, t in zip(starts, tried, strict=True)])
    found = _Found(_Meter(case, y, dy), every)
    return [
        found.slopes(leaf.shape, t, start)
        for leaf, t, start in zip(leaves, tried, _starts(tried), strict=True)
    ]


def search(case: Case, y: Any, dy: Any, i: int, slopes: Slopes, yours: Real) -> Slopes:
    """Look for a wrong element among those that were not tried, for NumPy code.

    All elements are moved together in a random direction. If the derivative in this direction
    differs from yours, each half is moved separately, and so on down to a single element, which is
    tried.

    Returns:
        The slopes, including the newly tried elements. The search ends at the first wrong element.
    """
    meter, start = _Meter(case, y, dy), _starts(case.inputs)[i]
    rest = np.setdiff1d(np.arange(yours.size), [*slopes.tried, *slopes.unclear])
    rng = np.random.default_rng(0)
    direction = rng.choice([-1, 1], yours.size) * rng.uniform(0.5, 1.5, yours.size)
    mine = yours.reshape(-1)
    limit = SHARP * max(float(np.abs(a).max(initial=0)) for a in (slopes.central, mine)) or SHARP

    def agree(group: Real) -> bool:
        h = NUDGE * max(1, float(np.abs(meter.flat[start + group]).max()))
        change = np.zeros(meter.flat.size)
        change[start + group] = h * direction[group]
        up, down, up2, down2 = (meter.along(n * change) for n in (1, -1, 2, -2))
        slope = (4 * (up - down) / (2 * h) - (up2 - down2) / (4 * h)) / 3
        return bool(abs(slope - mine[group] @ direction[group]) <= limit)

    groups, left = [rest], min(GROUPS, MOVED / meter.flat.size)
    while groups and left > 0:
        group, left = groups.pop(), left - 1
        if agree(group):
            continue
        if group.size > 1:
            groups += np.array_split(group, 2)
            continue
        one = _Found(meter, start + group).slopes(slopes.shape, group, 0)
        slopes = slopes.and_also(one)
        right = np.abs(mine[one.tried] - one.central) <= limit
        if not (right | one.between(yours).reshape(-1)[one.tried]).all():
            return slopes
    return slopes._replace(unclear=np.concatenate([slopes.unclear, *groups]))


def jacobian(case: Case, inputs: Any) -> list[Real]:
    """Differentiate y with respect to each leaf of some inputs, for small NumPy code."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(inputs)]
    tree: Any = jax.tree.structure(inputs)

    def moved(i: int, k: int, by: float) -> Real:
        unit = by * (np.arange(leaves[i].size) == k).reshape(leaves[i].shape)
        return np.asarray(
            case.plain(*tree.unflatten([*leaves[:i], leaves[i] + unit, *leaves[i + 1 :]]))
        )

    def slope(i: int, k: int) -> Real:
        h = NUDGE * 100 * max(1, float(np.abs(leaves[i].reshape(-1)[k])))
        near, far = ((moved(i, k, n * h) - moved(i, k, -n * h)) / (2 * n * h) for n in (1, 2))
        return (4 * near - far) / 3

    found = [np.stack([slope(i, k) for k in range(leaf.size)], -1) for i, leaf in enumerate(leaves)]
    return [d.reshape(*d.shape[:-1], *leaf.shape) for d, leaf in zip(found, leaves, strict=True)]


def _starts(leaves: Any) -> list[int]:
    """Return the start of each leaf in the concatenation of all leaves."""
    return [int(n) for n in np.cumsum([0, *(leaf.size for leaf in leaves)])[:-1]]
