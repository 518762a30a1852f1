"""The time that a function takes on the default device."""

import math
from dataclasses import dataclass, field, replace
from statistics import median
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from purenn.core.types import Fn

RUNS = 5  # how often a loop is timed; the median counts
LEAST = 0.02  # the least time in seconds of all iterations
MOST = 2**16  # iterations, in case there is nothing in the loop that takes time


class Stopwatch:
    """Measures functions of arrays, each in a compiled loop, like a training step in `fit`.

    Many layers take less time than the call of a program. So the time of a run without iterations
    is subtracted: it calls the same program, which copies its arguments and its result. The time of
    an empty loop is subtracted as well. Equal functions, such as the blocks of a deep network, are
    compiled and measured once.
    """

    def __init__(self) -> None:
        self.never = jnp.zeros((), bool)
        self.measured: dict[Any, tuple[Fn, float]] = {}
        self.idle = 0.0
        self.idle, _ = self(lambda x: x + 1, jnp.zeros(()))

    def __call__(self, function: Fn, *arguments: Any) -> tuple[float, Any]:
        """Return the seconds that a function takes, and its result.

        Args:
            function: a function that can be compiled.
            *arguments: pytrees of arrays.
        """
        once = np.int32(1), self.never, arguments
        compiled = jax.jit(looped(function))
        lowered = compiled.lower(*once)
        known = lowered.as_text(), lowered.in_tree, lowered.out_tree
        if known not in self.measured:
            took = seconds(lambda n: compiled(np.int32(n), self.never, arguments))
            self.measured[known] = compiled, took
        program, took = self.measured[known]
        return max(took - self.idle, 0.0), program(*once)


def seconds(program: Fn) -> float:
    """Return the time per iteration of a program whose argument is the number of iterations."""

    def took(n: int) -> float:
        start = perf_counter()
        jax.block_until_ready(program(n))
        return perf_counter() - start

    took(1)  # the first call takes longer
    n = 1
    while True:
        longer = median(took(n) - took(0) for _ in range(RUNS))
        if longer >= LEAST or n >= MOST:
            return longer / n
        n *= min(max(math.ceil(LEAST / max(longer, 1e-9)), 2), 16)


def looped(function: Fn) -> Fn:
    """Return `(n, never, arguments) -> result`, which computes `function(*arguments)` n times.

    With n = 0 the result is zeros. `never` is False, which the compiled program does not know.
    """

    def run(n: Any, never: Array, arguments: Any) -> Any:
        def result_of(arguments: Any) -> _Result:
            return _Result.of(function(*arguments), arguments)

        def iteration(_: Any, carry: Any) -> Any:
            # XLA cannot exclude that the arguments change, so it moves nothing out of the
            # loop. They are not copied. (A barrier is removed before XLA:CPU compiles the loop.)
            arguments = lax.cond(
                never, lambda a: jax.tree.map(jnp.zeros_like, a), lambda a: a, carry[0]
            )
            return arguments, result_of(arguments).arrays

        shapes = jax.eval_shape(result_of, arguments)
        zeros = [lax.full_like(shape, 0) for shape in shapes.arrays]
        _, arrays = lax.fori_loop(0, n, iteration, (arguments, zeros))
        return replace(shapes, arrays=arrays).whole(arguments)

    return run


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Result:
    """A function's result without its arguments and without duplicates, which a loop would copy."""

    arrays: list[Any]
    places: tuple[int, ...] = field(metadata={"static": True})  # in the arguments, then in `arrays`
    structure: Any = field(metadata={"static": True})

    @classmethod
    def of(cls, result: Any, arguments: Any) -> "_Result":
        leaves, structure = jax.tree.flatten(result)
        given = jax.tree.leaves(arguments)
        arrays: list[Any] = []
        known = {id(leaf): i for i, leaf in enumerate(given)}
        for leaf in leaves:
            if id(leaf) not in known:
                known[id(leaf)] = len(given) + len(arrays)
                arrays.append(leaf)
        return cls(arrays, tuple(known[id(leaf)] for leaf in leaves), structure)

    def whole(self, arguments: Any) -> Any:
        """Return the function's result."""
        arrays = [*jax.tree.leaves(arguments), *self.arrays]
        return jax.tree.unflatten(self.structure, [arrays[i] for i in self.places])
