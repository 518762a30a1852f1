"""`avg_pool`: the mean of each window of an image."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from purenn.core.layer import Layer
from purenn.core.notation import Notation
from purenn.core.precision import wide
from purenn.layers.windows import Image, Pair, windows_of


def avg_pool(window: Pair | int = (2, 2), *, strides: Pair | int | None = None) -> Layer:
    r"""Take the mean of each window, channel by channel.

    With $W(p)$ the cells of `x` in the window of output $p$, $n$ of them,

    $$y_p = \frac1n \sum_{q \in W(p)} x_q, \qquad dx_q = \frac1n \sum_{p\,:\,q \in W(p)} dy_p$$

    There is no padding: rows and columns at the end that do not fill a window are left out, and
    their `dx` is 0. With a window as large as the image, it is global average pooling.

    Windows that overlap a lot take long to compile, as in `max_pool`.

    Args:
        window: height and width of a window; one number for a square.
        strides: the distance from one window to the next, down and across, or one number for both;
            the window's own size if not given. Windows may overlap, or leave gaps.

    Returns:
        A layer with no parameters and no state; `x: (batch, height, width, channels)`,
        `y: (batch, (height - kh) // sh + 1, (width - kw) // sw + 1, channels)`. Sums are in
        float32 at least. The cache holds only the size of the image.

    Raises:
        TypeError: `window` or `strides` is not a pair of whole numbers.
        ValueError: one of the numbers is below 1, or the image is smaller than the window.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> y, state = pn.avg_pool().apply((), (), jnp.arange(16.0).reshape(1, 4, 4, 1))
        >>> print(y[0, :, :, 0])
        [[ 2.5  4.5]
         [10.5 12.5]]
    """
    windows = windows_of("avg_pool", window, strides)
    kh, kw = windows.size
    n = kh * kw

    def forward(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, Image]:
        image = windows.image(x)
        rows: Any = sum(windows.along(wide(x) / n, 2))  # divided first, since a sum may overflow
        y: Any = sum(windows.along(rows, 1))
        return y.astype(x.dtype), state, image

    def backward(params: Any, image: Image, dy: Array) -> tuple[tuple[()], Array]:
        def part(cell: Array, dy: Array) -> Array:
            return jnp.where(cell < n, dy / n, 0)

        return (), windows.spread(part, (wide(dy),), image).astype(dy.dtype)

    notation = Notation("P", f"mean {kh}×{kw}({{x}})", f"{{dy}}/{n} to each cell of its window")

    def flops(params: Any, x: Any, y: Any) -> int:
        return kh * kw * int(y.size)  # one for each cell of each window

    return Layer(windows.init, forward, backward, name=windows.name, notation=notation, flops=flops)
