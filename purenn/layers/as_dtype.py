"""`as_dtype`: a layer whose parameters and state have another dtype."""

from typing import Any

from jax.typing import DTypeLike

from purenn.core.adapt import as_layer
from purenn.core.dtypes import cast, float_dtype
from purenn.core.layer import Layer
from purenn.core.types import ModelLike


def as_dtype(layer: ModelLike, dtype: DTypeLike) -> Layer:
    """Give a layer parameters and state of another dtype.

    `init` draws the numbers in float32 and casts them, so they are the same up to rounding. Layers
    compute in the dtype of `x`, which must match that of the parameters; `rescale` converts
    integers to `dtype`. Layers inside other layers are converted too, and the result works with
    `fit` and `train`.

    Parameters in bfloat16 or float16 take half the memory, but an optimizer's steps are often too
    small to change them. To compute in half precision with float32 parameters, use
    `mixed_precision`.

    Args:
        layer: a layer, op, or function.
        dtype: float64 (with jax_enable_x64), float32, bfloat16, or float16.

    Returns:
        A layer with the same name as `layer` and the same structure of parameters and state, drawn
        from the same key.

    Raises:
        TypeError: if `dtype` is not one of these.
        ValueError: if `dtype` is float64, and jax_enable_x64 is not set.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> model = pn.as_dtype(pn.serial(pn.rescale(), pn.dense(3)), jnp.bfloat16)
        >>> params, state = model.init(jax.random.key(0), in_shape=(2,))
        >>> y, state = model.apply(params, state, jnp.array([[0, 255]], jnp.uint8))
        >>> print(params[1].w.dtype, y.dtype)
        bfloat16 bfloat16
    """
    layer, dtype = as_layer("as_dtype", "layer", layer), float_dtype("as_dtype", dtype)
    if layer.in_dtype is not None:
        return layer.in_dtype(dtype).replace(name=layer.name, rule=layer.rule)

    init = layer.functions.init

    def cast_init(key: Any, in_shape: tuple[int, ...]) -> tuple[Any, Any]:
        params, state = init(key, in_shape)
        return cast((params, state), dtype)

    read = layer.stepwise
    return layer.replace(
        init=cast_init,
        in_dtype=lambda other: as_dtype(layer, other),
        stepwise=read and (lambda batch, length: as_dtype(read(batch, length), dtype)),
    )
