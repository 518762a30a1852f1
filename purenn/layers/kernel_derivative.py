"""The derivative of a convolution with respect to its kernels, with special forms for CPUs."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from purenn.core.precision import wide, wide_dtype
from purenn.core.sharding import sharding_of
from purenn.layers import winograd
from purenn.layers.correlate import correlate, for_each_feature, is_depthwise
from purenn.layers.padding import Pair
from purenn.layers.pieces import count_of, over_pieces
from purenn.layers.slices import padded, seen_along, seen_by

FEW = 4  # channels of x, up to which dw is a product of patches
PIECES = 8  # into which the rows of dz are divided at most
PIECE = 8  # examples that are convolved together at least


def kernel_derivative(
    x: Array,
    dz: Array,
    w: Array,
    around: Any,
    strides: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """Return `dw`, where `around` pads `x` so that the result has the size of `w`."""
    around = tuple((before, after) for before, after in around)  # hashable
    arguments = around, strides, dilation

    def by_lax(x: Array, dz: Array, w: Array) -> Array:
        # The examples are summed as channels are. XLA estimates that with the CPU's forms instead,
        # forward and backward would take up to twice as long on a TPU (jax 0.12.0.1, v5e).
        dw = lax.conv_general_dilated(
            x,
            dz,
            window_strides=dilation,
            padding=around,
            rhs_dilation=strides,
            dimension_numbers=("CHWN", "IHWO", "HWNC"),
            batch_group_count=groups,
            preferred_element_type=wide_dtype(w.dtype),
            out_sharding=sharding_of(w, beside=x),
        )
        return dw.astype(w.dtype)

    def written_out(x: Array, dz: Array, w: Array) -> Array:
        return _elementwise(for_each_feature(x, w), dz, w, *arguments)

    def one_by_one(x: Array, dz: Array, w: Array) -> Array:
        xs, dzs, ws = (jnp.split(a, groups, axis=-1) for a in (x, dz, w))
        each = [_of_one_group(x, dz, w, *arguments) for x, dz, w in zip(xs, dzs, ws, strict=True)]
        return jnp.concatenate(each, axis=-1) if groups > 1 else each[0]

    # XLA's CPU compiler multiplies each example with each group and discards most results: 855 ms,
    # and 2200 inside a scan, where group by group takes 12 ms (jax 0.12.0.1, 32 images of
    # 28×28, 64 to 64 channels in 4 groups, 3×3).
    on_cpu = written_out if is_depthwise(w, groups) else one_by_one
    return lax.platform_dependent(x, dz, w, cpu=on_cpu, default=by_lax)


def _of_one_group(
    x: Array, dz: Array, w: Array, around: Any, strides: Pair, dilation: Pair
) -> Array:
    if winograd.suits(x, w, dz.shape[1:3], strides, dilation):
        return winograd.kernel_derivative(x, dz, around).astype(w.dtype)
    few = x.shape[-1] <= FEW or w.shape[:2] == (1, 1)
    return (_by_patches if few else _by_convolution)(x, dz, w, around, strides, dilation)


@partial(jax.jit, static_argnums=(3, 4, 5), inline=True)  # as in winograd
def _by_convolution(
    x: Array, dz: Array, w: Array, around: Any, strides: Pair, dilation: Pair
) -> Array:
    """Return `dw` as a convolution of `x` with `dz`, whose channels are the examples.

    Autodiff writes the same convolution with its axes in a different order, for which XLA's CPU
    compiler has no fast loop: it takes 140 ms inside a scan, where this form takes 4 ms (jax issue
    12868). Pieces of a batch are faster than the whole batch, whose arrays do not fit into the
    caches: on one core with AVX2, 36 ms instead of 92 ms for 128 images of 14×14, 32 to 64
    channels, and 85 ms instead of 293 ms for 64 of 28×28, 24 to 64 (jax 0.10.1).
    """
    correlation = partial(correlate, strides=dilation, w_dilation=strides)
    sharding, dtype = sharding_of(w, 2, 0, 1, 3, beside=x), wide_dtype(w.dtype)

    def of_piece(x: Array, dz: Array) -> Array:
        x, dz = x.transpose(3, 1, 2, 0), dz.transpose(1, 2, 0, 3)
        dw = correlation(x, dz, around, sharding, dtype=dtype)
        return dw.transpose(1, 2, 0, 3)

    if sharding_of(x) is not None:
        return of_piece(x, dz).astype(w.dtype)

    def with_piece(i: Array, dw: Array, x: Array, dz: Array) -> Array:
        return dw + of_piece(x, dz)

    zeros = jnp.zeros(w.shape, dtype)
    return over_pieces(with_piece, zeros, count_of(x.shape[0], PIECE), x, dz).astype(w.dtype)


def _by_patches(x: Array, dz: Array, w: Array, around: Any, strides: Pair, dilation: Pair) -> Array:
    """Return `dw` as a matrix product with the patches of the image under the kernel.

    With one channel it takes 1.3 ms where the convolution takes 4 ms, and with three channels 6 ms
    instead of 20 ms (128 images of 28×28 and 32×32, 32 features); with eight it is slower. A 1×1
    kernel needs no copies.
    """
    seen = padded(x, around)
    for axis in (2, 1):  # along the width, then the height: kh + kw pieces, not kh * kw
        places = seen_along(seen, axis, w.shape[axis - 1], strides[axis - 1], dilation[axis - 1])
        seen = jnp.concatenate(places, axis=-1)  # (batch, rows, columns, kh * kw * c_in) at last
    rows = seen.reshape(-1, seen.shape[-1])
    dz = dz.reshape(-1, dz.shape[-1])
    dw = jnp.matmul(rows.T, dz, out_sharding=sharding_of(w, None, 3, beside=x))
    return dw.reshape(w.shape, out_sharding=sharding_of(w, beside=x))


def _elementwise(
    x: Array, dz: Array, w: Array, around: Any, strides: Pair, dilation: Pair
) -> Array:
    """Return `dw` of a depthwise convolution: for each weight a sum of products.

    XLA's CPU compiler vectorizes elementwise sums, but not those over axes. So the rows of `dz` are
    divided into pieces, which are added elementwise. This takes 4 ms where a single sum over all
    rows takes 40 ms, and JAX's own derivative 83 ms, or 9,000 ms inside a scan (jax 0.12.0.1, 32
    images of 28×28, 64 channels, 3×3).
    """
    height = -(-dz.shape[1] // PIECES)
    more = -dz.shape[1] % height  # rows of zeros, which add nothing
    (top, bottom), columns = around
    dz = wide(padded(dz, ((0, more), (0, 0))))
    x = wide(padded(x, ((top, bottom + more * strides[0]), columns)))
    x, dz = lax.optimization_barrier((x, dz))  # or XLA pads again for each weight
    pieces: list[Any] = [
        sum(seen[:, i : i + height] * dz[:, i : i + height] for i in range(0, dz.shape[1], height))
        for seen in seen_by(x, w.shape[:2], strides, dilation)
    ]
    pieces = lax.optimization_barrier(pieces)  # otherwise XLA merges the sums again
    dw = jnp.stack([jnp.sum(piece, (0, 1, 2)) for piece in pieces])
    return dw.reshape(w.shape).astype(w.dtype)
