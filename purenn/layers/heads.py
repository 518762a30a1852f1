"""Heads: the maps from features to queries, keys, and values, and from outputs to features."""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from purenn.core.narrow import transposed_product
from purenn.core.precision import per_feature
from purenn.core.sharding import concatenated, product
from purenn.layers.rotary import turned


class Heads(NamedTuple):
    """The heads of `attention`.

    Attributes:
        queries: the number of query heads.
        kv: the number of key and value heads; `queries // kv` consecutive query heads share one.
        rotary: whether queries and keys are rotated by their positions.
    """

    queries: int
    kv: int
    rotary: bool

    def made(self, params: Any, x: Array, start: Array | int = 0) -> tuple[Array, Array, Array]:
        r"""Return queries, keys, and values: $q = x w_q + b_q$, and so on.

        A single product computes all three. The queries are divided by $\sqrt{d}$, for $d$ features
        per head, so that a score, a sum of $d$ terms, has a variance of about one. `start` is the
        position of the first row of `x`.

        Returns:
            `q: (batch, kv, group, time, d)`, `k, v: (batch, kv, time, d)`.
        """
        z = product(x, side_by_side(params))
        if params.bq is not None:
            z = z + per_feature(jnp.concatenate([jnp.ravel(b) for b in params[4:7]]), z)
        q, k, v = self._apart(z, params.wq.shape[-1])
        if self.rotary:
            q, k = turned(q, start=start), turned(k, start=start)
        q = q * (1 / math.sqrt(q.shape[-1]))
        return q.reshape(q.shape[0], self.kv, -1, *q.shape[2:]), k, v

    def made_backward(
        self, params: Any, x: Array, dq: Array, dk: Array, dv: Array
    ) -> tuple[list[Array], list[Array | None], Array]:
        r"""Return the derivatives with respect to the weights, the biases, and `x`.

        They are those of `dense`, where $z$ is the concatenation of queries, keys, and values. A
        rotation is reversed.

        Returns:
            `[dwq, dwk, dwv], [dbq, dbk, dbv], dx`, with None for missing biases.
        """
        dq = dq.reshape(dq.shape[0], self.queries, *dq.shape[3:]) * (1 / math.sqrt(dq.shape[-1]))
        if self.rotary:
            dq, dk = turned(dq, back=True), turned(dk, back=True)
        dz = jnp.concatenate([*map(together, (dq, dk, dv))], axis=-1)
        w = side_by_side(params)
        dx = product(dz, w.T, like=x)
        x, dz = x.reshape(-1, x.shape[-1]), dz.reshape(-1, dz.shape[-1])
        dws = self._split(transposed_product(x, dz, like=w), params.wq.shape[-1])
        dw = [*map(_reshaped, dws, params[:3])]
        if params.bq is None:
            return dw, [None, None, None], dx
        dbs = self._split(jnp.sum(dz, axis=0), params.wq.shape[-1])
        return dw, [*map(_reshaped, dbs, params[4:7])], dx

    def mixed(self, params: Any, output: Array) -> Array:
        r"""Return the layer's output from the concatenated heads' outputs: $y = o\, w_o + b_o$."""
        y = product(self._outputs(output), params.wo.reshape(-1, params.wo.shape[-1]))
        return y if params.bo is None else y + per_feature(params.bo, y)

    def mixed_backward(
        self, params: Any, output: Array, dy: Array
    ) -> tuple[Array, Array | None, Array]:
        """Return the derivatives with respect to `wo`, `bo`, and the heads' outputs."""
        wo = params.wo.reshape(-1, params.wo.shape[-1])
        o = self._outputs(output)
        do = product(dy, wo.T, like=o)
        rows = dy.reshape(-1, dy.shape[-1])
        dwo = transposed_product(o.reshape(-1, o.shape[-1]), rows, like=wo)
        dbo = None if params.bo is None else jnp.sum(rows, axis=0)
        do = apart(do, self.queries).reshape(output.shape)
        return dwo.reshape(params.wo.shape), dbo, do

    def _outputs(self, output: Array) -> Array:
        return together(output.reshape(output.shape[0], self.queries, *output.shape[3:]))

    def _apart(self, z: Array, each: int) -> tuple[Array, Array, Array]:
        q, k, v = self._split(z, each)
        return apart(q, self.queries), apart(k, self.kv), apart(v, self.kv)

    def _split(self, z: Array, each: int) -> list[Array]:
        """Return the columns of queries, keys, and values."""
        q, kv = self.queries * each, self.kv * each
        return [z[..., :q], z[..., q : q + kv], z[..., q + kv :]]


def side_by_side(params: Any) -> Array:
    """Return the weights of queries, keys, and values, concatenated into one matrix."""
    return concatenated([w.reshape(w.shape[0], -1) for w in params[:3]])


def apart(z: Array, heads: int) -> Array:
    """Return `(batch, time, heads * d)` as `(batch, heads, time, d)`."""
    return z.reshape(*z.shape[:2], heads, -1).transpose(0, 2, 1, 3)


def together(z: Array) -> Array:
    """Return `(batch, heads, time, d)` as `(batch, time, heads * d)`."""
    batch, heads, time, each = z.shape
    return z.transpose(0, 2, 1, 3).reshape(batch, time, heads * each)


def _reshaped(a: Array, like: Array) -> Array:
    return a.reshape(like.shape)
