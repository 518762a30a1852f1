"""`attention`: each position takes a weighted mean of what all of them offer."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core import checks, scalars
from purenn.core.layer import Layer
from purenn.core.located import inside
from purenn.core.types import Initializer
from purenn.core.weights import weights
from purenn.initializers import draw, glorot_normal
from purenn.layers.attend import Attended, attend, attend_backward
from purenn.layers.rotary import turned
from purenn.layers.weights_and_biases import check_initializers


@weights("wq", "wk", "wv", "wo")
class AttentionParams(NamedTuple):
    """Weights and biases of `attention`.

    Attributes:
        wq: makes the queries, `(features, heads, head_features)`.
        wk: makes the keys, `(features, kv_heads, head_features)`.
        wv: makes the values, like `wk`.
        wo: mixes the heads' outputs, `(heads, head_features, features)`.
        bq: `(heads, head_features)`; this and the other biases are None without a `b_init`.
        bk: `(kv_heads, head_features)`.
        bv: like `bk`.
        bo: `(features,)`.
    """

    wq: Array
    wk: Array
    wv: Array
    wo: Array
    bq: Array | None = None
    bk: Array | None = None
    bv: Array | None = None
    bo: Array | None = None


class _Saved(NamedTuple):
    x: Array  # (batch, time, features)
    q: Array  # (batch, kv_heads, group, time, head_features), scaled and turned
    k: Array  # (batch, kv_heads, time, head_features), turned
    v: Array
    attended: Attended


def attention(
    heads: int,
    *,
    kv_heads: int | None = None,
    head_features: int | None = None,
    causal: bool = False,
    rotary: bool = False,
    w_init: Initializer = glorot_normal,
    b_init: Initializer | None = None,
) -> Layer:
    """Attend."""
    name = f"attention({heads})"
    heads = scalars.count("attention", "heads", heads)
    kv = heads if kv_heads is None else scalars.count("attention", "kv_heads", kv_heads)
    check_initializers("attention", w_init, b_init)
    group = heads // kv

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[AttentionParams, tuple[()]]:
        _, features = checks.shape_tuple(name, in_shape, axes=2)
        each = features // heads if head_features is None else head_features
        shapes = {
            "wq": (features, heads, each),
            "wk": (features, kv, each),
            "wv": (features, kv, each),
            "wo": (heads, each, features),
        }
        keys = jax.random.split(checks.prng_key(name, key), 8)
        drawn: dict[str, Any] = {}
        for (field, shape), w_key, b_key in zip(shapes.items(), keys[:4], keys[4:], strict=True):
            matrix = (heads * each, features) if field == "wo" else (features, shape[1] * each)
            with inside("w_init"):
                drawn[field] = draw(name, "w_init", w_init, w_key, matrix).reshape(shape)
            if b_init is not None:
                out = (features,) if field == "wo" else shape[1:]
                with inside("b_init"):
                    drawn[f"b{field[1]}"] = draw(name, "b_init", b_init, b_key, out)
        return AttentionParams(**drawn), ()

    def forward(
        params: AttentionParams, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, _Saved]:
        q, k, v = projected(params, x)
        attended = attend(q, k, v, None, causal=causal)
        o = attended.output.reshape(x.shape[0], heads, x.shape[1], -1)
        y = jnp.einsum("bhtd,hdf->btf", o, params.wo)
        if params.bo is not None:
            y = y + params.bo[None, None]
        return y, state, _Saved(x, q, k, v, attended)

    def projected(params: AttentionParams, x: Array) -> tuple[Array, Array, Array]:
        q, k, v = (
            jnp.einsum("btf,fhd->bhtd", x, w) + (0 if b is None else b[None, :, None])
            for w, b in ((params.wq, params.bq), (params.wk, params.bk), (params.wv, params.bv))
        )
        if rotary:
            q, k = turned(q), turned(k)
        q = q * (1 / math.sqrt(q.shape[-1]))
        return q.reshape(q.shape[0], kv, group, *q.shape[2:]), k, v

    def backward(
        params: AttentionParams, saved: _Saved, dy: Array
    ) -> tuple[AttentionParams, Array]:
        x, q, k, v, attended = saved
        batch, time, _ = x.shape
        o = attended.output.reshape(batch, heads, time, -1)
        dwo = jnp.einsum("bhtd,btf->hdf", o, dy)
        do = jnp.einsum("btf,hdf->bhtd", dy, params.wo).reshape(q.shape)
        dq, dk, dv = attend_backward(q, k, v, None, attended, do, causal=causal)
        dq = dq.reshape(o.shape) * (1 / math.sqrt(q.shape[-1]))
        if rotary:
            dq, dk = turned(dq, back=True), turned(dk, back=True)
        grads = (dq, dk, dv)
        dwq, dwk, dwv = (jnp.einsum("btf,bhtd->fhd", x, g) for g in grads)
        ws = (params.wq, params.wk, params.wv)
        dx = sum(
            (jnp.einsum("bhtd,fhd->btf", g, w) for g, w in zip(grads, ws, strict=True)),
            start=jnp.zeros_like(x),
        )
        db: tuple[Any, ...] = (None, None, None, None)
        if params.bo is not None:
            db = (*(jnp.sum(g, (0, 2)) for g in grads), jnp.sum(dy, (0, 1)))
        return AttentionParams(dwq, dwk, dwv, dwo, *db), dx

    return Layer(init, forward, backward, name=name)
