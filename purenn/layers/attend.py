"""Attention itself: queries, keys and values to outputs, a block of scores at a time."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from purenn.core.precision import wide

BLOCK = 256  # queries whose scores exist at the same time


class Attended(NamedTuple):
    """What attention keeps of its scores.

    Attributes:
        output: `(batch, kv_heads, group, time, features)`.
        log_sum: the logarithm of the sum of each query's exponentials, `(batch, kv_heads, group,
            time, 1)`, in float32 at least; 0 for a query that sees no key.
    """

    output: Array
    log_sum: Array


def attend(q: Array, k: Array, v: Array, valid: Array | None, *, causal: bool) -> Attended:
    r"""Return a mean of the values for each query, weighted by the softmax of its scores.

    $$S = q k^\top, \qquad \ell = \operatorname{logsumexp} S, \qquad P = e^{S - \ell}, \qquad
      o = P v$$

    where the masked places of $S$ are left out. The queries are scaled already. Of the scores,
    those of one block of queries exist at a time, and keys that the causal mask hides from all of
    them are skipped (Dao et al. 2022).

    Args:
        q: `(batch, kv_heads, group, time, features)`; a group shares a key and a value head.
        k: `(batch, kv_heads, time, features)`.
        v: as `k`.
        valid: which keys count, `(batch, time)`; None for all.
        causal: whether a query sees no key of a later position.
    """
    found = [
        _attend(q[..., rows, :], k[..., keys, :], v[..., keys, :], _mask(valid, rows, keys, causal))
        for rows, keys in _blocks(q.shape[-2], causal)
    ]
    return Attended(*(jnp.concatenate(blocks, axis=-2) for blocks in zip(*found, strict=True)))


def attend_backward(
    q: Array,
    k: Array,
    v: Array,
    valid: Array | None,
    attended: Attended,
    do: Array,
    *,
    causal: bool,
) -> tuple[Array, Array, Array]:
    r"""Return the derivatives with respect to the queries, the keys and the values.

    $P$ comes again from $\ell$. A value counts in proportion to its weights, and a weight in
    proportion to its value:

    $$dv = P^\top do, \qquad dP = do\, v^\top$$

    The softmax takes from each row of $dP$ its mean under $P$, $D = \sum_j P_j\, dP_j$. That is
    $\sum_j P_j (do \cdot v_j) = do \cdot o$, which needs no scores:

    $$D = \operatorname{rowsum}(do \odot o), \qquad dS = P \odot (dP - D), \qquad
      dq = dS\, k, \qquad dk = dS^\top q$$

    and the derivatives with respect to a shared key or value are sums over the group.
    """
    do = do.astype(q.dtype)
    d = jnp.sum(wide(do) * wide(attended.output), axis=-1, keepdims=True)
    dq, dk, dv = [], jnp.zeros_like(wide(k)), jnp.zeros_like(wide(v))
    for rows, keys in _blocks(q.shape[-2], causal):
        queries, upstream = q[..., rows, :], do[..., rows, :]
        s = _scores(queries, k[..., keys, :], _mask(valid, rows, keys, causal))
        p = jnp.exp(s - attended.log_sum[..., rows, :])
        dp = _product("bkgtd,bksd->bkgts", upstream, v[..., keys, :])
        ds = (p * (dp - d[..., rows, :])).astype(q.dtype)
        dq.append(_product("bkgts,bksd->bkgtd", ds, k[..., keys, :]).astype(q.dtype))
        dk = dk.at[..., keys, :].add(_product("bkgts,bkgtd->bksd", ds, queries))
        dv = dv.at[..., keys, :].add(_product("bkgts,bkgtd->bksd", p.astype(q.dtype), upstream))
    return jnp.concatenate(dq, axis=-2), dk.astype(k.dtype), dv.astype(v.dtype)


def _attend(q: Array, k: Array, v: Array, mask: Array | None) -> tuple[Array, Array]:
    s = _scores(q, k, mask)
    top = jnp.max(s, axis=-1, keepdims=True)
    top = jnp.where(top == -jnp.inf, 0, top)  # where all keys are masked
    p = jnp.exp(s - top)
    total = jnp.sum(p, axis=-1, keepdims=True)
    some = jnp.where(total == 0, 1, total)
    output = _product("bkgts,bksd->bkgtd", p.astype(v.dtype), v) / some
    return output.astype(q.dtype), top + jnp.log(some)


def _scores(q: Array, k: Array, mask: Array | None) -> Array:
    s = _product("bkgtd,bksd->bkgts", q, k)
    return s if mask is None else jnp.where(mask, s, -jnp.inf)


def _product(subscripts: str, a: Array, b: Array) -> Array:
    """Return a product that accumulates in float32 at least."""
    return jnp.einsum(subscripts, a, b, preferred_element_type=wide(a[:0]).dtype)


def _blocks(time: int, causal: bool) -> list[tuple[slice, slice]]:
    """Return the queries of each block, and the keys that any of them sees."""
    starts = range(0, time, BLOCK)
    stops = [min(start + BLOCK, time) for start in starts]
    return [
        (slice(i, stop), slice(0, stop if causal else time))
        for i, stop in zip(starts, stops, strict=True)
    ]


def _mask(valid: Array | None, rows: slice, keys: slice, causal: bool) -> Array | None:
    """Return which keys each query sees, `(batch or 1, 1, 1, queries, keys)`; None for all."""
    mask = None if valid is None else valid[:, None, None, None, keys]
    if not causal:
        return mask
    earlier = jnp.arange(rows.start, rows.stop)[:, None] >= jnp.arange(keys.start, keys.stop)
    earlier = earlier[None, None, None]
    return earlier if mask is None else jnp.logical_and(mask, earlier)
