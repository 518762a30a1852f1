"""`conv2d`: the same small window of weights at every position of an image."""

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
    """Kernels and biases of `conv2d`.

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

    With strides $s, t$, dilations $d, e$, and $p, q$ rows and columns of zero padding above and to
    the left of the image,

    $$z_{n,i,j,f} = b_f
      + \sum_{a,b,c} x_{n,\; si + da - p,\; tj + eb - q,\; c}\; w_{a,b,c,f}$$

    $w$ is not flipped: mathematicians call this a correlation. Each weight meets $x$ at every
    position of the image, and each $x$ meets every weight, so

    $$dw_{a,b,c,f} = \sum_{n,i,j} x_{n,\; si + da - p,\; tj + eb - q,\; c}\; dz_{n,i,j,f}, \qquad
      db_f = \sum_{n,i,j} dz_{n,i,j,f}$$

    $$dx_{n,k,l,c} = \sum_{a,b,f} dz_{n,\; (k + p - da)/s,\; (l + q - eb)/t,\; f}\; w_{a,b,c,f}$$

    where only integer positions of $dz$ count. Both are convolutions again. For $dw$, the kernel is
    $dz$, dilated by the strides. It moves over $x$ with the dilation as its strides, and the sum is
    over the examples instead of the channels. For $dx$, $dz$ is dilated by the strides and
    convolved with $w$ rotated by 180 degrees.

    With several groups, the channels of $x$ and the features are split, in order, into groups of
    equal size. Each group of features sees only one group of channels, so the sums over $c$ and $f$
    run over one group. `groups=c_in` is a depthwise convolution.

    On one CPU, 3×3 kernels at stride 1 with at least 32 channels and 32 features use Winograd's
    transforms ([Winograd, 1980][winograd1980]; [Lavin and Gray, 2015][lavin2015]). The numbers are
    the same up to rounding, in about two thirds of the time. But an infinity in `x`, or a value
    near the largest of its dtype, then turns the results around it into NaN, up to one position
    farther than the kernel reaches.

    Args:
        features: the number of kernels, which is also the number of channels of `y`.
        kernel: the height and width of each kernel, or one number for a square.
        strides: how far the kernel moves from one position to the next, down and across, or one
            number for both.
        padding: "SAME" pads so that `y` has `ceil(height / stride)` rows, and columns likewise.
            Half of the padding is on each side; if its size is odd, the extra row is below and the
            extra column to the right. "VALID" does not pad. You can also pass `((top, bottom),
            (left, right))`, or one number for all four sides.
        dilation: the distance between neighboring weights of a kernel, down and across, or one
            number for both.
        groups: the number of groups; `features` and the channels of `x` must be multiples of it.
        w_init: initializer of `w: (kh, kw, c_in / groups, features)`; its n_in is
            `kh * kw * c_in / groups`.
        b_init: initializer of `b: (features,)`; None for a layer without a bias, `b=None`.

    Returns:
        A layer with parameters `Conv2dParams(w, b)` and no state. It maps `x: (batch, height,
        width, c_in)` to `y: (batch, rows, columns, features)`. The cache is `x`.

    Raises:
        TypeError: `kernel`, `strides`, `padding`, `dilation` or `groups` is of another type, or an
            initializer is not a function.
        ValueError: one of the numbers is too small, the padded image is smaller than the kernel
            with its dilation, or the channels or the features can't be divided into the groups.

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
