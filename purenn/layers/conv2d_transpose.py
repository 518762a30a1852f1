"""`conv2d_transpose`: a transposed convolution, which enlarges images."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from purenn.core import checks
from purenn.core.layer import Layer
from purenn.core.notation import Notation
from purenn.core.precision import per_feature
from purenn.core.sharding import product_sharding
from purenn.core.types import Initializer
from purenn.core.weights import weights
from purenn.initializers import he_normal, zeros
from purenn.layers.convolution import convolution_of
from purenn.layers.padding import Padding, Pair
from purenn.layers.weights_and_biases import check_initializers, check_w_and_b, draw_w_and_b


@weights("w")
class Conv2dTransposeParams(NamedTuple):
    """The kernels and biases of `conv2d_transpose`.

    Attributes:
        w: kernels, `(kh, kw, c_in, features)`.
        b: biases, `(features,)`; None for a layer without a bias.
    """

    w: Array  # (kh, kw, c_in, features)
    b: Array | None = None  # (features,)


def conv2d_transpose(
    features: int,
    kernel: Pair | int = (3, 3),
    *,
    strides: Pair | int = (1, 1),
    padding: str | int | Padding = "SAME",
    w_init: Initializer = he_normal,
    b_init: Initializer | None = zeros,
) -> Layer:
    r"""Enlarge images with a transposed convolution: each pixel adds a scaled kernel to the output.

    With strides $s, t$, and $p$ rows and $q$ columns removed at the top and at the left,

    $$y_{n,k,l,f} = b_f
      + \sum_{a,b,c} x_{n,\; (k + p - a)/s,\; (l + q - b)/t,\; c}\; w_{a,b,c,f}$$

    where only integer positions of $x$ count. Pixel $i, j$ contributes to the outputs at $si + a -
    p,\; tj + b - q$, so strides of 2 make the image twice as large. Written as a matrix, this layer
    is the transpose of `conv2d`, and the formula above is the $dx$ of `conv2d`. The backward pass
    is therefore an ordinary convolution:

    $$dx_{n,i,j,c} = \sum_{a,b,f} dy_{n,\; si + a - p,\; tj + b - q,\; f}\; w_{a,b,c,f}$$

    $$dw_{a,b,c,f} = \sum_{n,i,j} x_{n,i,j,c}\; dy_{n,\; si + a - p,\; tj + b - q,\; f}, \qquad
      db_f = \sum_{n,k,l} dy_{n,k,l,f}$$

    PyTorch's `ConvTranspose2d` and Keras's `Conv2DTranspose` compute the same result, apart from
    the axis order. `lax.conv_transpose`, which stax and Flax build on, uses this kernel rotated by
    180 degrees.

    Args:
        features: the number of channels of `y`.
        kernel: the height and width of each kernel, or one number for a square kernel.
        strides: the distance in `y` between the kernels of neighboring pixels of `x`, down and
            across, or one number for both.
        padding: "SAME" gives `height * stride` rows, and "VALID" gives `(height - 1) * stride +
            max(kernel, stride)` rows, as in `lax.conv_transpose`; the same holds for columns.
            "SAME" removes half of `kernel - stride`, rounded down, at the top and at the left. You
            can also pass the numbers of rows and columns to remove, as in PyTorch: `((top, bottom),
            (left, right))`, or one number for all four sides. They are removed from the `(height -
            1) * stride + kernel` rows the kernels reach.
        w_init: initializer of `w: (kh, kw, c_in, features)`; its $n_{in}$ is `kh * kw * c_in`.
        b_init: initializer of `b: (features,)`. With None, the layer has no bias, and `b` is None.

    Returns:
        A layer with parameters `Conv2dTransposeParams(w, b)` and no state. It maps `x: (batch,
        height, width, c_in)` to `y: (batch, rows, columns, features)`. The cache is `x`.

    Raises:
        TypeError: if `features`, `kernel`, `strides`, or `padding` has the wrong type, or an
            initializer is not callable.
        ValueError: if a number is too small, or the padding leaves no rows or no columns.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> layer = pn.conv2d_transpose(8, (3, 3), strides=(2, 2))
        >>> params, state = layer.init(jax.random.key(0), in_shape=(14, 14, 16))
        >>> y, state = layer.apply(params, state, jnp.zeros((4, 14, 14, 16)))
        >>> print(params.w.shape, y.shape)
        (3, 3, 16, 8) (4, 28, 28, 8)
    """
    # A convolution from y to x: its forward pass is the derivative here, and vice versa.
    convolution = convolution_of("conv2d_transpose", features, kernel, strides, padding)
    check_initializers("conv2d_transpose", w_init, b_init)
    name, bias = convolution.name, b_init is not None

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[Conv2dTransposeParams, tuple[()]]:
        checks.image_shape(name, in_shape)
        size(in_shape[:2], f"in_shape is {in_shape}")
        shape = (*convolution.kernel, in_shape[-1], convolution.features)
        return Conv2dTransposeParams(*draw_w_and_b(name, key, shape, w_init, b_init)), ()

    def forward(
        params: Conv2dTransposeParams, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, Array]:
        check(params, x)
        w, b = params
        image = size(x.shape[1:3], f"x has shape {x.shape}")
        y = convolution.dx(x, w.transpose(0, 1, 3, 2), image, product_sharding(x, w))
        return y if b is None else y + per_feature(b, y), state, x

    def backward(
        params: Conv2dTransposeParams, x: Array, dy: Array
    ) -> tuple[Conv2dTransposeParams, Array]:
        check(params, x)
        w, b = params
        turned = w.transpose(0, 1, 3, 2)
        dw = convolution.dw(dy, x, turned).transpose(0, 1, 3, 2)
        db = None if b is None else jnp.sum(dy, axis=(0, 1, 2))
        return Conv2dTransposeParams(dw, db), convolution.z(dy, turned)

    def size(image: tuple[int, ...], what: str) -> Pair:
        """Return the height and width of `y`."""
        around = convolution.padding
        rows, columns = (
            n * s if around == "SAME" else (n - 1) * s + (max(k, s) if around == "VALID" else k)
            for n, k, s in zip(image, convolution.kernel, convolution.strides, strict=True)
        )
        if not isinstance(around, str):
            left = rows - sum(around[0]), columns - sum(around[1])
            if min(left) < 1:
                raise ValueError(
                    f"{name}: {what}, of whose {(rows, columns)} pixels of output the padding "
                    f"leaves {left}; expected at least (1, 1)"
                )
            rows, columns = left
        return rows, columns

    def check(params: Any, x: Array) -> None:
        shape = (*convolution.kernel, "c_in", convolution.features)
        check_w_and_b(name, params, Conv2dTransposeParams, shape, bias=bias)
        checks.images(name, x, params.w.shape[2], f", since w has shape {params.w.shape}")
        checks.same_dtype(name, "x", x, "params.w", params.w)

    other = convolution.notation(bias=False)
    y, dx, dw = (
        text.format(x="{dy}", dy="{x}", w="{w}") for text in (other.dx, other.y, *other.dparams)
    )
    dparams = (dw, "Σ examples, places {dy}")[: 1 + bias]
    notation = Notation("Z", y + " + {b}" * bias, dx, dparams)

    def flops(params: Conv2dTransposeParams, x: Any, y: Any) -> int:
        # Each pixel is multiplied by each weight, even if the result is removed; then the bias.
        products = int(x.size) * int(params.w.size) // params.w.shape[2]
        return 2 * products + int(y.size) * bias

    return Layer(init, forward, backward, name=name, notation=notation, flops=flops)
