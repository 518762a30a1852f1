"""`conv1d`: the same short window of weights at every time of a sequence."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core import checks, scalars
from purenn.core.layer import Layer
from purenn.core.precision import per_feature
from purenn.core.sharding import sharding_of
from purenn.core.types import Initializer
from purenn.core.weights import weights
from purenn.initializers import he_normal, zeros
from purenn.layers.convolution import Convolution, draw_kernels
from purenn.layers.padding import Pair


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
    r"""Convolve sequences with kernels: `conv2d` with one axis of places, time.

    With strides $s$, dilation $d$, and $x$ zero outside the sequence, by $p$ steps of padding
    before it,

    $$z_{n,i,f} = b_f + \sum_{a,c} x_{n,\; si + da - p,\; c}\; w_{a,c,f}$$

    $$dw_{a,c,f} = \sum_{n,i} x_{n,\; si + da - p,\; c}\; dz_{n,i,f}, \qquad
      db_f = \sum_{n,i} dz_{n,i,f}, \qquad
      dx_{n,k,c} = \sum_{a,f} dz_{n,\; (k + p - da)/s,\; f}\; w_{a,c,f}$$

    where only integer positions of $dz$ count. It is computed as a convolution of images of height
    1; `conv2d` derives the rest, groups included.

    Args:
        features: the number of kernels, which is that of the channels of `y`.
        kernel: the length of a kernel.
        strides: the distance from one position to the next.
        padding: "SAME" pads so that `y` has `ceil(time / strides)` steps, half on each side and, if
            the number is odd, one more at the end. "VALID" pads nothing. Or `(before, after)`, or
            one number for both. With `((kernel - 1) * dilation, 0)` no output sees a later input.
        dilation: the distance from one weight of a kernel to the next.
        groups: how many; it divides the channels of `x` and `features`.
        w_init: initializer of `w: (k, c_in / groups, features)`; its n_in is `k * c_in / groups`.
        b_init: initializer of `b: (features,)`; None leaves the bias out, `b=None`.

    Returns:
        A layer with parameters `Conv1dParams(w, b)` and no state; `x: (batch, time, c_in)`,
        `y: (batch, steps, features)`. The cache is `x`.

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
    features = scalars.count("conv1d", "features", features)
    kernel = scalars.count("conv1d", "kernel", kernel)
    strides = scalars.count("conv1d", "strides", strides)
    around = _padding(padding)
    dilation = scalars.count("conv1d", "dilation", dilation)
    groups = scalars.count("conv1d", "groups", groups)
    if features % groups:
        raise ValueError(
            f"conv1d: expected features that can be divided into groups={groups}, got {features}"
        )
    checks.function("conv1d", "w_init", w_init)
    if b_init is not None:
        checks.function("conv1d", "b_init", b_init)
    b_shape = None if b_init is None else (features,)
    options = (
        (f", strides={strides}", strides > 1),
        (f", padding={around!r}", around != "SAME"),
        (f", dilation={dilation}", dilation > 1),
        (f", groups={groups}", groups > 1),
    )
    name = f"conv1d({features}, {kernel}{''.join(text for text, given in options if given)})"
    convolution = Convolution(
        name,
        (1, kernel),
        (1, strides),
        around if isinstance(around, str) else ((0, 0), around),
        (1, dilation),
        groups,
    )

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[Conv1dParams, tuple[()]]:
        if len(in_shape) != 2 or 0 in in_shape:
            raise ValueError(
                f"{name}: in_shape is {in_shape}, expected (time, channels), both at least 1"
            )
        time, channels = in_shape
        fits(time, f"in_shape is {in_shape}")
        if channels % groups:
            raise ValueError(
                f"{name}: in_shape is {in_shape}, expected channels (the last axis) that can be "
                f"divided into groups={groups}"
            )
        shape = (kernel, channels // groups, features)
        return Conv1dParams(*draw_kernels(name, key, shape, w_init, b_init)), ()

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

    def fits(time: int, what: str) -> None:
        padded = time + (0 if isinstance(around, str) else sum(around))
        extent = (kernel - 1) * dilation + 1
        if around != "SAME" and padded < extent:
            raise ValueError(
                f"{name}: {what}, with its padding {padded} steps; expected at least {extent}, the "
                f"kernel{f' with dilation={dilation}' if dilation > 1 else ''}"
            )

    def check(params: Any, x: Array) -> None:
        checks.record(name, "params", params, Conv1dParams, (kernel, "c_in", features), b_shape)
        w, b = params
        channels = w.shape[1] * groups
        if x.ndim != 3 or x.shape[-1] != channels:
            remedy = "; for a single sequence pass x[None]" if x.ndim == 2 else ""
            raise ValueError(
                f"{name}: x has shape {x.shape}, expected (batch, time, {channels}), since w has "
                f"shape {w.shape}{remedy}"
            )
        fits(x.shape[1], f"x has shape {x.shape}")
        checks.same_dtype(name, "x", x, "params.w", w)
        if b is not None:
            checks.same_dtype(name, "params.b", b, "params.w", w)

    notation = convolution.notation(bias=b_init is not None, axes=1)

    def flops(params: Conv1dParams, x: Any, y: Any) -> int:
        return int(y.size) * (2 * int(params.w.size) // features + (b_init is not None))

    return Layer(init, forward, backward, name=name, notation=notation, flops=flops)


def _padding(padding: Any) -> str | Pair:
    """Return the padding in one form: a word in capitals, or the steps before and after."""
    if isinstance(padding, str):
        word = padding.upper()
        checks.one_of("conv1d", "padding", word, ("SAME", "VALID"))
        return word
    if isinstance(padding, (int, np.integer)) and not isinstance(padding, bool):
        n = scalars.count("conv1d", "padding", padding, least=0)
        return n, n
    try:
        before, after = padding
    except (TypeError, ValueError):
        raise TypeError(
            f'conv1d: padding must be "SAME", "VALID", one number for both sides, or '
            f"(before, after); got {checks.describe(padding)}"
        ) from None
    return (
        scalars.count("conv1d", "padding[0]", before, least=0),
        scalars.count("conv1d", "padding[1]", after, least=0),
    )
