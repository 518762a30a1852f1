"""`dropout`: a random part of the values set to zero while training."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core import checks
from purenn.core.layer import Layer, Notation, no_parameters


def dropout(rate: float) -> Layer:
    r"""Inverted dropout: each value is zeroed with probability `rate`, the rest are scaled up.

    $$y = x \odot \mathrm{mask} / (1 - \mathrm{rate}), \qquad
      dx = dy \odot \mathrm{mask} / (1 - \mathrm{rate})$$

    The same mask and the same scale on the way back. The scale keeps the mean of `y` that of `x`,
    so that the layer is the identity when `train=False`. Texts that write `keep_prob` mean
    `1 - rate`. (Srivastava et al. 2014, in the inverted form.)

    Args:
        rate: the probability of zeroing, `0 <= rate < 1`.

    Returns:
        A layer with no parameters and no state. With `train=True` it needs a `key`; the mask
        depends on the key and the shape alone, not on the dtype. The cache is the mask.

    Raises:
        ValueError: `rate` is outside its bounds, or `key` is missing in training.
    """
    keep = 1 - checks.number("dropout", "rate", rate, least=0, below=1)
    name = f"dropout({rate:g})"

    def forward(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, Array | None]:
        checks.batched(name, x)
        if not train or keep == 1:
            return x, state, None
        if key is None:
            raise ValueError(f"{name}: key is missing; with train=True pass key=jax.random.key(…)")
        uniform = jax.random.uniform(checks.prng_key(name, key), x.shape, jnp.float32)
        mask = uniform < keep
        return jnp.where(mask, x / keep, 0), state, mask

    def backward(params: Any, mask: Array | None, dy: Array) -> tuple[tuple[()], Array]:
        return (), dy if mask is None else jnp.where(mask, dy / keep, 0)

    identity = Notation("D", "{x}", "{dy}")
    y, dx = f"{{x}}⊙mask/{keep:g}", f"{{dy}}⊙mask/{keep:g}"
    notation = Notation("D", y, dx, evaluated=identity) if keep < 1 else identity
    return Layer(no_parameters, forward, backward, name=name, notation=notation)
