"""Narrow matrices, whose elementwise arithmetic is faster on one long axis."""

from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from purenn.core.sharding import is_sharded, sharding_of

NARROW = 32  # columns: fewer than two of the CPU's vectors
MANY = 512  # rows to sum over


def flat(leaf: Any) -> Array:
    """Return a narrow array with one axis, column after column; any other is returned unchanged.

    XLA's CPU compiler vectorizes along the last axis. Where that is short, as in the (784, 16)
    weights of a small network, Adam's arithmetic takes 26 us in a loop. With one long axis it takes
    7 us, if the loop carries the array in that form too. The columns come one after the other
    because that makes the products faster: 12 us for `dw`, instead of 23 us row after row. Wide
    arrays gain nothing.
    """
    return leaf.T.reshape(-1) if _is_narrow(leaf) else leaf


def unflat(flat_leaf: Any, like: Any) -> Array:
    """Return the array that `flat` was given; it had the shape of `like`."""
    return flat_leaf.reshape(like.shape[::-1]).T if _is_narrow(like) else flat_leaf


def transposed_product(x: Array, dz: Array, like: Array) -> Array:
    """Return `x.T @ dz`, the derivative with respect to a matrix, in the form that is fast.

    For a narrow matrix that is `(dz.T @ x).T`, which suits `flat`. For (784, 16) and 32 networks at
    once, it takes half as long, 0.25 ms instead of 0.5, if `dz` is transposed before the product;
    without the barriers XLA does so inside it. On a mesh of devices it is sharded like the matrix,
    `like`.

    XLA's CPU compiler is slow where it transposes inside a product that sums over many rows, or
    over a narrow `x`; there the narrower of the two is transposed before, too. With 768 rows, a
    small GPT's step takes 0.9 times as long; (16, 64) of 16 rows takes 0.6 us instead of 1.3, on a
    Xeon with AVX-512. A product of few rows, such as (784, 128) of 128, gains nothing.
    """
    sharding = sharding_of(like, 1, 0, beside=x)
    if dz.shape[-1] < NARROW:
        dw = jnp.matmul(lax.optimization_barrier(dz.T), x, out_sharding=sharding)
        return lax.optimization_barrier(dw).T
    if sharding is None and (x.shape[0] >= MANY or x.shape[-1] < NARROW):
        return lax.platform_dependent(x, dz, cpu=_transposed_before, default=_transposed_inside)
    return jnp.matmul(dz.T, x, out_sharding=sharding).T


def _transposed_before(x: Array, dz: Array) -> Array:
    if x.shape[-1] <= dz.shape[-1]:
        return lax.optimization_barrier(x.T) @ dz
    return lax.optimization_barrier(lax.optimization_barrier(dz.T) @ x).T


def _transposed_inside(x: Array, dz: Array) -> Array:
    return (dz.T @ x).T


def _is_narrow(leaf: Any) -> bool:
    return jnp.ndim(leaf) > 1 and leaf.shape[-1] < NARROW and not is_sharded(leaf)
