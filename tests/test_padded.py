"""`Padded`: sequences of different lengths in one batch, whose padding counts nowhere."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import purenn as pn

LENGTHS = (4, 1, 3)
VALID = np.arange(5) < np.array(LENGTHS)[:, None]  # (3, 5)


def features(width=3, dtype=np.float64):
    """Return a batch whose padding holds numbers that would be noticed."""
    x = np.random.default_rng(0).normal(size=(*VALID.shape, width))
    return pn.Padded(np.where(VALID[..., None], x, 1e3).astype(dtype), VALID)


def plus_mean() -> pn.Layer:
    """Add to each position the mean of the valid ones: a layer that mixes positions."""

    def forward(params, state, x, *, train=False, key=None):
        x, valid = x if isinstance(x, pn.Padded) else (x, None)
        share = jnp.ones(x.shape[:2], x.dtype) if valid is None else valid.astype(x.dtype)
        share = (share / share.sum(axis=1, keepdims=True))[..., None]
        y = x + jnp.sum(share * x, axis=1, keepdims=True)
        return y if valid is None else pn.Padded(y, valid), state, share

    def backward(params, share, dy):
        return (), dy + share * jnp.sum(dy, axis=1, keepdims=True)

    return pn.Layer(
        lambda key, in_shape: ((), ()), forward, backward, name="plus_mean", padded="uses"
    )


def stack():
    """Return a model in which positions meet, and its parameters in float64."""
    block = pn.residual(pn.serial(pn.layer_norm(), plus_mean(), pn.gelu, pn.dense(4)))
    model = pn.serial(
        pn.dense(4),
        pn.repeat(block, 2),
        pn.recompute(block),
        pn.mixed_precision(block, jnp.float64),
        pn.parallel(plus_mean(), pn.dense(4), combine="product"),
        pn.residual(plus_mean(), projection=pn.dense(4)),
        pn.dense(2),
    )
    model = pn.as_dtype(model, jnp.float64)
    return model, *model.init(jax.random.key(0), (VALID.shape[1], 3))


def test_layers_that_ignore_padding_do_what_they_do_with_the_array():
    layer, x = pn.dense(2), features(dtype=np.float32)
    params, state = layer.init(jax.random.key(0), (5, 3))
    y, _, cache = layer.forward(params, state, x)
    expected, _, expected_cache = layer.forward(params, state, x.x)
    assert isinstance(y, pn.Padded) and np.array_equal(y.valid, VALID)
    assert np.array_equal(y.x, expected)
    dparams, dx = layer.backward(params, cache, jnp.ones((3, 5, 2)))
    others = layer.backward(params, expected_cache, jnp.ones((3, 5, 2)))
    assert jax.tree.all(jax.tree.map(np.array_equal, (dparams, dx), others))
    applied, _ = layer.apply(params, state, x)
    assert isinstance(applied, pn.Padded) and np.array_equal(applied.x, y.x)


def test_padding_reaches_the_layers_that_use_it_through_composites(x64):
    model, params, state = stack()
    x = features()

    @jax.jit
    def passes(params, x):
        y, _, cache = model.forward(params, state, x)
        dy = jnp.ones((3, 5, 2)) if isinstance(x, pn.Padded) else jnp.ones((*x.shape[:2], 2))
        dy = jnp.where(x.valid[..., None], dy, 0) if isinstance(x, pn.Padded) else dy
        return y, model.backward(params, cache, dy)

    y, (dparams, dx) = passes(params, x)
    applied, _ = model.apply(params, state, x)
    np.testing.assert_allclose(applied.x, y.x, rtol=1e-13)
    total = jax.tree.map(jnp.zeros_like, dparams)
    for row, length in enumerate(LENGTHS):
        alone, (own_dparams, own_dx) = passes(params, x.x[row : row + 1, :length])
        np.testing.assert_allclose(y.x[row, :length], alone[0], rtol=1e-12)
        np.testing.assert_allclose(dx[row, :length], own_dx[0], rtol=1e-11)
        total = jax.tree.map(jnp.add, total, own_dparams)
    for mine, theirs in zip(jax.tree.leaves(dparams), jax.tree.leaves(total), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-11, atol=1e-11)


def test_a_plain_function_can_say_that_it_ignores_padding():
    layer = pn.serial(pn.dense(2), pn.serial(jnp.sin).replace(padded="ignores"))
    params, state = layer.init(jax.random.key(0), (5, 3))
    x = features(dtype=np.float32)
    y, _ = layer.apply(params, state, x)
    assert np.array_equal(y.x, layer.apply(params, state, x.x)[0])
    op = pn.Op(lambda x: (2 * x, None), lambda cache, dy: 2 * dy, padded="ignores")
    assert np.array_equal(pn.serial(op).apply(((),), ((),), x)[0].x, 2 * x.x)


def test_by_hand_takes_it(x64):
    model, params, state = stack()
    x = features()

    def total(model, params, x):
        y, _ = model.apply(params, state, x)
        return jnp.sum(jnp.where(y.valid[..., None], y.x, 0) ** 2)

    by_jax = jax.jit(jax.grad(partial(total, model)))(params, x)
    by_hand = jax.jit(jax.grad(partial(total, pn.by_hand(model))))(params, x)
    for mine, theirs in zip(jax.tree.leaves(by_hand), jax.tree.leaves(by_jax), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9)
