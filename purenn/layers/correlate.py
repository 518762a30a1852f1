"""The correlation of images with kernels, with a fast form for CPUs."""

from functools import partial
from typing import Any

import jax.numpy as jnp
from jax import Array, lax
from jax.sharding import NamedSharding

from purenn.core.precision import per_feature, wide
from purenn.layers import winograd
from purenn.layers.padding import Pair
from purenn.layers.slices import padded, seen_by

MOST = 64  # weights of a kernel, up to which a depthwise convolution is written out


def correlate(
    x: Array,
    w: Array,
    padding: Any,
    out_sharding: NamedSharding | None,
    *,
    strides: Pair = (1, 1),
    x_dilation: Pair = (1, 1),
    w_dilation: Pair = (1, 1),
    groups: int = 1,
    dtype: Any = None,
) -> Array:
    """Correlate `x: (n, h, w, c)` with `w: (kh, kw, c // groups, f)`, in the fastest axis order.

    Args:
        x: images.
        w: kernels.
        padding: rows and columns of zeros around the dilated `x`; negative numbers remove rows and
            columns.
        out_sharding: the sharding of the result.
        strides: the distance from one position of a kernel to the next.
        x_dilation: the distance between two values of `x`; zeros are put between them.
        w_dilation: the same for `w`.
        groups: the number of groups of the channels and of the features.
        dtype: the dtype of the result.
    """
    by_lax = partial(
        lax.conv_general_dilated,
        window_strides=strides,
        padding=padding,
        lhs_dilation=x_dilation,
        rhs_dilation=w_dilation,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
        preferred_element_type=dtype,
        out_sharding=out_sharding,
    )
    sides = zip(x.shape[1:3], padding, strict=True)
    image = tuple(n + sum(pads) - 2 for n, pads in sides)

    def written_out(x: Array, w: Array) -> Array:
        x = for_each_feature(padded(x, padding, x_dilation), w)
        return _elementwise(x, w, strides, w_dilation)

    def by_transforms(x: Array, w: Array) -> Array:
        pads = tuple((before, after) for before, after in padding)
        return winograd.correlate(x, w, pads)

    if is_depthwise(w, groups):
        return lax.platform_dependent(x, w, cpu=written_out, default=by_lax)
    if winograd.suits(x, w, image, strides, x_dilation, w_dilation, groups):
        return lax.platform_dependent(x, w, cpu=by_transforms, default=by_lax)
    return by_lax(x, w)


def is_depthwise(w: Array, groups: int) -> bool:
    """Tell whether each channel has a separate kernel that is small enough to unroll."""
    return groups > 1 and w.shape[2] == 1 and w.shape[0] * w.shape[1] <= MOST


def for_each_feature(x: Array, w: Array) -> Array:
    """Return `x` with a channel for each feature of a depthwise convolution."""
    return jnp.repeat(x, w.shape[3] // x.shape[3], axis=3) if w.shape[3] > x.shape[3] else x


def _elementwise(x: Array, w: Array, strides: Pair, dilation: Pair) -> Array:
    """Return the sum, over the weights, of each weight times the values that it multiplies.

    This is a single elementwise pass, which vectorizes over the channels. It takes 1.6 ms where
    XLA's CPU compiler takes 22 ms for the convolution (jax 0.12.0.1, 32 images of 28×28, 64
    channels, 3×3).
    """
    seen = seen_by(wide(x), w.shape[:2], strides, dilation)
    each = wide(w).reshape(-1, w.shape[3])
    terms = (place * per_feature(each[i], place) for i, place in enumerate(seen))
    z: Any = sum(terms)
    return z.astype(x.dtype)
