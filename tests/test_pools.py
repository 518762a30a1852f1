"""Pooling where it can go wrong unseen: ties, NaN and infinities, low precision, what is kept."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from table import NONE, POOLED, error, jit_quickly

import purenn as pn


@partial(jit_quickly, static_argnums=0)
def by_hand(layer, x, dy):
    y, _, cache = layer.forward((), (), x)
    return y, layer.backward((), cache, jnp.broadcast_to(jnp.asarray(dy, y.dtype), y.shape))[1]


PADDED = (  # by more than a row, on each side, and with -inf alone in a window
    ((3, 2), (2, 1), ((2, 0), (1, 1)), ((2, 0), (1, 1)), (4, 3, 2)),
    ((3, 4), (1, 3), 2, ((2, 2), (2, 2)), (2, 5, 2)),
    ((3, 3), (2, 2), "SAME", ((1, 1), (1, 1)), (1, 1, 2)),
)


def cells_of(window, strides, zeros, image, i, j):
    """The cells of the image in a window, by rows."""
    top, left = i * strides[0] - zeros[0][0], j * strides[1] - zeros[1][0]
    rows = range(max(top, 0), min(top + window[0], image[0]))
    columns = range(max(left, 0), min(left + window[1], image[1]))
    return [(row, column) for row in rows for column in columns]


@pytest.mark.parametrize(("window", "strides", "padding", "zeros", "in_shape"), POOLED + PADDED)
def test_the_mean_on_a_tpu_is_the_same(
    window, strides, padding, zeros, in_shape, rng, x64, monkeypatch
):
    layer, again = (pn.avg_pool(window, strides=strides, padding=padding) for _ in range(2))
    x = rng.normal(size=(2, *in_shape))
    dy = rng.normal(size=jax.eval_shape(layer.apply, (), (), x)[0].shape)
    here = by_hand(layer, x, dy)
    monkeypatch.setattr(lax, "platform_dependent", lambda *args, tpu, default: tpu(*args))
    assert error(here, by_hand(again, x, dy)) <= 1e-12


@pytest.mark.parametrize(("window", "strides", "padding", "zeros", "in_shape"), POOLED + PADDED)
def test_a_tie_goes_wholly_to_the_first_maximum_by_hand_and_by_jax(
    window, strides, padding, zeros, in_shape, rng
):
    x = rng.integers(2, size=(6, *in_shape)).astype(np.float32)  # ties in nearly every window
    x[x == 0] = -np.inf  # which the padding may not win against
    layer = pn.max_pool(window, strides=strides, padding=padding)
    y = jax.eval_shape(layer.apply, (), (), x)[0]
    dy = rng.integers(1, 9, size=y.shape).astype(np.float32)

    expected = np.zeros_like(x)
    for b, i, j, c in np.ndindex(y.shape):
        cells = cells_of(window, strides, zeros, in_shape, i, j)
        row, column = cells[np.argmax([x[b, row, column, c] for row, column in cells])]
        expected[b, row, column, c] += dy[b, i, j, c]  # the first, by rows

    def reduce_window(x):
        sizes = (1, *window, 1), (1, *strides, 1)
        return lax.reduce_window(x, -jnp.inf, lax.max, *sizes, ((0, 0), *zeros, (0, 0)))

    @jit_quickly
    def by_jax(x, dy):
        forwards = [lambda x: layer.apply((), (), x)[0]]
        if zeros == NONE:  # with padding, lax may choose a place there if all cells are -inf
            forwards += [reduce_window]
        return [jax.vjp(forward, x)[1](dy)[0] for forward in forwards]

    for dx in (by_hand(layer, x, dy)[1], *by_jax(x, dy)):
        assert np.array_equal(dx, expected)


@pytest.mark.parametrize(("window", "strides", "padding", "zeros", "in_shape"), PADDED)
def test_padding_is_never_a_maximum_and_never_counted_in_a_mean(
    window, strides, padding, zeros, in_shape, rng
):
    x = -1 - rng.uniform(size=(2, *in_shape)).astype(np.float32)  # below a padding of 0
    largest, dx = by_hand(pn.max_pool(window, strides=strides, padding=padding), x, 1.0)
    layer = pn.avg_pool(window, strides=strides, padding=padding)
    mean, shares = by_hand(layer, x, 1.0)
    right = np.zeros_like(x[..., 0])
    for b, i, j, c in np.ndindex(mean.shape):
        cells = cells_of(window, strides, zeros, in_shape, i, j)
        values = [x[b, row, column, c] for row, column in cells]
        assert largest[b, i, j, c] == max(values)
        assert np.isclose(mean[b, i, j, c], np.mean(values), rtol=1e-6)
        for row, column in cells:
            right[b, row, column] += (c == 0) / len(cells)
    np.testing.assert_allclose(shares[..., 0], right, rtol=1e-6)
    assert dx.sum() == largest.size  # each derivative arrives at a cell of the image


@pytest.mark.parametrize("make", [pn.max_pool, pn.avg_pool])
def test_same_padding_gives_the_sizes_of_conv2d_and_a_nan_comes_out_of_its_windows(make):
    x = np.zeros((1, 5, 4, 1), np.float32)
    x[0, 0, 0] = np.nan
    layer = make((3, 2), strides=(2, 1), padding="same")
    conv = pn.conv2d(1, (3, 2), strides=(2, 1))
    y, _ = by_hand(layer, x, 1.0)
    params, state = conv.init(jax.random.key(0), (5, 4, 1))
    assert y.shape == conv.apply(params, state, x)[0].shape == (1, 3, 4, 1)
    assert np.isnan(y[0, 0, 0]) and np.isnan(y).sum() == 1


def test_max_shares_a_tie_out_and_check_gradients_takes_either_for_right():
    equal = np.ones((1, 2, 2, 1))
    assert jax.grad(jnp.max)(equal).ravel().tolist() == [0.25] * 4
    layer = pn.max_pool()
    forward = jax.jit(layer.forward, static_argnames="train")
    layer = layer.replace(forward=forward, backward=jax.jit(layer.backward))
    report = pn.check_gradients(layer, equal)
    assert report.ok and "4 at a kink" in str(report)


@pytest.mark.parametrize("make", [pn.max_pool, pn.avg_pool])
def test_nan_anywhere_in_a_window_comes_out(make):
    window = (3, 2)
    places = np.eye(6, dtype=bool).reshape(6, *window, 1)  # an example for each
    rest = np.array([0, np.inf, -np.inf], np.float32)  # a channel for each
    x = np.where(places, np.float32(np.nan), rest)
    assert np.isnan(by_hand(make(window), x, np.ones((6, 1, 1, 3), np.float32))[0]).all()


def test_a_window_of_minus_infinity_has_a_first_maximum_too():
    y, dx = by_hand(pn.max_pool(), np.full((1, 2, 2, 1), -np.inf, np.float32), jnp.ones((1,) * 4))
    assert y.item() == -np.inf and dx.ravel().tolist() == [1, 0, 0, 0]


def test_max_pool_keeps_a_byte_a_window_and_avg_pool_nothing():
    x = jnp.ones((2, 8, 6, 5))
    (kept,) = jax.tree.leaves(jax.eval_shape(pn.max_pool().forward, (), (), x)[2])
    assert kept.shape == (2, 4, 3, 5) and kept.dtype == jnp.uint8
    assert jax.tree.leaves(jax.eval_shape(pn.avg_pool().forward, (), (), x)[2]) == []


@pytest.mark.parametrize("window", [(15, 17), (16, 16), (2, 200)])  # 255, 256 and 400 cells
def test_the_last_of_many_cells_is_told_from_the_rest_and_from_the_gaps(window):
    x = np.zeros((1, *window, 1), np.float32)
    x[0, -1, -1] = 1
    layer = pn.max_pool(window, strides=(window[0] + 1, window[1] + 1))
    assert np.array_equal(by_hand(layer, x, np.ones((1, 1, 1, 1), np.float32))[1], x)


@pytest.mark.parametrize("make", [pn.max_pool, pn.avg_pool])
def test_sums_over_overlapping_windows_are_rounded_once(make, rng):
    x = rng.normal(size=(1, 9, 9, 1))
    x[0, 4, 4] = 9  # in every window, and the largest
    dy = jnp.asarray(rng.uniform(1, 2, size=(1, 5, 5, 1)), jnp.bfloat16)
    _, dx = by_hand(make((5, 5), strides=(1, 1)), jnp.asarray(x, jnp.bfloat16), dy)
    right = np.asarray(dy, np.float64).sum() / (25 if make is pn.avg_pool else 1)
    assert dx[0, 4, 4, 0] == jnp.asarray(right, jnp.bfloat16)


def test_the_mean_of_many_ones_is_1():
    x = jnp.ones((1, 48, 48, 1), jnp.bfloat16)  # which ones add up to 256 in, and no further
    assert by_hand(pn.avg_pool((48, 48)), x, jnp.ones((1,) * 4, x.dtype))[0].item() == 1


def test_pools_have_their_lines_in_summary_and_explain():
    model = pn.serial(
        pn.relu, pn.max_pool(), pn.avg_pool((2, 1), strides=(1, 2)), pn.flatten(), pn.dense(2)
    )
    text = " ".join(pn.summary(model, (8, 6, 3)).split())
    assert "max_pool((2, 2)) P = max 2×2(A) (4, 3, 3) 0" in text
    assert "avg_pool((2, 1), strides=(1, 2)) P′ = mean 2×1(P) (3, 2, 3) 0" in text

    def page_of(model):
        def explained(x):
            given = *model.init(jax.random.key(0), (8, 6, 3)), x, np.array([0, 1])
            return pn.explain(model, pn.softmax_cross_entropy, *given)

        return str(jax.eval_shape(explained, jnp.ones((2, 8, 6, 3))))

    page = page_of(model)
    assert "dP = dP′/2 to each cell of its window" in page
    assert "= dP at each window's first maximum" in page
    model = pn.serial(pn.relu, pn.avg_pool(2, padding=1), pn.global_avg_pool(), pn.dense(2))
    assert "global_avg_pool P′ = mean places(P) (3,) 0" in " ".join(
        pn.summary(model, (8, 6, 3)).split()
    )
    page = page_of(model)
    assert "dP = dP′/n to each of n places" in page
    assert "= dP/n to the n cells of its window in the image" in page


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_the_global_mean_is_over_all_places_and_is_summed_in_float32(dtype, rng):
    layer = pn.global_avg_pool()
    for shape in ((2, 7, 3), (2, 3, 4, 3), (2, 2, 3, 2, 3)):
        x = jnp.asarray(rng.normal(size=shape), dtype)
        y, dx = by_hand(layer, x, 1.0)
        axes = tuple(range(1, x.ndim - 1))
        right = np.asarray(x, np.float64).mean(axes)
        np.testing.assert_allclose(np.asarray(y, np.float64), right, rtol=1e-2, atol=1e-2)
        assert dx.shape == shape and dx.dtype == dtype == y.dtype
    x = jnp.ones((1, 48, 48, 1), dtype)
    assert np.isclose(by_hand(layer, x, 1.0)[0].item(), 1, rtol=1e-5)
    assert jax.tree.leaves(jax.eval_shape(layer.forward, (), (), x)[2]) == []


@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (4, 3)])
def test_nan_of_a_window_reaches_dx_of_its_own_cells_alone(strides):
    """Where windows overlap or leave gaps, the cells beside them are another window's or none's."""
    x = np.random.default_rng(0).normal(size=(1, 9, 9, 1)).astype(np.float32)
    x[0, 0, 0] = np.nan
    dx = np.asarray(by_hand(pn.max_pool((3, 2), strides=strides), x, 1.0)[1])
    assert np.argwhere(np.isnan(dx[0, :, :, 0])).tolist() == [
        [i, j] for i in range(3) for j in range(2)
    ]
