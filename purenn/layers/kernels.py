"""Kernels and biases: the arguments of the layers that have them, and what is drawn and checked."""

from typing import Any

import jax
from jax import Array

from purenn.core import checks, scalars
from purenn.core.located import inside
from purenn.core.types import Initializer
from purenn.initializers import draw
from purenn.layers.convolution import Convolution
from purenn.layers.padding import Pair, checked_padding, sequence_padding


def convolution_of(
    layer: str,
    features: Any,
    kernel: Any,
    strides: Any,
    padding: Any,
    dilation: Any = 1,
    groups: Any = 1,
    *,
    axes: int = 2,
) -> Convolution:
    """Return the convolution that the arguments of a layer describe, of images or sequences."""

    def pair(name: str, value: Any) -> Pair:
        if axes == 2:
            return scalars.pair(layer, name, value)
        return 1, scalars.count(layer, name, value)

    convolution = Convolution(
        layer,
        scalars.count(layer, "features", features),
        pair("kernel", kernel),
        pair("strides", strides),
        (checked_padding if axes == 2 else sequence_padding)(layer, padding),
        pair("dilation", dilation),
        scalars.count(layer, "groups", groups),
        axes,
    )
    if convolution.features % convolution.groups:
        raise ValueError(
            f"{layer}: expected features that can be divided into groups={groups}, got {features}"
        )
    return convolution


def check_initializers(layer: str, w_init: Any, b_init: Any) -> None:
    """Reject what is not an initializer; None is no bias."""
    checks.function(layer, "w_init", w_init)
    if b_init is not None:
        checks.function(layer, "b_init", b_init)


def draw_kernels(
    name: str,
    key: Any,
    shape: tuple[int, ...],
    w_init: Initializer,
    b_init: Initializer | None,
) -> tuple[Array, Array | None]:
    """Return kernels of a shape, features last, and a bias for each feature."""
    w_key, b_key = jax.random.split(checks.prng_key(name, key))
    with inside("w_init"):
        w = draw(name, "w_init", w_init, w_key, shape)
    if b_init is None:
        return w, None
    with inside("b_init"):
        return w, draw(name, "b_init", b_init, b_key, shape[-1:])


def check_kernels(
    name: str, params: Any, kind: Any, shape: tuple[int | str, ...], *, bias: bool
) -> None:
    """Check a record of kernels of a shape, features last, and of biases, if there are any."""
    checks.record(name, "params", params, kind, shape, shape[-1:] if bias else None)
    if bias:
        checks.same_dtype(name, "params.b", params.b, "params.w", params.w)
