"""`conv2d`: a convolution, which applies the same small kernels at every position of an image."""

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
from purenn.layers.padding import Padding, Pair
from purenn.layers.weights_and_biases import check_initializers, check_w_and_b, draw_w_and_b


@weights("w")
class Conv2dParams(NamedTuple):
    """The kernels and biases of `conv2d`.

    Attributes:
        w: kernels, `(kh, kw, c_in / groups, features)`.
        b: biases, `(features,)`; None for a layer without a bias.
    """

    w: Array  # (kh, kw, c_in / groups, features)
    b: Array | None = None  # (features,)


def conv2d(
    features: int,
    kernel: Pair | int = (3, 3),
    *,
    strides: Pair | int = (1, 1),
    padding: str | int | Padding = "SAME",
    dilation: Pair | int = (1, 1),
    groups: int = 1,
    w_init: Initializer = he_normal,
    b_init: Initializer | None = zeros,
) -> Layer:
    r"""Convolve images with kernels: $z = x * w + b$.

    With strides $s, t$, dilations $d, e$, and $p$ rows and $q$ columns of zero padding above and to
    the left of the image,

    $$z_{n,i,j,f} = b_f
      + \sum_{a,b,c} x_{n,\; si + d \cdot a - p,\; tj + e \cdot b - q,\; c}\; w_{a,b,c,f}$$

    The kernel is not flipped, so in mathematics this operation is called a cross-correlation. Each
    weight is used at every position of the image, so its derivative is a sum over the positions:

    $$dw_{a,b,c,f} = \sum_{n,i,j} x_{n,\; si + d \cdot a - p,\; tj + e \cdot b - q,\; c}\;
      dz_{n,i,j,f}, \qquad db_f = \sum_{n,i,j} dz_{n,i,j,f}$$

    Each element of $x$ contributes to every output whose window covers it:

    $$dx_{n,k,l,c} = \sum_{a,b,f} dz_{n,\; (k + p - d \cdot a)/s,\; (l + q - e \cdot b)/t,\; f}\;
      w_{a,b,c,f}$$

    where only integer positions of $dz$ count. Both derivatives are themselves convolutions. To
    compute $dw$, dilate $dz$ by the strides and move it over $x$ as a kernel, with the dilation as
    its strides; the sum is over the examples instead of the channels. To compute $dx$, dilate $dz$
    by the strides and convolve it with $w$ rotated by 180 degrees.

    With several groups, the channels of $x$ and the features are split in order into groups of
    equal size. Each group of features is computed from one group of channels, so the sums over $c$
    and $f$ run over a single group. `groups=c_in` gives a depthwise convolution.

    On a single CPU device, 3×3 kernels at stride 1 with at least 32 channels and 32 features use
    Winograd transforms ([Winograd, 1980][winograd1980]; [Lavin and Gray, 2015][lavin2015]). They
    take about two thirds of the time, and the results agree up to rounding. However, an infinity in
    `x`, or a value near the largest of its dtype, then turns nearby results into NaN, up to one
    position beyond the kernel's reach.

    Args:
        features: the number of kernels, which is also the number of channels of `y`.
        kernel: the height and width of each kernel, or one number for a square kernel.
        strides: how far the kernel moves between neighboring outputs, down and across, or one
            number for both.
        padding: "SAME" pads with zeros so that `y` has `ceil(height / stride)` rows and `ceil(width
            / stride)` columns. The padding is split evenly between opposite sides; an extra row
            goes below the image, and an extra column to its right. "VALID" does not pad. You can
            also pass `((top, bottom), (left, right))`, or one number for all four sides.
        dilation: the distance between neighboring weights of a kernel, down and across, or one
            number for both.
        groups: the number of groups, which must divide `features` and the number of channels of
            `x`.
        w_init: initializer of `w: (kh, kw, c_in / groups, features)`; its $n_{in}$ is `kh * kw *
            c_in / groups`. The default, `he_normal`, preserves the scale of signals passing through
            ReLU.
        b_init: initializer of `b: (features,)`. With None, the layer has no bias, and `b` is None.

    Returns:
        A layer with parameters `Conv2dParams(w, b)` and no state. It maps `x: (batch, height,
        width, c_in)` to `y: (batch, rows, columns, features)`. Without padding, `rows` is `(height
        - dilation * (kh - 1) - 1) // stride + 1`, and `columns` likewise. The cache is `x`.

    Raises:
        TypeError: if `features`, `kernel`, `strides`, `padding`, `dilation`, or `groups` has the
            wrong type, or an initializer is not callable.
        ValueError: if a number is too small, the padded image is smaller than the dilated kernel,
            or `groups` does not divide the channels and the features.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> layer = pn.conv2d(8, (5, 5), strides=(2, 2))
        >>> params, state = layer.init(jax.random.key(0), in_shape=(28, 28, 1))
        >>> y, state = layer.apply(params, state, jnp.zeros((4, 28, 28, 1)))
        >>> print(params.w.shape, y.shape)
        (5, 5, 1, 8) (4, 14, 14, 8)
    """
    convolution = convolution_of("conv2d", features, kernel, strides, padding, dilation, groups)
    check_initializers("conv2d", w_init, b_init)
    name, bias = convolution.name, b_init is not None

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[Conv2dParams, tuple[()]]:
        checks.image_shape(name, in_shape)
        shape = convolution.kernel_shape(in_shape)
        return Conv2dParams(*draw_w_and_b(name, key, shape, w_init, b_init)), ()

    def forward(
        params: Conv2dParams, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, Array]:
        check(params, x)
        w, b = params
        z = convolution.z(x, w)
        return z if b is None else z + per_feature(b, z), state, x

    def backward(params: Conv2dParams, x: Array, dz: Array) -> tuple[Conv2dParams, Array]:
        check(params, x)
        w, b = params
        dw = convolution.dw(x, dz, w)
        dx = convolution.dx(dz, w, x.shape[1:3], sharding_of(x))
        return Conv2dParams(w=dw, b=None if b is None else jnp.sum(dz, axis=(0, 1, 2))), dx

    def check(params: Any, x: Array) -> None:
        shape = (*convolution.kernel, "c_in", convolution.features)
        check_w_and_b(name, params, Conv2dParams, shape, bias=bias)
        w = params.w
        checks.images(name, x, w.shape[2] * convolution.groups, f", since w has shape {w.shape}")
        checks.same_dtype(name, "x", x, "params.w", w)

    notation = convolution.notation(bias=bias)
    return Layer(init, forward, backward, name=name, notation=notation, flops=convolution.flops)
