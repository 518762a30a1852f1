"""`global_avg_pool`: the mean of each channel over all positions of an example."""

import math
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core.layer import Layer
from purenn.core.notation import Notation
from purenn.core.padded import Padded, array_of
from purenn.core.precision import wide


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Saved:
    places: tuple[int, ...] = field(metadata={"static": True})  # axes between batch and channels
    valid: Array | None  # of `Padded`, (batch, time, 1, ..., 1)

    @property
    def count(self) -> Any:
        """The number of places of each example; `Padded` without a valid position counts one."""
        if self.valid is None:
            return math.prod(self.places)
        positions = jnp.sum(self.valid, axis=1, keepdims=True, dtype=jnp.float32)
        return jnp.maximum(positions, 1) * math.prod(self.places[1:])

    def mean_terms(self, values: Array) -> Array:
        """Return what each place has in the mean of values: 0 where it is not valid."""
        terms = values / jnp.asarray(self.count, values.dtype)
        return terms if self.valid is None else jnp.where(self.valid, terms, 0)


def global_avg_pool() -> Layer:
    r"""Take the mean of each channel over all positions of an example.

    The positions are all axes between the batch and the channels, such as the height and width of
    an image, or the time of a sequence ([Lin, Chen, and Yan, 2013][lin2013]). With $n$ positions,

    $$y_c = \frac1n \sum_p x_{p,c}, \qquad dx_{p,c} = \frac1n\, dy_c$$

    Use this layer instead of `flatten` before the last `dense`, which then needs one weight per
    channel instead of one per channel and position. The network then also accepts images of any
    size.

    For `Padded` sequences, the mean is taken over the valid positions. The result is an array with
    one row per sequence, not a `Padded`. The mean of a sequence without valid positions is 0.

    Returns:
        A layer with no parameters and no state. It maps `x: (batch, ..., channels)`, with at least
        one axis in between, to `y: (batch, channels)`. Sums accumulate in float32 or better. The
        cache holds only the lengths of the axes and the mask of valid positions.

    Raises:
        ValueError: if there is no axis between the batch and the channels, or one of these axes has
            length 0.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> x = jnp.arange(16.0).reshape(1, 2, 4, 2)
        >>> y, state = pn.global_avg_pool().apply((), (), x)
        >>> print(y)
        [[7. 8.]]
    """
    name = "global_avg_pool"

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[tuple[()], tuple[()]]:
        check(in_shape, f"in_shape is {in_shape}", "(..., channels)")
        return (), ()

    def forward(
        params: Any, state: Any, x: Any, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, _Saved]:
        array = array_of(x)
        check(array.shape[1:], f"x has shape {array.shape}", "(batch, ..., channels)")
        valid = None
        if isinstance(x, Padded):
            valid = jnp.expand_dims(x.valid, tuple(range(2, array.ndim)))
        saved = _Saved(array.shape[1:-1], valid)
        # Divided first, since a sum may overflow.
        y = jnp.sum(saved.mean_terms(wide(array)), axis=tuple(range(1, array.ndim - 1)))
        return y.astype(array.dtype), state, saved

    def backward(params: Any, saved: _Saved, dy: Array) -> tuple[tuple[()], Array]:
        batch, channels = dy.shape
        each = jnp.expand_dims(wide(dy), tuple(range(1, 1 + len(saved.places))))
        each = jnp.broadcast_to(each, (batch, *saved.places, channels))
        return (), saved.mean_terms(each).astype(dy.dtype)

    def check(shape: tuple[int, ...], what: str, wanted: str) -> None:
        if len(shape) < 2:
            raise ValueError(
                f"{name}: {what}, expected {wanted} with at least one axis of places, such as the "
                f"height and width of an image"
            )
        if 0 in shape[:-1]:
            raise ValueError(f"{name}: {what}, expected {wanted} with places of at least 1")

    notation = Notation("P", "mean places({x})", "{dy}/n to each of n places")

    def flops(params: Any, x: Any, y: Any) -> int:
        return int(x.size)  # a term of the sum each

    return Layer(init, forward, backward, name=name, notation=notation, flops=flops, padded="uses")
