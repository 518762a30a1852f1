"""`rescale`: multiplication by a constant, which turns pixels into small floats."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike

from purenn.core import checks, scalars
from purenn.core.dtypes import float_dtype
from purenn.core.functions import no_parameters
from purenn.core.layer import Layer
from purenn.core.notation import Notation
from purenn.core.precision import in_dtype
from purenn.core.types import Scalar


def rescale(scale: Scalar = 1 / 255, *, dtype: DTypeLike = jnp.float32) -> Layer:
    """Multiply by a constant: `y = scale * x`, `dx = scale * dy`.

    Integers are converted to `dtype`, while floats keep their dtype. As a model's first layer,
    `rescale` accepts raw uint8 images, which take a quarter of the memory of float32, and callers
    cannot forget to scale them. An integer `x` has no derivative, so its `dx` is `None`.

    Args:
        scale: the constant, a number or a traced scalar. The default, 1 / 255, maps bytes to
            numbers between 0 and 1.
        dtype: the dtype to which integers are converted: float32, float16, bfloat16, or float64
            with jax_enable_x64.

    Returns:
        A layer with no parameters and no state; `y` has the shape of `x`.

    Raises:
        TypeError: if `scale` is not a number, or `dtype` is not one of these.
        ValueError: if `dtype` is float64, and jax_enable_x64 is not set.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> y, state = pn.rescale().apply((), (), jnp.array([[0, 51, 255]], jnp.uint8))
        >>> print([f"{value:.3f}" for value in y[0]], y.dtype)
        ['0.000', '0.200', '1.000'] float32
    """
    scale = scalars.number("rescale", "scale", scale)
    dtype = float_dtype("rescale", dtype)

    def forward(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, None]:
        x = x if checks.is_float(x) else x.astype(dtype)
        return x * in_dtype(scale, x.dtype), state, None

    def backward(params: Any, cache: None, dy: Array) -> tuple[tuple[()], Array]:
        return (), dy * in_dtype(scale, dy.dtype)

    factor = scalars.shown(scale, ".4g")
    notation = Notation("S", f"{{x}}·{factor}", f"{{dy}}·{factor}")
    return Layer(
        no_parameters,
        forward,
        backward,
        name=f"rescale({factor})",
        takes="any",
        notation=notation,
        in_dtype=lambda dtype: rescale(scale, dtype=dtype),
        padded="ignores",
    )
