"""Winograd's transforms where the table can't see: pieces, JAX's derivatives, where used."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from table import error, jit_quickly

import purenn as pn
from purenn.layers import winograd
from purenn.layers.pieces import count_of, over_pieces

PADDED = ((1, 1), (1, 1))


def by_lax(x, w, padding=PADDED):
    numbers = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, w, (1, 1), padding, dimension_numbers=numbers)


def both_ways(layer, params, x):
    y, _, cache = layer.forward(params, (), x)
    return layer.backward(params, cache, y)


def drawn(rng, *shape):
    return jnp.asarray(rng.normal(size=shape))


@pytest.mark.parametrize(
    ("shape", "padding", "tiles"),
    [
        ((9, 6, 6, 2), PADDED, 20),  # pieces of three images
        ((6, 5, 7, 3), PADDED, 1),  # rows and columns that no tile fills
        ((4, 4, 9, 2), ((0, 0), (0, 0)), 1),
        ((2, 3, 4, 1), ((2, 1), (0, 4)), 10_000),
        ((5, 2, 2, 2), ((0, 3), (3, 0)), 1),
    ],
)
def test_they_give_the_convolution_and_its_derivatives(
    shape, padding, tiles, rng, x64, monkeypatch
):
    monkeypatch.setattr(winograd, "TILES", tiles)
    monkeypatch.setattr(winograd, "TILES_OF_DW", tiles)
    x, w = drawn(rng, *shape), drawn(rng, 3, 3, shape[-1], 4)
    dz = drawn(rng, *jax.eval_shape(partial(by_lax, padding=padding), x, w).shape)

    @jit_quickly
    def judged(x, w, dz):
        y, vjp = jax.vjp(partial(by_lax, padding=padding), x, w)
        dx, dw = vjp(dz)
        by_jax = jax.vjp(lambda x, w: winograd.correlate(x, w, padding), x, w)
        by_hand = winograd.correlate(x, w, padding), winograd.kernel_derivative(x, dz, padding)
        return (by_hand, by_jax[0], by_jax[1](dz)), ((y, dw), y, (dx, dw))

    assert error(*judged(x, w, dz)) <= 1e-13


def test_jax_differentiates_them_twice_forwards_and_in_batches(rng, x64):
    x, w = drawn(rng, 3, 4, 5, 2), drawn(rng, 4, 3, 3, 2, 3)

    def hessian_times(correlate, x, w):
        def loss(w):
            return jnp.sum(jnp.sin(correlate(x, w)))

        return jax.jvp(jax.grad(loss), (w,), (jnp.cos(w),))

    @jit_quickly
    def judged(x, w):
        ways = by_lax, lambda x, w: winograd.correlate(x, w, PADDED)
        return [jax.vmap(partial(hessian_times, way), (None, 0))(x, w) for way in ways]

    assert error(*judged(x, w)[::-1]) <= 1e-12


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_rounding_is_that_of_the_definition(dtype, rng):
    x, w = (drawn(rng, *shape).astype(dtype) for shape in ((8, 14, 14, 32), (3, 3, 32, 64)))
    dz = drawn(rng, 8, 14, 14, 64).astype(dtype)

    def both(x, w, dz):
        y, vjp = jax.vjp(by_lax, x, w)
        return y, vjp(dz)[1]

    @jit_quickly
    def transformed(x, w, dz):
        return winograd.correlate(x, w, PADDED), winograd.kernel_derivative(x, dz, PADDED)

    with jax.enable_x64(True):
        exact = jit_quickly(both)(*(a.astype(jnp.float64) for a in (x, w, dz)))
    plain, ours = error(jit_quickly(both)(x, w, dz), exact), error(transformed(x, w, dz), exact)
    assert ours <= 3 * plain


def test_an_infinity_reaches_no_further_than_its_tiles(rng):
    x = drawn(rng, 2, 9, 9, 32).at[1, 4, 4, 7].set(np.inf)
    w = drawn(rng, 3, 3, 32, 32)
    bad = ~np.isfinite(jit_quickly(lambda x, w: winograd.correlate(x, w, PADDED))(x, w))
    assert bad[1, 3:6, 3:6].all() and not bad[0].any()
    assert bad[1, 2:6, 2:6].sum() == bad.sum()


def test_where_they_are_used():
    def used(channels=32, features=32, image=(8, 8), batch=2, **options):
        layer = pn.conv2d(features, **options)
        params, _ = layer.init(jax.random.key(0), (*image, channels))
        x = jnp.ones((batch, *image, channels))
        text = jax.jit(lambda p, x: layer.forward(p, (), x)[0]).lower(params, x).as_text()
        return "stablehlo.convolution" not in text

    assert used() and used(channels=40, padding="VALID")
    assert not used(channels=31) and not used(features=31) and not used(image=(3, 8))
    assert not used(kernel=5) and not used(strides=2) and not used(dilation=2)
    assert not used(channels=64, features=64, groups=2)


def test_outside_any_jit_nothing_is_compiled_twice(caplog):
    layer, few = pn.conv2d(32, b_init=None), pn.conv2d(8, b_init=None)
    params, x = pn.Conv2dParams(jnp.ones((3, 3, 32, 32))), jnp.ones((16, 4, 4, 32))
    fewer, y = pn.Conv2dParams(jnp.ones((3, 3, 32, 8))), jnp.ones((16, 4, 4, 8))

    def run():
        jax.block_until_ready(both_ways(layer, params, x))
        jax.block_until_ready(few.backward(fewer, few.forward(fewer, (), x)[2], y))

    run()
    with jax.log_compiles(True):
        run()
    assert not [record for record in caplog.records if "ompil" in record.getMessage()]


@pytest.mark.parametrize(
    ("images", "least", "count"),
    [(128, 8, 16), (100, 8, 10), (127, 8, 1), (8, 8, 1), (3, 8, 1), (6, 0.5, 6), (1, 1, 1)],
)
def test_a_batch_is_divided_into_equal_pieces(images, least, count):
    assert count_of(images, least) == count
    x = jnp.arange(images)

    def body(i, into, piece):
        return into.at[i].add(jnp.sum(piece))

    sums = over_pieces(body, jnp.zeros(count, x.dtype), count, x)
    assert sums.tolist() == x.reshape(count, -1).sum(1).tolist()
