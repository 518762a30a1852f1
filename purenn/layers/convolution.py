"""A convolution and its derivatives, for `conv1d`, `conv2d`, and `conv2d_transpose`."""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.sharding import NamedSharding

from purenn.core import scalars
from purenn.core.notation import Notation
from purenn.core.sharding import product_sharding, sharding_of
from purenn.layers.correlate import correlate
from purenn.layers.kernel_derivative import kernel_derivative
from purenn.layers.padding import (
    Padding,
    Pair,
    checked_padding,
    in_numbers,
    sequence_padding,
    transposed_padding,
)


@dataclass(frozen=True)
class Convolution:
    r"""The motion of kernels over padded images; a sequence is an image of height 1.

    With strides $s$, dilation $d$, and $p$ rows of padding above, written for one axis,

    $$z_i = \sum_a x_{si + d \cdot a - p}\, w_a, \qquad
      dw_a = \sum_i x_{si + d \cdot a - p}\, dz_i, \qquad
      dx_k = \sum_a dz_{(k + p - d \cdot a)/s}\, w_a$$

    where only integer positions of $dz$ count. Each of the three is a correlation of two arrays,
    one of which may be dilated, that is, padded with zeros between its values.

    Attributes:
        layer: the name of the layer, such as "conv2d".
        features: the number of kernels.
        kernel: the height and width of a kernel.
        strides: the distance from one position to the next, down and across.
        dilation: the distance from one weight of a kernel to the next.
        padding: a word or numbers.
        groups: the number of groups of the channels of `x` and of the features.
        axes: 2 for images, 1 for sequences.
    """

    layer: str
    features: int
    kernel: Pair
    strides: Pair = (1, 1)
    padding: str | Padding = "SAME"
    dilation: Pair = (1, 1)
    groups: int = 1
    axes: int = 2

    @property
    def name(self) -> str:
        """Return the name of the layer, with the options that are not the default."""
        options = ("strides", "padding", "dilation", "groups")
        given = [name for name in options if getattr(self, name) != getattr(Convolution, name)]
        text = "".join(f", {name}={self._shown(getattr(self, name))!r}" for name in given)
        return f"{self.layer}({self.features}, {self._shown(self.kernel)}{text})"

    @property
    def extent(self) -> Pair:
        """Return the height and width of a kernel with its dilation."""
        (kh, kw), (dh, dw) = self.kernel, self.dilation
        return (kh - 1) * dh + 1, (kw - 1) * dw + 1

    def pads(self, image: tuple[int, ...], what: str = "") -> Padding:
        """Return the padding of an image in numbers, if the kernel fits into the padded image.

        Args:
            image: its height and width.
            what: the beginning of the error message.
        """
        rows, columns = in_numbers(self.padding, (image[0], image[1]), self.extent, self.strides)
        padded = image[0] + sum(rows), image[1] + sum(columns)
        unit = "steps" if self.axes == 1 else "pixels"
        if padded[0] < self.extent[0] or padded[1] < self.extent[1]:
            what = what or f"x has {self._shown(image)} {unit}"
            dilation = f" with dilation={self._shown(self.dilation)}"
            raise ValueError(
                f"{self.name}: {what}, with its padding {self._shown(padded)} {unit}; expected at "
                f"least {self._shown(self.extent)}, the kernel"
                f"{'' if self.extent == self.kernel else dilation}"
            )
        return rows, columns

    def kernel_shape(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of `w`, if the kernels and the groups fit an example of this shape."""
        *image, channels = in_shape
        self.pads((1, *image)[-2:], f"in_shape is {in_shape}")
        if channels % self.groups:
            raise ValueError(
                f"{self.name}: in_shape is {in_shape}, expected channels (the last axis) that can "
                f"be divided into groups={self.groups}"
            )
        return *self.kernel[-self.axes :], channels // self.groups, self.features

    def z(self, x: Array, w: Array) -> Array:
        """Return `x * w`, without a bias."""
        return correlate(
            x,
            w,
            self.pads(x.shape[1:3]),
            product_sharding(x, w),
            strides=self.strides,
            w_dilation=self.dilation,
            groups=self.groups,
        )

    def dw(self, x: Array, dz: Array, w: Array) -> Array:
        """Return the derivative with respect to `w`: `x` correlated with `dz`, dilated."""
        image, places = x.shape[1:3], dz.shape[1:3]
        axes = zip(image, places, self.strides, self.extent, self.pads(image), strict=True)
        around = [  # so that the result has the kernel's size
            (before, (m - 1) * s + extent - n - before) for n, m, s, extent, (before, _) in axes
        ]
        return kernel_derivative(x, dz, w, around, self.strides, self.dilation, self.groups)

    def dx(
        self, dz: Array, w: Array, image: tuple[int, ...], out_sharding: NamedSharding | None
    ) -> Array:
        """Return the derivative with respect to `x`: dilated `dz`, correlated with rotated `w`.

        Args:
            dz: the derivative with respect to `z`.
            w: the kernels.
            image: the height and width of `x`.
            out_sharding: the sharding of the result.
        """
        pads = self.pads(image)
        around = transposed_padding(pads, image, dz.shape[1:3], self.extent, self.strides)
        return correlate(
            dz,
            self._turned(w),
            around,
            out_sharding,
            x_dilation=self.strides,
            w_dilation=self.dilation,
            groups=self.groups,
        )

    def notation(self, *, bias: bool) -> Notation:
        """Return the notation of the layer."""

        def dilated(symbol: str, by: Pair) -> str:
            return symbol if by == (1, 1) else f"({symbol} dilated by {times(by)})"

        def by_strides(by: Pair) -> str:
            return "" if by == (1, 1) else f", strides {times(by)}"

        def times(pair: Pair) -> str:
            return "×".join(map(str, pair[-self.axes :]))

        w, dy = dilated("{w}", self.dilation), dilated("{dy}", self.strides)
        groups = "" if self.groups == 1 else f", {self.groups} groups"
        return Notation(
            "Z",
            f"{{x}}∗{w}{' + {b}' * bias}{by_strides(self.strides)}{groups}",
            f"{dy}∗{w} turned{groups}",
            (f"{{x}}∗{dy}{by_strides(self.dilation)}{groups}", "Σ examples, places {dy}")[
                : 1 + bias
            ],
        )

    def flops(self, params: Any, x: Any, y: Any) -> int:
        """Return the number of operations: at each position, as many as for `dense`.

        They are a product and a sum per weight, including padding, and the bias.
        """
        return int(y.size) * (2 * int(params.w.size) // self.features + (params.b is not None))

    def _shown(self, value: Any) -> Any:
        """Return an argument in the form in which the user passes it, for one axis or two."""
        return value[1] if self.axes == 1 and isinstance(value, tuple) else value

    def _turned(self, w: Array) -> Array:
        """Return kernels rotated by 180 degrees, from the features to the channels of `x`."""
        if self.groups > 1:
            kh, kw, channels, features = w.shape
            each = features // self.groups
            sharding = sharding_of(w, 0, 1, 2, None, None)
            w = jnp.reshape(w, (kh, kw, channels, self.groups, each), out_sharding=sharding)
            w = w.transpose(0, 1, 3, 2, 4)
            sharding = sharding_of(w, 0, 1, None, None)
            w = jnp.reshape(w, (kh, kw, self.groups * channels, each), out_sharding=sharding)
        return w[::-1, ::-1].transpose(0, 1, 3, 2)


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
