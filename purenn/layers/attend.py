"""The core of attention: outputs from queries, keys, and values, in blocks of scores."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from purenn.core.precision import wide, wide_dtype
from purenn.core.sharding import varying_together
from purenn.layers.score_blocks import Blocks, Queries, blocked


class Attended(NamedTuple):
    """The values that attention keeps for its backward pass.

    Attributes:
        output: `(batch, kv_heads, group, time, features)`.
        log_sum: the logarithm of the sum of each query's exponentials, `(batch, kv_heads, group,
            time, 1)`, in at least float32; 0 for a query that sees no key.
    """

    output: Array
    log_sum: Array


@blocked
def attend(blocks: Blocks, q: Array, k: Array, v: Array, valid: Array | None) -> Attended:
    r"""Return a mean of the values for each query, weighted by the softmax of its scores.

    $$S = q k^\top, \qquad \ell = \operatorname{logsumexp} S, \qquad P = e^{S - \ell}, \qquad
      o = P v$$

    where the masked entries of $S$ are left out. The queries are already scaled. Only the scores of
    one block of queries are in memory at a time, with all keys that it sees or with a block of them
    (Dao et al., 2022). Let $m$ be the largest score of a query so far. If a block raises $m$ to
    $m'$, then $t = \sum e^{S - m}$ and $o = e^{S - m} v$ are rescaled by $e^{m - m'}$. In the end,
    $\ell = m + \ln t$. With a causal mask, the keys after a block of queries are skipped.

    Args:
        blocks: the blocks of scores. Callers pass `causal` instead, whether later keys are hidden
            from a query.
        q: `(batch, kv_heads, group, time, features)`; a group shares a key and a value head.
        k: `(batch, kv_heads, time, features)`.
        v: like `k`.
        valid: the mask of valid keys, `(batch, time)`; None for all.
    """
    valid = blocks.valid(valid)
    q, k, v = map(blocks.padded, (q, k, v))
    k_t = jnp.matrix_transpose(k)

    def of(queries: Queries) -> Attended:
        some_q = queries.of(q)

        def block(carry: Any, j: Any) -> Any:
            top, total, output = carry
            s = _scores(some_q, queries.columns(k_t, j), queries.mask(valid, j))
            new_top = jnp.maximum(top, jnp.max(s, axis=-1, keepdims=True))
            # As long as all are masked, it is -inf.
            finite_top = new_top if valid is None else jnp.where(new_top == -jnp.inf, 0, new_top)
            p, rescale = jnp.exp(s - finite_top), jnp.exp(top - finite_top)
            total = total * rescale + jnp.sum(p, axis=-1, keepdims=True)
            of_block = _product("bkgts,bksd->bkgtd", p.astype(v.dtype), queries.rows(v, j))
            return new_top, total, output * rescale + of_block

        none = jnp.zeros_like(wide(some_q))
        carry = (jnp.full_like(none[..., :1], -jnp.inf), none[..., :1], none)
        top, total, output = queries.over(block, varying_together(carry, k, v, valid))
        some = total if valid is None else jnp.where(total == 0, 1, total)
        log_sum = top + jnp.log(some)
        if valid is not None:
            log_sum = jnp.where(total == 0, 0, log_sum)
        return Attended((output / some).astype(q.dtype), log_sum)

    parts = zip(*map(of, blocks), strict=True)
    return Attended(*(jnp.concatenate(a, axis=-2)[..., : blocks.time, :] for a in parts))


@blocked
def attend_backward(
    blocks: Blocks,
    q: Array,
    k: Array,
    v: Array,
    valid: Array | None,
    attended: Attended,
    do: Array,
) -> tuple[Array, Array, Array]:
    r"""Return the derivatives with respect to the queries, the keys, and the values.

    $P$ is computed again from $\ell$. The output is linear in the values and in the weights:

    $$dv = P^\top do, \qquad dP = do\, v^\top$$

    The softmax subtracts from each row of $dP$ its mean under $P$, $D = \sum_j P_j\, dP_j$. This is
    $\sum_j P_j (do \cdot v_j) = do \cdot o$, which does not need the scores:

    $$D = \operatorname{rowsum}(do \odot o), \qquad dS = P \odot (dP - D), \qquad
      dq = dS\, k, \qquad dk = dS^\top q$$

    The derivatives with respect to a shared key or value are sums over the group.

    $P^\top do$ is computed as $(do^\top P)^\top$: XLA's CPU compiler takes 0.75 ms for the former
    and 0.3 ms for the latter, with 8 blocks of 256 scores squared, on a Xeon with AVX-512.
    """
    valid = blocks.valid(valid)
    output, log_sum = attended
    d = jnp.sum(wide(do) * wide(output), axis=-1, keepdims=True)
    q, k, v, do, log_sum, d = map(blocks.padded, (q, k, v, do, log_sum, d))
    k_t, v_t = jnp.matrix_transpose(k), jnp.matrix_transpose(v)

    def of(queries: Queries, dk_t: Array, dv_t: Array) -> Any:
        some_q, some_do, some_l, some_d = map(queries.of, (q, do, log_sum, d))
        q_t, do_t = jnp.matrix_transpose(some_q), jnp.matrix_transpose(some_do)

        def block(carry: Any, j: Any) -> Any:
            dq, dk_t, dv_t = carry
            s = _scores(some_q, queries.columns(k_t, j), queries.mask(valid, j))
            p = jnp.exp(s - some_l)
            dp = _product("bkgtd,bkds->bkgts", some_do, queries.columns(v_t, j))
            ds = (p * (dp - some_d)).astype(q.dtype)
            of_values = _product("bkgdt,bkgts->bkds", do_t, p.astype(q.dtype))
            of_keys = _product("bkgdt,bkgts->bkds", q_t, ds)
            dq = dq + _product("bkgts,bksd->bkgtd", ds, queries.rows(k, j))
            return dq, queries.added(dk_t, of_keys, j), queries.added(dv_t, of_values, j)

        return queries.over(block, (varying(jnp.zeros_like(wide(some_q))), dk_t, dv_t))

    def varying(a: Any) -> Any:
        return varying_together(a, q, k, v, do, valid)

    dqs: list[Array] = []
    dk_t, dv_t = (varying(jnp.zeros_like(wide(a))) for a in (k_t, v_t))
    for queries in reversed([*blocks]):  # the last blocks see all keys, so their sums come first
        dq, dk_t, dv_t = of(queries, dk_t, dv_t)
        dqs.insert(0, dq)

    def finished(a: Array) -> Array:
        return a[..., : blocks.time, :].astype(q.dtype)

    dq = jnp.concatenate(dqs, axis=-2)
    return finished(dq), finished(jnp.matrix_transpose(dk_t)), finished(jnp.matrix_transpose(dv_t))


def _scores(q: Array, k_t: Array, mask: Array | None) -> Array:
    s = _product("bkgtd,bkds->bkgts", q, k_t)
    return s if mask is None else jnp.where(mask, s, -jnp.inf)


def _product(subscripts: str, a: Array, b: Array) -> Array:
    """Return a product that accumulates in at least float32.

    XLA's CPU compiler cannot multiply bfloat16 with accumulation in float32.
    """
    dtype = wide_dtype(a.dtype)

    def accumulated(a: Array, b: Array) -> Array:
        return jnp.einsum(subscripts, a, b, preferred_element_type=dtype)

    def upcast(a: Array, b: Array) -> Array:
        return jnp.einsum(subscripts, wide(a), wide(b))

    if a.dtype == dtype:
        return jnp.einsum(subscripts, a, b)
    return lax.platform_dependent(a, b, cpu=upcast, default=accumulated)
