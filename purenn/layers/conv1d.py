"""`conv1d`: the same short window of weights at every time of a sequence."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from purenn.core import checks
from purenn.core.layer import Layer
from purenn.core.precision import per_feature
from purenn.core.sharding import sharding_of
from purenn.core.types import Initializer
from purenn.core.weights import weights
from purenn.initializers import he_normal, zeros
from purenn.layers.convolution import convolution_of
from purenn.layers.padding import Pair
from purenn.layers.weights_and_biases import check_initializers, check_w_and_b, draw_w_and_b


@weights("w")
class Conv1dParams(NamedTuple):
    """Kernels and biases of `conv1d`.

    Attributes:
        w: kernels, `(k, c_in / groups, features)`.
        b: biases, `(features,)`; None for a layer without a bias.
    """

    w: Array  # (k, c_in / groups, features)
    b: Array | None = None  # (features,)


def conv1d(
    features: int,
    kernel: int = 3,
    *,
    strides: int = 1,
    padding: str | int | Pair = "SAME",
    dilation: int = 1,
    groups: int = 1,
    w_init: Initializer = he_normal,
    b_init: Initializer | None = zeros,
) -> Layer:
    r"""Convolve sequences with kernels: `conv2d` with time as the only axis of positions.

    With stride $s$, dilation $d$, and $p$ steps of zero padding before the sequence,

    $$z_{n,i,f} = b_f + \sum_{a,c} x_{n,\; si + da - p,\; c}\; w_{a,c,f}$$

    $$dw_{a,c,f} = \sum_{n,i} x_{n,\; si + da - p,\; c}\; dz_{n,i,f}, \qquad
      db_f = \sum_{n,i} dz_{n,i,f}$$

    $$dx_{n,k,c} = \sum_{a,f} dz_{n,\; (k + p - da)/s,\; f}\; w_{a,c,f}$$

    where only integer positions of $dz$ count. It is computed as a convolution of images of height
    1. See `conv2d` for the rest of the derivation, and for groups.

    Args:
        features: the number of kernels, which is also the number of channels of `y`.
        kernel: the length of each kernel.
        strides: how far the kernel moves from one position to the next.
        padding: "SAME" pads so that `y` has `ceil(time / strides)` steps. Half of the padding is on
            each side; if its size is odd, the extra step is at the end. "VALID" does not pad. You
            can also pass `(before, after)`, or one number for both. With `((kernel - 1) * dilation,
            0)`, no output sees a later input.
        dilation: the distance between neighboring weights of a kernel.
        groups: the number of groups; `features` and the channels of `x` must be multiples of it.
        w_init: initializer of `w: (k, c_in / groups, features)`; its n_in is `k * c_in / groups`.
        b_init: initializer of `b: (features,)`; None for a layer without a bias, `b=None`.

    Returns:
        A layer with parameters `Conv1dParams(w, b)` and no state. It maps `x: (batch, time, c_in)`
        to `y: (batch, steps, features)`. The cache is `x`.

    Raises:
        TypeError: a number is not a whole number, `padding` is of another type, or an initializer
            is not a function.
        ValueError: one of the numbers is too small, the padded sequence is shorter than the kernel
            with its dilation, or the channels or the features can't be divided into the groups.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> layer = pn.conv1d(8, 5, strides=2)
        >>> params, state = layer.init(jax.random.key(0), in_shape=(100, 3))
        >>> y, state = layer.apply(params, state, jnp.zeros((4, 100, 3)))
        >>> print(params.w.shape, y.shape)
        (5, 3, 8) (4, 50, 8)
    """
    convolution = convolution_of(
        "conv1d", features, kernel, strides, padding, dilation, groups, axes=1
    )
    check_initializers("conv1d", w_init, b_init)
    name, bias = convolution.name, b_init is not None

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[Conv1dParams, tuple[()]]:
        if len(in_shape) != 2 or 0 in in_shape:
            raise ValueError(
                f"{name}: in_shape is {in_shape}, expected (time, channels), both at least 1"
            )
        shape = convolution.kernel_shape(in_shape)
        return Conv1dParams(*draw_w_and_b(name, key, shape, w_init, b_init)), ()

    def forward(
        params: Conv1dParams, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, Array]:
        check(params, x)
        w, b = params
        z = convolution.z(x[:, None], w[None]).squeeze(1)
        return z if b is None else z + per_feature(b, z), state, x

    def backward(params: Conv1dParams, x: Array, dz: Array) -> tuple[Conv1dParams, Array]:
        check(params, x)
        w, b = params
        x, w, dz = x[:, None], w[None], dz[:, None]
        dw = convolution.dw(x, dz, w).squeeze(0)
        dx = convolution.dx(dz, w, x.shape[1:3], sharding_of(x)).squeeze(1)
        return Conv1dParams(w=dw, b=None if b is None else jnp.sum(dz, axis=(0, 1, 2))), dx

    def check(params: Any, x: Array) -> None:
        shape = (convolution.kernel[1], "c_in", convolution.features)
        check_w_and_b(name, params, Conv1dParams, shape, bias=bias)
        w = params.w
        channels = w.shape[1] * convolution.groups
        if x.ndim != 3 or x.shape[-1] != channels:
            remedy = "; for a single sequence pass x[None]" if x.ndim == 2 else ""
            raise ValueError(
                f"{name}: x has shape {x.shape}, expected (batch, time, {channels}), since w has "
                f"shape {w.shape}{remedy}"
            )
        checks.same_dtype(name, "x", x, "params.w", w)

    notation = convolution.notation(bias=bias)
    return Layer(init, forward, backward, name=name, notation=notation, flops=convolution.flops)
