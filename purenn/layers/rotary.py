"""Rotary positions: each pair of features is rotated by an angle that grows with the position."""

import jax.numpy as jnp
from jax import Array

from purenn.core.precision import wide

BASE = 10_000.0


def turned(x: Array, *, start: Array | int = 0, back: bool = False) -> Array:
    r"""Rotate each pair of features by an angle proportional to its position (Su et al., 2021).

    Let $h$ be half the number of features. Pair $i$ of position $m$ is $(x_i, x_{i+h})$, and

    $$\theta_i = 10000^{-i/h}, \qquad
      y_i = x_i \cos m\theta_i - x_{i+h} \sin m\theta_i, \qquad
      y_{i+h} = x_i \sin m\theta_i + x_{i+h} \cos m\theta_i$$

    The product of a query and a key then depends on their positions only through the distance. A
    rotation preserves lengths, and its backward pass is the rotation by $-m\theta_i$.

    The first half is paired with the second, as in GPT-NeoX and in Llama's published weights for
    Transformers. The paper pairs neighbors, $(x_{2i}, x_{2i+1})$, which is the same up to the order
    of the features.

    Args:
        x: `(..., time, features)`, with an even number of features.
        start: the position of the first row.
        back: whether to rotate in the opposite direction, as the backward pass does.
    """
    time, features = x.shape[-2:]
    half = features // 2
    wide_x = wide(x)
    i = jnp.arange(half, dtype=wide_x.dtype)
    positions = (start + jnp.arange(time, dtype=jnp.int32)).astype(wide_x.dtype)
    angles = jnp.outer(positions, BASE ** (-i / half))
    axes = tuple(range(x.ndim - 2))
    cos, sin = (jnp.expand_dims(f(angles), axes) for f in (jnp.cos, jnp.sin))
    if back:
        sin = -sin
    a, b = wide_x[..., :half], wide_x[..., half:]
    return jnp.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1).astype(x.dtype)
