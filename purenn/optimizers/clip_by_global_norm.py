"""`clip_by_global_norm`: gradients whose norm, all together, is at most a given number."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from purenn.core import scalars
from purenn.core.precision import wide
from purenn.core.types import Params, Scalar
from purenn.optimizers.base import Optimizer, check_update
from purenn.optimizers.describe import Described
from purenn.optimizers.moments import root


class ClipState(NamedTuple):
    """State of `clip_by_global_norm`, which is empty."""


def clip_by_global_norm(max_norm: Scalar) -> Optimizer:
    r"""Create a transformation that scales gradients down if their norm exceeds a limit.

    $$g \leftarrow g \min\left(1, \frac{c}{\lVert g \rVert}\right), \qquad
    \lVert g \rVert = \sqrt{\textstyle\sum g^2}$$

    The norm is that of all gradients together, as if they were one vector, so clipping does not
    change their direction ([Pascanu, Mikolov, and Bengio, 2013][pascanu2013]). Its `update` returns
    gradients, not steps, so put it before an optimizer in a `chain`.

    Gradients whose norm is at most `max_norm` are returned unchanged, bit for bit. If a gradient
    contains an infinity or a NaN, all gradients become NaN, and `fit` stops.

    Under `jit`, the norm is that of all gradients, however they are sharded. Inside your own
    `shard_map`, `update` sees only one device's shard, so the norm of sharded gradients is that of
    the shard. In that case, sum the squares over the mesh axis with `jax.lax.psum` and scale the
    gradients yourself, as the guide on many devices shows.

    Args:
        max_norm: the limit $c$, at least 0: a number or a traced scalar.

    Returns:
        An `Optimizer` whose updates are the clipped gradients, a pytree like `grads`. It does not
        take a step by itself.

    Raises:
        TypeError: if `max_norm` is not a number.
        ValueError: if `max_norm` is below 0.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> clip = pn.clip_by_global_norm(1.0)
        >>> grads = {"w": jnp.array([[3.0, 0.0]]), "b": jnp.array([4.0])}
        >>> clipped, _ = clip.update(grads, clip.init(grads))
        >>> print(clipped["w"], clipped["b"])
        [[0.6 0. ]] [0.8]
    """
    max_norm = scalars.number("clip_by_global_norm", "max_norm", max_norm, least=0)

    def init(params: Params) -> ClipState:
        return ClipState()

    def update(
        grads: Params, opt_state: ClipState, params: Params | None = None
    ) -> tuple[Params, ClipState]:
        grads = check_update("clip_by_global_norm", grads, opt_state, params, ClipState)
        unit, length = _norm(grads)
        bound = jnp.asarray(max_norm, unit.dtype)
        short = unit * length <= bound  # False for NaN, so that the result is NaN
        factor = bound / jnp.where(length == 0, 1, length)

        def scale(g: Array) -> Array:
            x = wide(g).astype(unit.dtype)
            return jnp.where(short, x, x / unit * factor).astype(g.dtype)

        return jax.tree.map(scale, grads), opt_state

    given = {"max_norm": max_norm}
    # The norm does not depend on the shapes of the arrays.
    return Optimizer(init, Described(update, "clip_by_global_norm", given, elementwise=True))


def _norm(grads: Any) -> tuple[Array, Array]:
    """Return the norm of all leaves together as a pair: a unit, and the length in that unit.

    The unit is 1 unless the sum of the squares overflows, which in float32 happens for norms above
    1.8e19. The derivative is 0 where all gradients are 0.
    """
    leaves = [wide(g) for g in jax.tree.leaves(grads)]
    dtype = jnp.float64 if any(g.dtype == jnp.float64 for g in leaves) else jnp.float32
    large = float(jnp.finfo(dtype).max) ** 0.75

    def squares(unit: float) -> Array:
        sums = (jnp.sum((g.astype(dtype) / unit) ** 2) for g in leaves)
        return sum(sums, jnp.zeros((), dtype))

    plain = squares(1.0)
    fits = plain < jnp.inf
    length = root(lax.cond(fits, lambda: plain, lambda: squares(large)))
    # An infinity has an infinite length in any unit, and no direction.
    return jnp.where(fits, 1, jnp.asarray(large, dtype)), jnp.where(
        length < jnp.inf, length, jnp.nan
    )
