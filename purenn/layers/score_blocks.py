"""The blocks of attention's scores in memory: a block of queries, and the keys that it sees."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

MOST = 8  # blocks of queries; each is compiled separately


class Sizes(NamedTuple):
    """The sizes of blocks.

    Attributes:
        together: the largest length of a sequence for which a block of queries sees all its keys in
            one step. In a longer sequence, keys are processed in blocks.
        short: the number of queries per block in a sequence of up to `together` positions.
        long: the number of queries, and of keys, per block in a longer sequence. If this makes more
            than `MOST` blocks, there are `MOST` larger ones.
    """

    together: int
    short: int
    long: int


# Forward and backward of 8 heads of 64 at length 512, on two cores with AVX-512: 8.6 ms, where
# blocks of 256 queries and 256 keys in a loop take 12.4. XLA computes independent blocks at the
# same time, but keeps the scores of them all: at length 1,024 they would be 70 MB, and take 51 ms
# where the loop takes 39.
CPU = Sizes(together=512, short=128, long=256)
# On an H100, jax 0.11.2: 8 sequences of 1,024 take 1.2 ms, and 2 of 4,096 5.1 with 135 MB, where
# JAX's own attention takes 1.5, and 4.9 with 3,221 MB; blocks of 256 in a loop took 1.8 and 10.6.
ELSEWHERE = Sizes(together=1024, short=512, long=512)


@dataclass(frozen=True)
class Blocks:
    """The division of a sequence into blocks of queries.

    Attributes:
        time: the number of positions.
        causal: whether later keys are hidden from a query.
        together: the largest length for which a block of queries sees all its keys in one step.
        size: the number of queries per block.
        end: `time`, plus the positions that fill the last block if keys are processed in blocks.
    """

    time: int
    causal: bool
    together: int
    size: int
    end: int

    @classmethod
    def of(cls, time: int, causal: bool, sizes: Sizes) -> "Blocks":
        """Divide a sequence."""
        looped = time > sizes.together
        count = min(MOST, -(-time // sizes.long)) if looped else -(-time // sizes.short)
        size = -(-time // count)
        return cls(time, causal, sizes.together, size, count * size if looped else time)

    def __iter__(self) -> Iterator["Queries"]:
        for start in range(0, self.end, self.size):
            stop = min(start + self.size, self.end)
            keys = stop if self.causal else self.end
            at_once = keys if self.end <= self.together else self.size
            yield Queries(start, stop, keys, at_once, self.causal)

    def padded(self, a: Array) -> Array:
        """Return `(..., time, features)` with zeros added up to `end`."""
        more = self.end - self.time
        return jnp.pad(a, ((0, 0),) * (a.ndim - 2) + ((0, more), (0, 0))) if more else a

    def valid(self, valid: Array | None) -> Array | None:
        """Return the mask of keys up to `end`; None for all. Causal masks hide the added keys."""
        more = self.end - self.time
        if not more or (valid is None and self.causal):
            return valid
        if valid is None:
            valid = jnp.ones((1, self.time), bool)
        return jnp.pad(valid, ((0, 0), (0, more)))


class Queries(NamedTuple):
    """A block of queries, and the keys that it sees, starting from the first key.

    Attributes:
        start: the position of the first query.
        stop: the position after the last query.
        keys: the number of keys.
        size: the number of keys per step.
        causal: whether later keys are hidden from a query.
    """

    start: int
    stop: int
    keys: int
    size: int
    causal: bool

    def of(self, a: Array) -> Array:
        """Return these positions of `(..., time, features)`."""
        return lax.slice_in_dim(a, self.start, self.stop, axis=a.ndim - 2)

    def over(self, block: Callable[[Any, Any], Any], carry: Any) -> Any:
        """Run a function of a carry and a number for all blocks of keys."""
        if self.size == self.keys:
            return block(carry, 0)
        numbers = np.arange(self.keys // self.size, dtype=np.int32)
        return lax.scan(lambda carry, j: (block(carry, j), None), carry, numbers)[0]

    def mask(self, valid: Array | None, j: Any) -> Array | None:
        """Return the mask of the keys of block `j` that each query sees; None for all."""
        seen = None if valid is None else self.columns(valid, j)[:, None, None, None, :]
        if not self.causal:
            return seen
        # A constant: comparing positions inside the loop doubles the time of the exponentials.
        first = 0 if self.size == self.keys else self.start
        rows, columns = np.arange(self.start, self.stop), np.arange(first, first + self.size)
        earlier = jnp.asarray(rows[:, None] >= columns)[None, None, None]
        if self.size < self.keys:
            earlier = jnp.logical_or(earlier, j < self.start // self.size)
        return earlier if seen is None else jnp.logical_and(seen, earlier)

    def rows(self, a: Array, j: Any) -> Array:
        """Return block `j` of keys of `(..., time, features)`."""
        return self._block(a, j, a.ndim - 2)

    def columns(self, a: Array, j: Any) -> Array:
        """Return block `j` of keys of `(..., time)`."""
        return self._block(a, j, a.ndim - 1)

    def added(self, a: Array, block: Array, j: Any) -> Array:
        """Return `(..., time)` with `block` added to block `j` of keys."""
        block = self.columns(a, j) + block
        return lax.dynamic_update_slice_in_dim(a, block, j * self.size, a.ndim - 1)

    def _block(self, a: Array, j: Any, axis: int) -> Array:
        if self.size == self.keys:
            return lax.slice_in_dim(a, 0, self.size, axis=axis)
        return lax.dynamic_slice_in_dim(a, j * self.size, self.size, axis)


def blocked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Bind a function of `Blocks` and arrays, queries first, to the blocks that suit the platform.

    The result takes the arrays and `causal`.
    """

    @wraps(function)
    def run(q: Array, *arrays: Any, causal: bool) -> Any:
        on_cpu, elsewhere = (Blocks.of(q.shape[-2], causal, sizes) for sizes in (CPU, ELSEWHERE))
        if [*on_cpu] == [*elsewhere]:
            return function(on_cpu, q, *arrays)
        by_size = {"cpu": partial(function, on_cpu), "default": partial(function, elsewhere)}
        return lax.platform_dependent(q, *arrays, **by_size)

    return run
