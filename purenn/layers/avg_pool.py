"""`avg_pool`: the mean of each window of an image."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from purenn.core.layer import Layer
from purenn.core.notation import Notation
from purenn.core.precision import wide
from purenn.layers.padding import Padding, Pair
from purenn.layers.windows import Image, windows_of


def avg_pool(
    window: Pair | int = (2, 2),
    *,
    strides: Pair | int | None = None,
    padding: str | int | Padding = "VALID",
) -> Layer:
    r"""Take the mean of each window, channel by channel.

    Let $W(p)$ be the $n_p$ cells of `x` in the window of output $p$. Then

    $$y_p = \frac{1}{n_p} \sum_{q \in W(p)} x_q, \qquad
      dx_q = \sum_{p\,:\,q \in W(p)} \frac{dy_p}{n_p}$$

    Padding is not counted: if a window extends beyond the border, $n_p$ is the number of its cells
    inside the image. PyTorch and Flax do the same with `count_include_pad=False`. Rows and columns
    at the end that do not fill a window are ignored, and their `dx` is 0. To average over an entire
    image, use `global_avg_pool`.

    As in `max_pool`, heavily overlapping windows take a long time to compile.

    Args:
        window: the height and width of each window, or one number for a square window.
        strides: the distance from one window to the next, down and across, or one number for both.
            The default is the window's size, so windows do not overlap. Other strides make windows
            overlap or leave gaps.
        padding: "VALID", "SAME", `((top, bottom), (left, right))`, or one number for all four
            sides, as in `conv2d`. It must be smaller than the window.

    Returns:
        A layer with no parameters and no state. It maps `x: (batch, height, width, channels)` to
        `y: (batch, (height - kh) // sh + 1, (width - kw) // sw + 1, channels)`, where height and
        width include the padding. Sums accumulate in float32 or better. The cache holds only the
        size of the image.

    Raises:
        TypeError: if `window` or `strides` is not a pair of integers, or `padding` has the wrong
            type.
        ValueError: if a number is below 1, the image is smaller than the window, or the padding is
            not smaller than the window.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> y, state = pn.avg_pool().apply((), (), jnp.arange(16.0).reshape(1, 4, 4, 1))
        >>> print(y[0, :, :, 0])
        [[ 2.5  4.5]
         [10.5 12.5]]
    """
    windows = windows_of("avg_pool", window, strides, padding)
    kh, kw = windows.size
    n = kh * kw

    def forward(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, Image]:
        image = windows.image(x)
        y = windows.sums(wide(x) / n)  # divided first, since a sum may overflow
        return counted(y, image).astype(x.dtype), state, image

    def backward(params: Any, image: Image, dy: Array) -> tuple[tuple[()], Array]:
        each = counted(wide(dy) / n, image)
        return (), windows.sums_over_cells(each, image).astype(dy.dtype)

    def counted(mean: Array, image: Image) -> Array:
        """Turn a mean over whole windows into a mean over their cells inside the image."""
        share = n / windows.real_cells(image)
        return mean if np.all(share == 1) else mean * jnp.asarray(share, mean.dtype)

    y, dx = f"mean {kh}×{kw}({{x}})", f"{{dy}}/{n} to each cell of its window"
    if windows.padding != "VALID":
        y += " in the image"
        dx = "{dy}/n to the n cells of its window in the image"
    notation = Notation("P", y, dx)

    def flops(params: Any, x: Any, y: Any) -> int:
        return kh * kw * int(y.size)  # one for each cell of each window

    return Layer(windows.init, forward, backward, name=windows.name, notation=notation, flops=flops)
