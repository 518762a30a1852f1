"""`conv1d`: a convolution, which applies the same short kernels at every step of a sequence."""

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
    """The kernels and biases of `conv1d`.

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
    r"""Convolve sequences with kernels along time: $z = x * w + b$.

    With stride $s$, dilation $d$, and $p$ steps of zero padding before the sequence,

    $$z_{n,i,f} = b_f + \sum_{a,c} x_{n,\; si + d \cdot a - p,\; c}\; w_{a,c,f}$$

    $$dw_{a,c,f} = \sum_{n,i} x_{n,\; si + d \cdot a - p,\; c}\; dz_{n,i,f}, \qquad
      db_f = \sum_{n,i} dz_{n,i,f}$$

    $$dx_{n,k,c} = \sum_{a,f} dz_{n,\; (k + p - d \cdot a)/s,\; f}\; w_{a,c,f}$$

    where only integer positions of $dz$ count. The layer is computed as a `conv2d` of images with a
    single row. See `conv2d` for the rest of the derivation, and for groups.

    Args:
        features: the number of kernels, which is also the number of channels of `y`.
        kernel: the length of each kernel.
        strides: how far the kernel moves between neighboring outputs.
        padding: "SAME" pads with zeros so that `y` has `ceil(time / strides)` steps. The padding is
            split evenly between the two ends; an extra step goes at the end. "VALID" does not pad.
            You can also pass `(before, after)`, or one number for both. With `((kernel - 1) *
            dilation, 0)` the convolution is causal: no output depends on a later input.
        dilation: the distance between neighboring weights of a kernel.
        groups: the number of groups, which must divide `features` and the number of channels of
            `x`.
        w_init: initializer of `w: (k, c_in / groups, features)`; its $n_{in}$ is `k * c_in /
            groups`. The default, `he_normal`, preserves the scale of signals passing through ReLU.
        b_init: initializer of `b: (features,)`. With None, the layer has no bias, and `b` is None.

    Returns:
        A layer with parameters `Conv1dParams(w, b)` and no state. It maps `x: (batch, time, c_in)`
        to `y: (batch, steps, features)`. Without padding, `steps` is `(time - dilation * (kernel -
        1) - 1) // strides + 1`. The cache is `x`.

    Raises:
        TypeError: if a number is not an integer, `padding` has the wrong type, or an initializer is
            not callable.
        ValueError: if a number is too small, the padded sequence is shorter than the dilated
            kernel, or `groups` does not divide the channels and the features.

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
