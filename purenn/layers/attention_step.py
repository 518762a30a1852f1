"""`attention`, read piece by piece: the keys and values of earlier positions are its state."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from purenn.core.layer import Layer
from purenn.core.precision import wide
from purenn.core.types import Fn
from purenn.layers.heads import Heads


class AttentionState(NamedTuple):
    """The state of `attention` under `stepwise`: the positions that it has read.

    Attributes:
        k: their keys, `(batch, kv_heads, length, head_features)`, with zeros from `position` on.
        v: their values, like `k`.
        position: their number, int32.
    """

    k: Array
    v: Array
    position: Array


def attention_step(
    name: str, init: Fn, check: Fn, heads: Heads, *, causal: bool
) -> Callable[[int, int], Layer]:
    """Return the layer that `stepwise` makes from an `attention` with these functions."""

    def stepwise(batch: int, length: int) -> Layer:
        if not causal:
            raise TypeError(
                f"{name}: can't be read piece by piece, since its queries see later positions too; "
                f"attention(…, causal=True) can"
            )

        def with_room(key: Any, in_shape: tuple[int, ...]) -> tuple[Any, AttentionState]:
            params, _ = init(key, in_shape)
            none = jnp.zeros((batch, heads.kv, length, params.wk.shape[-1]), params.wk.dtype)
            return params, AttentionState(none, none, jnp.zeros((), jnp.int32))

        def forward(
            params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
        ) -> tuple[Array, AttentionState, tuple[()]]:
            check(params, x)
            position, time = state.position, x.shape[1]
            if time > length:
                raise ValueError(
                    f"{name}: x has shape {x.shape}, {time} positions; expected at most {length}, "
                    f"the length that stepwise was called with"
                )
            q, k, v = heads.made(params, x, start=position)
            k, v = (
                lax.dynamic_update_slice_in_dim(old, new.astype(old.dtype), position, axis=2)
                for old, new in ((state.k, k), (state.v, v))
            )
            s = jnp.einsum("bkgtd,bksd->bkgts", wide(q), wide(k))
            rows = position + jnp.arange(time, dtype=jnp.int32)[:, None]
            seen = (rows >= jnp.arange(length, dtype=jnp.int32)[None])[None, None, None]
            p = jax.nn.softmax(jnp.where(seen, s, -jnp.inf), axis=-1)
            output = jnp.einsum("bkgts,bksd->bkgtd", p, wide(v)).astype(x.dtype)
            y = heads.mixed(params, output)
            fits = position + time <= length
            return jnp.where(fits, y, jnp.nan), AttentionState(k, v, position + time), ()

        def backward(params: Any, cache: Any, dy: Array) -> Any:
            raise NotImplementedError  # `stepwise` replaces it

        return Layer(with_room, forward, backward, name=name)

    return stepwise
