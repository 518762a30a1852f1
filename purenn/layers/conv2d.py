"""`conv2d`: the same small window of weights at every position of an image."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.sharding import NamedSharding

from purenn.core import checks, scalars
from purenn.core.layer import Layer
from purenn.core.located import inside
from purenn.core.notation import Notation
from purenn.core.precision import per_feature, wide_dtype
from purenn.core.sharding import product_sharding, sharding_of
from purenn.core.types import Initializer
from purenn.core.weights import weights
from purenn.initializers import draw, he_normal, zeros

FEW = 4  # channels of x, up to which dw is a product of patches
Pair = tuple[int, int]
Padding = tuple[Pair, Pair]


@weights("w")
class Conv2dParams(NamedTuple):
    """Kernels and biases of `conv2d`.

    Attributes:
        w: kernels, `(kh, kw, c_in, features)`.
        b: biases, `(features,)`; None for a layer without a bias.
    """

    w: Array  # (kh, kw, c_in, features)
    b: Array | None = None  # (features,)


def conv2d(
    features: int,
    kernel: Pair | int = (3, 3),
    *,
    strides: Pair | int = (1, 1),
    padding: str | int | Padding = "SAME",
    w_init: Initializer = he_normal,
    b_init: Initializer | None = zeros,
) -> Layer:
    r"""Convolve images with kernels: $z = x * w + b$.

    With strides $s, t$ and $x$ zero outside the image, by $p, q$ rows and columns of padding,

    $$z_{n,i,j,f} = b_f + \sum_{a,b,c} x_{n,\; si + a - p,\; tj + b - q,\; c}\; w_{a,b,c,f}$$

    $w$ is not flipped: mathematicians call this a correlation. Each weight meets $x$ at every
    position of the image, and each $x$ meets every weight, so

    $$dw_{a,b,c,f} = \sum_{n,i,j} x_{n,\; si + a - p,\; tj + b - q,\; c}\; dz_{n,i,j,f}, \qquad
      db_f = \sum_{n,i,j} dz_{n,i,j,f}$$

    $$dx_{n,k,l,c} = \sum_{a,b,f} dz_{n,\; (k + p - a)/s,\; (l + q - b)/t,\; f}\; w_{a,b,c,f}$$

    where only integer positions of $dz$ count. Both are convolutions again. $dw$ is that of $x$
    with $dz$, dilated by the strides, as the kernel; the examples are summed as channels are. $dx$
    is that of $dz$, dilated by the strides, with $w$ rotated by 180 degrees.

    Args:
        features: the number of kernels, which is that of the channels of `y`.
        kernel: height and width of a kernel; one number for a square.
        strides: the distance from one position to the next, down and across; one number for both.
        padding: "SAME" pads so that `y` has `ceil(height / stride)` rows, half on each side and, if
            the number is odd, one more below and to the right. "VALID" pads nothing. Or
            `((top, bottom), (left, right))`, or one number for all four.
        w_init: initializer of `w: (kh, kw, c_in, features)`; its n_in is `kh * kw * c_in`.
        b_init: initializer of `b: (features,)`; None leaves the bias out, `b=None`.

    Returns:
        A layer with parameters `Conv2dParams(w, b)` and no state;
        `x: (batch, height, width, c_in)`, `y: (batch, rows, columns, features)`. The cache is `x`.

    Raises:
        TypeError: `kernel`, `strides` or `padding` is of another type, or an initializer is not a
            function.
        ValueError: one of the numbers is too small, or the padded image is smaller than the kernel.

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
    features = scalars.count("conv2d", "features", features)
    kernel = scalars.pair("conv2d", "kernel", kernel)
    strides = scalars.pair("conv2d", "strides", strides)
    padding = _padding(padding)
    checks.function("conv2d", "w_init", w_init)
    if b_init is not None:
        checks.function("conv2d", "b_init", b_init)
    b_shape = None if b_init is None else (features,)
    apart = f", strides={strides}" if strides != (1, 1) else ""
    zeros_around = f", padding={padding!r}" if padding != "SAME" else ""
    name = f"conv2d({features}, {kernel}{apart}{zeros_around})"

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[Conv2dParams, tuple[()]]:
        checks.image_shape(name, in_shape)
        pads((in_shape[0], in_shape[1]), f"in_shape is {in_shape}")
        w_key, b_key = jax.random.split(checks.prng_key(name, key))
        with inside("w_init"):
            w = draw(name, "w_init", w_init, w_key, (*kernel, in_shape[-1], features))
        if b_init is None:
            return Conv2dParams(w), ()
        with inside("b_init"):
            b = draw(name, "b_init", b_init, b_key, (features,))
        return Conv2dParams(w, b), ()

    def forward(
        params: Conv2dParams, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, Array]:
        check(params, x)
        w, b = params
        z = _correlate(x, w, pads(x.shape[1:3]), product_sharding(x, w), strides=strides)
        return z if b is None else z + per_feature(b, z), state, x

    def backward(params: Conv2dParams, x: Array, dz: Array) -> tuple[Conv2dParams, Array]:
        check(params, x)
        w, b = params
        around_x, around_dz = around(x.shape[1:3], dz.shape[1:3])

        dw = _weights_derivative(x, dz, w, around_x, strides)
        turned = w[::-1, ::-1].transpose(0, 1, 3, 2)
        dx = _correlate(dz, turned, around_dz, sharding_of(x), filled=strides)
        return Conv2dParams(w=dw, b=None if b is None else jnp.sum(dz, axis=(0, 1, 2))), dx

    def around(image: tuple[int, ...], places: tuple[int, ...]) -> tuple[list[Pair], list[Pair]]:
        """Return the padding of x and dz that gives the two convolutions the sizes of w and x."""
        around_x, around_dz = [], []
        sides = zip(image, places, kernel, strides, pads(image), strict=True)
        for n, m, k, stride, (before, _) in sides:
            spread = (m - 1) * stride + 1  # the size of dz, dilated
            around_x.append((before, spread + k - 1 - n - before))
            around_dz.append((k - 1 - before, n - spread + before))
        return around_x, around_dz

    def pads(size: tuple[int, ...], what: str = "") -> Padding:
        if isinstance(padding, str):
            rows, columns = lax.padtype_to_pads(size, kernel, strides, padding)
        else:
            rows, columns = padding
        padded = tuple(n + sum(p) for n, p in zip(size, (rows, columns), strict=True))
        if padded[0] < kernel[0] or padded[1] < kernel[1]:
            raise ValueError(
                f"{name}: {what or f'x has {size} pixels'}, with its padding {padded} pixels; "
                f"expected at least {kernel}, the kernel"
            )
        return rows, columns

    def check(params: Any, x: Array) -> None:
        checks.record(name, "params", params, Conv2dParams, (*kernel, "c_in", features), b_shape)
        w, b = params
        checks.images(name, x, w.shape[2], f", since w has shape {w.shape}")
        checks.same_dtype(name, "x", x, "params.w", w)
        if b is not None:
            checks.same_dtype(name, "params.b", b, "params.w", w)

    by, dy = "", "{dy}"
    if strides != (1, 1):
        by = f", strides {strides[0]}×{strides[1]}"
        dy = f"({{dy}} spread by {strides[0]}×{strides[1]})"
    notation = Notation(
        "Z",
        f"{{x}}∗{{w}} + {{b}}{by}",
        f"{dy}∗{{w}} turned",
        (f"{{x}}∗{dy}", "Σ examples, places {dy}"),
    )
    if b_init is None:
        notation = notation._replace(y=f"{{x}}∗{{w}}{by}", dparams=(f"{{x}}∗{dy}",))

    def flops(params: Conv2dParams, x: Any, y: Any) -> int:
        # At each position as dense: a product and a sum per weight, of padding too, and the bias.
        return int(y.size) * (2 * int(params.w.size) // features + (b_init is not None))

    return Layer(init, forward, backward, name=name, notation=notation, flops=flops)


def _weights_derivative(x: Array, dz: Array, w: Array, around_x: list[Pair], by: Pair) -> Array:
    """Return `dw`, in the form that is fastest for these shapes."""
    few = x.shape[-1] <= FEW or w.shape[:2] == (1, 1)
    return (_by_patches if few else _by_convolution)(x, dz, w, around_x, by)


def _by_convolution(x: Array, dz: Array, w: Array, around_x: list[Pair], strides: Pair) -> Array:
    """Return `dw` as a convolution of `x` with `dz`, whose channels are the examples.

    Autodiff writes the same convolution with its axes in another order, for which XLA's CPU
    compiler has no fast loop: 140 ms inside a scan, where this takes 4 ms (jax issue 12868). Two
    halves of a batch take 9 ms where all of it takes 14 (jax 0.10.1, 128 of 14×14, 32 to 64
    channels).
    """
    sharding, dtype = sharding_of(w, 2, 0, 1, 3, beside=x), wide_dtype(w.dtype)

    def part(x: Array, dz: Array) -> Array:
        x, dz = x.transpose(3, 1, 2, 0), dz.transpose(1, 2, 0, 3)
        dw = _correlate(x, dz, around_x, sharding, spread=strides, dtype=dtype)
        return dw.transpose(1, 2, 0, 3)

    if x.shape[0] % 2:
        return part(x, dz).astype(w.dtype)
    # Every other example, so that each device of a mesh has a share of both halves.
    x, dz = (a.reshape(-1, 2, *a.shape[1:]) for a in (x, dz))
    return (part(x[:, 0], dz[:, 0]) + part(x[:, 1], dz[:, 1])).astype(w.dtype)


def _by_patches(x: Array, dz: Array, w: Array, around_x: list[Pair], strides: Pair) -> Array:
    """Return `dw` as a matrix product with what each position of the kernel sees.

    With one channel it takes 1.3 ms where the convolution takes 4, with three 6 ms instead of 20
    (128 images of 28×28 and 32×32, 32 features); with eight it is slower. A 1×1 kernel needs no
    copies.
    """
    seen = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *((*p, 0) for p in around_x), (0, 0, 0)])
    for axis in (2, 1):  # along the width, then the height: kh + kw pieces, not kh * kw
        size, stride = w.shape[axis - 1], strides[axis - 1]
        span = seen.shape[axis] - size + 1
        places = [lax.slice_in_dim(seen, i, i + span, stride, axis) for i in range(size)]
        seen = jnp.concatenate(places, axis=-1)  # (batch, rows, columns, kh * kw * c_in) at last
    rows = seen.reshape(-1, seen.shape[-1])
    dz = dz.reshape(-1, dz.shape[-1])
    dw = jnp.matmul(rows.T, dz, out_sharding=sharding_of(w, None, 3, beside=x))
    return dw.reshape(w.shape, out_sharding=sharding_of(w, beside=x))


def _correlate(
    x: Array,
    w: Array,
    padding: Any,
    out_sharding: NamedSharding | None,
    *,
    strides: Pair = (1, 1),
    filled: Pair = (1, 1),
    spread: Pair = (1, 1),
    dtype: Any = None,
) -> Array:
    """Correlate `x: (n, h, w, c)` with `w: (kh, kw, c, f)`, the order of axes that is always fast.

    `filled` dilates `x`: it puts zeros between its values. `spread` dilates `w`.
    """
    return lax.conv_general_dilated(
        x,
        w,
        window_strides=strides,
        padding=padding,
        lhs_dilation=filled,
        rhs_dilation=spread,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        preferred_element_type=dtype,
        out_sharding=out_sharding,
    )


def _padding(padding: Any) -> str | Padding:
    """Return the padding in one form: a word in capitals, or rows and columns of zeros."""
    if isinstance(padding, str):
        checks.one_of("conv2d", "padding", padding.upper(), ("SAME", "VALID"))
        return padding.upper()
    if isinstance(padding, (int, np.integer)) and not isinstance(padding, bool):
        n = scalars.count("conv2d", "padding", padding, least=0)
        return (n, n), (n, n)
    try:
        (top, bottom), (left, right) = padding
    except (TypeError, ValueError):
        raise TypeError(
            f'conv2d: padding must be "SAME", "VALID", one number for all sides, or '
            f"((top, bottom), (left, right)); got {checks.describe(padding)}"
        ) from None
    top, bottom = (scalars.count("conv2d", "padding[0]", n, least=0) for n in (top, bottom))
    left, right = (scalars.count("conv2d", "padding[1]", n, least=0) for n in (left, right))
    return (top, bottom), (left, right)
