"""The parts shared by `gru` and `lstm`: weights, and the work outside the loop over steps."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from purenn.core import checks
from purenn.core.located import inside
from purenn.core.precision import wide_dtype
from purenn.core.sharding import is_sharded, sharding_of, varying_together
from purenn.core.types import Initializer
from purenn.layers.draw import draw

LEAST, MOST = 4, 16  # steps of a block


class Drawn(NamedTuple):
    """The result of `draw_weights`; biases without an initializer are None."""

    w: Array  # (features, gates * units)
    u: Array  # (units, gates * units)
    b: Array | None  # (gates * units,)
    c: Array | None  # (units,)


def check_initializers(layer: str, w_init: Any, u_init: Any, b_init: Any) -> None:
    """Reject anything but an initializer; `b_init` may be None, for no biases."""
    checks.function(layer, "w_init", w_init)
    checks.function(layer, "u_init", u_init)
    if b_init is not None:
        checks.function(layer, "b_init", b_init)


def draw_weights(
    name: str,
    key: Any,
    in_shape: tuple[int, ...],
    units: int,
    gates: int,
    inits: tuple[Initializer, Initializer, Initializer | None],
) -> Drawn:
    """Return the concatenated weights of all gates, each drawn as a separate matrix."""
    if len(in_shape) != 2 or 0 in in_shape:
        raise ValueError(
            f"{name}: in_shape is {in_shape}, expected (time, features), both at least 1"
        )
    w_init, u_init, b_init = inits
    keys = jax.random.split(checks.prng_key(name, key), 4)
    with inside("w_init"):
        w = draw(name, "w_init", w_init, keys[0], (in_shape[1], gates * units))
    with inside("u_init"):
        u = draw(name, "u_init", u_init, keys[1], (units, gates * units))
    if b_init is None:
        return Drawn(w, u, None, None)
    with inside("b_init"):
        b = draw(name, "b_init", b_init, keys[2], (gates * units,))
        c = draw(name, "b_init", b_init, keys[3], (units,))
    return Drawn(w, u, b, c)


def check_sequences(name: str, params: Any, x: Array) -> None:
    """Check `x` against parameters of the right shapes, and their dtypes."""
    w = params.w
    if x.ndim != 3 or x.shape[-1] != w.shape[0]:
        remedy = "; for a single sequence pass x[None]" if x.ndim == 2 else ""
        raise ValueError(
            f"{name}: x has shape {x.shape}, expected (batch, time, {w.shape[0]}), since w has "
            f"shape {w.shape}{remedy}"
        )
    checks.same_dtype(name, "x", x, "params.w", w)
    for field, value in zip(params._fields, params, strict=True):
        if value is not None:
            checks.same_dtype(name, f"params.{field}", value, "params.w", w)


def in_blocks(a: Array) -> Array:
    """Return `(batch, time, ...)` as blocks of steps, `(blocks, steps, batch, ...)`.

    Values that the loops need from all steps, such as `x @ w`, are then in memory one block at a
    time, in the CPU's cache. A training step of the LSTM of `tests/benchmarks` (100 steps of 64
    examples, 128 features and units) takes 62 ms instead of 84 ms, and inside a compiled loop 60 ms
    instead of 69 ms, on one core of a Xeon with AVX-512 (jax 0.10.1).
    """
    return cut(jnp.swapaxes(a, 0, 1))


def cut(a: Array) -> Array:
    """Return `(time, ...)` as `(blocks, steps, ...)`."""
    steps = _steps_of_a_block(a.shape[0])
    shape = (a.shape[0] // steps if steps else 1, steps, *a.shape[1:])
    sharding = sharding_of(a, None, None, *range(1, a.ndim)) if is_sharded(a) else None
    return jnp.reshape(a, shape, out_sharding=sharding)


def joined(a: Array) -> Array:
    """Return `(blocks, steps, ...)` as `(time, ...)`."""
    shape = (a.shape[0] * a.shape[1], *a.shape[2:])
    sharding = sharding_of(a, None, *range(2, a.ndim)) if is_sharded(a) else None
    return jnp.reshape(a, shape, out_sharding=sharding)


def out_of_blocks(a: Array) -> Array:
    """Reverse `in_blocks`."""
    return jnp.swapaxes(joined(a), 0, 1)


def _steps_of_a_block(time: int) -> int:
    """Return the largest divisor up to `MOST`, or all steps if that is too few to save time."""
    largest = max((n for n in range(1, MOST + 1) if time % n == 0), default=time)
    return largest if largest >= LEAST else time


def gathered(params: Any) -> Any:
    """Return parameters without the sharding that their types state.

    Each unit needs all units of the previous step, so sharded units would be gathered in every
    step.
    """
    return jax.tree.map(lambda a: _kept_sharded(a, ()), params)


def by_batch(a: Array) -> Array:
    """Return `(batch, time, ...)` sharded only along the batch, if its type states a sharding."""
    return _kept_sharded(a, (0,))


def _kept_sharded(a: Array, axes: tuple[int, ...]) -> Array:
    if not is_sharded(a):
        return a
    kept = (i if i in axes else None for i in range(a.ndim))
    return jax.sharding.reshard(a, sharding_of(a, *kept))


def zero_state(x: Array, units: int, *others: Any) -> Array:
    """Return the state before the first step, `(batch, units)`, sharded as the batch of `x`."""
    zero, sharding = jnp.zeros((x.shape[0], units), wide_dtype(x.dtype)), sharding_of(x, 0, None)
    zero = zero if sharding is None else jax.sharding.reshard(zero, sharding)
    return varying_together(zero, x, *others)


def states_before(y: Array) -> Array:
    """Return h before each step, in blocks, given h after each step, `(batch, time, units)`."""
    h = jnp.swapaxes(y, 0, 1)
    zero = varying_together(jnp.zeros((), h.dtype), h)
    return cut(lax.pad(h, zero, ((1, -1, 0), (0, 0, 0), (0, 0, 0))))


def zero_sums(params: Any, *others: Any) -> Any:
    """Return zeros like the parameters, in at least float32, to which each block adds its share."""
    zeros = jax.tree.map(lambda p: jnp.zeros_like(p, dtype=wide_dtype(p.dtype)), params)
    return varying_together(zeros, params, *others)


def over_steps(a: Array, dz: Array, like: Array) -> Array:
    """Return the sum of `a.T @ dz` over the steps of a block, sharded as `like`.

    On a CPU both axes are merged before the product, which takes 7 ms instead of 12 ms for 100
    steps of (64, 128) and (64, 512), on one core of a Xeon with AVX-512 (jax 0.10.1).
    """
    sharding, dtype = sharding_of(like, beside=a), like.dtype

    def of_both_axes(a: Array, dz: Array) -> Array:
        return jnp.einsum("tbm,tbn->mn", a, dz, out_sharding=sharding, preferred_element_type=dtype)

    def of_one_axis(a: Array, dz: Array) -> Array:
        rows = dz.shape[0] * dz.shape[1]
        a, dz = a.reshape(rows, a.shape[-1]), dz.reshape(rows, dz.shape[-1])
        return jnp.matmul(a.T, dz, preferred_element_type=dtype)

    if any(map(is_sharded, (a, dz, like))):
        return of_both_axes(a, dz)
    return lax.platform_dependent(a, dz, cpu=of_one_axis, default=of_both_axes)


def sum_over_steps(dz: Array, like: Array) -> Array:
    """Return the sum of `dz` over the steps of a block and the batch, sharded as `like`.

    In the case of `over_steps`, a product with ones takes 2 ms, and a sum 3 to 11 ms.
    """
    ones = jnp.ones_like(dz[..., :1])
    return over_steps(ones, dz, jnp.expand_dims(like, 0)).squeeze(0)


def in_dtype_of(sums: Any, params: Any) -> Any:
    """Return the sums in the dtypes of the parameters."""
    return jax.tree.map(lambda a, p: a.astype(p.dtype), sums, params)
