"""What is special about attention: blocks of scores, masks, rotations, groups of heads."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import error, jit_quickly, plain_rotary, plain_softmax

import purenn as pn
from purenn.layers import score_blocks
from purenn.layers.attend import attend, attend_backward
from purenn.layers.rotary import turned


def plain(q, k, v, valid, causal):
    """Every score at once; q has the group as an axis of its own."""
    s = jnp.einsum("bkgtd,bksd->bkgts", q, k)
    mask = np.tri(q.shape[-2], dtype=bool) if causal else np.ones((q.shape[-2],) * 2, bool)
    seen = mask if valid is None else mask & valid[:, None, None, None, :]
    return jnp.einsum("bkgts,bksd->bkgtd", plain_softmax(jnp.where(seen, s, -jnp.inf)), v)


@partial(jit_quickly, static_argnames="causal")
def by_hand(q, k, v, valid, causal, do):
    attended = attend(q, k, v, valid, causal=causal)
    grads = attend_backward(q, k, v, valid, attended, do, causal=causal)
    return attended.output, grads


@partial(jit_quickly, static_argnames="causal")
def by_jax(q, k, v, valid, causal, do):
    output, pull = jax.vjp(lambda q, k, v: plain(q, k, v, valid, causal), q, k, v)
    return output, pull(do)


def arguments(rng, time, *, batch=2, dtype=jnp.float64, scale=1.0):
    """Queries of two heads that share a key and a value head, keys, values and a cotangent."""
    shapes = ((batch, 1, 2, time, 3), (batch, 1, time, 3), (batch, 1, time, 3))
    q, k, v, do = (rng.normal(size=shape) for shape in (*shapes, shapes[0]))
    return [jnp.asarray(a, dtype) for a in (scale * q, k, v, do)]


@pytest.fixture
def sizes(monkeypatch):
    """A function that makes blocks small, so that short sequences have several."""

    def use(*sizes):
        by_hand.clear_cache()
        monkeypatch.setattr(score_blocks, "CPU", score_blocks.Sizes(*sizes))

    yield use
    by_hand.clear_cache()


LOOP, AT_ONCE = (4, 4, 4), (100, 4, 4)  # how a block of queries sees its keys


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("time", [1, 4, 7, 12, 14])  # one block; two or four, filled or not; three
@pytest.mark.parametrize("kind", [LOOP, AT_ONCE])
def test_scores_in_blocks_are_those_at_once(x64, rng, sizes, kind, time, causal):
    sizes(*kind)
    q, k, v, do = arguments(rng, time)
    valid = jnp.asarray(rng.uniform(size=(2, time)) < 0.7).at[:, 0].set(True)
    for mask in (None, valid):
        expected = by_jax(q, k, v, mask, causal, do)
        assert error(by_hand(q, k, v, mask, causal, do), expected) < 1e-12


def test_keys_that_the_causal_mask_hides_from_a_whole_block_are_skipped():
    def keys(kind, causal):
        blocks = score_blocks.Blocks.of(13, causal, score_blocks.Sizes(*kind))
        return [(queries.keys, queries.size) for queries in blocks]

    assert keys(LOOP, causal=True) == [(4, 4), (8, 4), (12, 4), (16, 4)]
    assert keys(LOOP, causal=False) == [(16, 4)] * 4
    assert keys(AT_ONCE, causal=True) == [(4, 4), (8, 8), (12, 12), (13, 13)]
    assert keys(AT_ONCE, causal=False) == [(13, 13)] * 4


def test_long_sequences_have_no_more_blocks():
    blocks = score_blocks.Blocks.of(100_000, True, score_blocks.CPU)
    assert [queries.start for queries in blocks] == [*range(0, 100_000, 12_500)]


def test_only_one_position_is_valid(x64, rng):
    """All others look at it alone, and it alone gets a derivative."""
    q, k, v, do = arguments(rng, 5)
    valid = jnp.zeros((2, 5), bool).at[:, 3].set(True)
    output, (dq, dk, dv) = by_hand(q, k, v, valid, False, do)
    assert error(output, jnp.broadcast_to(v[:, :, None, 3:4], output.shape)) < 1e-15
    assert error(dv[:, :, 3], do.sum((2, 3))) < 1e-15
    assert not np.any(dv[:, :, :3])
    assert error((dq, dk), (jnp.zeros_like(dq), jnp.zeros_like(dk))) < 1e-15


def test_a_query_that_sees_no_key_gets_zero_and_passes_nothing_back(rng):
    """With `causal`, those before the first valid position."""
    q, k, v, do = arguments(rng, 5, dtype=jnp.float32)
    valid = jnp.zeros((2, 5), bool).at[:, 2:].set(True)
    output, (dq, dk, dv) = by_hand(q, k, v, valid, True, do)
    assert not np.any(output[..., :2, :])
    assert not np.any(dq[..., :2, :])
    later = by_hand(*(a[..., 2:, :] for a in (q, k, v)), None, True, do[..., 2:, :])
    got = output[..., 2:, :], (dq[..., 2:, :], dk[..., 2:, :], dv[..., 2:, :])
    assert error(got, later) < 1e-6
    assert not np.any(np.stack([dk, dv])[..., :2, :])


def test_what_padding_holds_counts_nowhere(rng):
    layer = pn.attention(1, b_init=pn.initializers.zeros)
    params, _ = layer.init(jax.random.key(0), (3, 2))
    x = jnp.asarray(rng.normal(size=(1, 3, 2)), jnp.float32)
    valid = jnp.array([[True, True, False]])
    apply = jit_quickly(layer.apply)
    y, _ = apply(params, (), x[:, :2])
    for held in (0.0, 1e30, np.inf, np.nan):
        padded = pn.Padded(x.at[:, 2].set(held), valid)
        assert error(apply(params, (), padded)[0].x[:, :2], y) < 1e-6


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("kind", [LOOP, AT_ONCE])
def test_scores_of_10_000(x64, rng, dtype, sizes, kind):
    """The softmax picks one key, or shares equally; blocks are rescaled by e to -10,000."""
    sizes(*kind)
    q, k, v, do = arguments(rng, 9, dtype=dtype, scale=1e4)
    got = by_hand(q, k, v, None, True, do)
    exact = [a.astype(jnp.float64) for a in (q, k, v, do)]
    expected = by_hand(*exact[:3], None, True, exact[3])
    assert error(got[0], expected[0]) < (1e-3 if dtype == jnp.float32 else 2e-2)
    assert all(np.isfinite(np.asarray(a, np.float64)).all() for a in jax.tree.leaves(got))


def test_a_rotation_keeps_lengths_and_distances(x64, rng):
    q, k = (jnp.asarray(rng.normal(size=(1, 1, 6, 4))) for _ in range(2))
    assert error(turned(q), jnp.swapaxes(plain_rotary(jnp.swapaxes(q, 1, 2)), 1, 2)) < 1e-14
    assert error(turned(turned(q), back=True), q) < 1e-15
    assert error(jnp.sum(turned(q) ** 2, -1), jnp.sum(q**2, -1)) < 1e-14
    near, far = (jnp.sum(turned(q, start=m) * turned(k, start=m + 2), -1) for m in (0, 50))
    assert error(far, near) < 1e-12


def test_scores_do_not_exist_at_once(rng):
    """On no platform is an array of the step as large as the scores of one head."""
    layer, time = pn.attention(2, causal=True), 4096
    params, state = layer.init(jax.random.key(0), (time, 8))

    def step(params, x):
        y, _, cache = layer.forward(params, state, x)
        return layer.backward(params, cache, y)

    jaxpr = jax.make_jaxpr(step)(params, jnp.zeros((1, time, 8)))

    def largest(jaxpr):
        sizes = [0]
        for eqn in jaxpr.eqns:
            sizes += [v.aval.size for v in eqn.outvars]
            sizes += [
                largest(inner.jaxpr)
                for inner in jax.tree.leaves(
                    list(eqn.params.values()), is_leaf=lambda p: hasattr(p, "jaxpr")
                )
                if hasattr(inner, "jaxpr")
            ]
        return max(sizes)

    assert largest(jaxpr.jaxpr) == 2 * 512**2  # of two heads: a block of queries, and of keys


def test_the_cache_holds_no_scores():
    layer = pn.attention(4, kv_heads=2, causal=True)
    params, state = layer.init(jax.random.key(0), (6, 8))
    _, _, cache = jax.eval_shape(layer.forward, params, state, jnp.zeros((3, 6, 8)))
    shapes = [a.shape for a in jax.tree.leaves(cache)]
    qkv = [(3, 2, 2, 6, 2), (3, 2, 6, 2), (3, 2, 6, 2)]
    assert shapes == [(3, 6, 8), *qkv, (3, 2, 2, 6, 2), (3, 2, 2, 6, 1)]


def test_read_piece_by_piece(x64, rng):
    layer = pn.as_dtype(pn.attention(4, kv_heads=2, causal=True, rotary=True), jnp.float64)
    params, _ = layer.init(jax.random.key(0), (7, 8))
    x = jnp.asarray(rng.normal(size=(2, 7, 8)))
    reader = pn.stepwise(layer, batch=2, length=7)
    _, state = reader.init(jax.random.key(0), (7, 8))
    pieces = []
    read = jit_quickly(reader.apply)
    for piece in (x[:, :1], x[:, 1:4], x[:, 4:]):
        y, state = read(params, state, piece)
        pieces.append(y)
    assert (
        error(jnp.concatenate(pieces, axis=1), jit_quickly(layer.apply)(params, (), x)[0]) < 1e-12
    )
    y, _ = read(params, state, x[:, :1])
    assert np.isnan(y).all()
