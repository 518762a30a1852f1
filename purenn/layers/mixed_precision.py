"""`mixed_precision`: a layer that computes in half precision, with full-precision parameters."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import DTypeLike

from purenn.core import checks
from purenn.core.adapt import as_layer
from purenn.core.dtypes import cast, dtype_name, dtype_of
from purenn.core.inputs import seen
from purenn.core.layer import Layer
from purenn.core.notation import Steps
from purenn.core.padded import array_of
from purenn.core.text import literal
from purenn.core.types import ModelLike
from purenn.layers.as_dtype import as_dtype
from purenn.layers.repeat import repeat
from purenn.layers.serial import serial
from purenn.layers.stepwise import stepwise

ROOM = 2.0**12  # how large a sum over the rows of dy may be: 1/16 of float16's largest number


def mixed_precision(layer: ModelLike, dtype: DTypeLike = jnp.bfloat16) -> Layer:
    r"""Compute a layer in half precision, with its parameters in full precision.

    The forward pass casts the floating-point parameters and `x` to `dtype`, and `y` back to the
    dtype of `x`. The backward pass casts `dy` to `dtype`, and `dparams` and `dx` back to the dtypes
    of the parameters and of `x`. The loss and the parameters the optimizer updates therefore stay
    float32 ([Micikevicius et al., 2018][micikevicius2018]). State is not cast, so running
    statistics stay float32. Sums within a layer accumulate in float32, as always.

    float16 rounds numbers below $2^{-25}$ to 0, and the derivatives of a mean over many examples
    are that small. Each layer's `dy` is therefore divided by a power of two $p$, chosen by its
    largest element, and the float32 derivatives are multiplied by $p$. Because a backward pass is
    linear, $dx(dy) = p\, dx(dy / p)$; this is exact, except for elements that are tiny compared
    with the largest. You do not need to choose or keep a loss scale. For a 784-128-10 network
    trained on MNIST (30 epochs of `adam(1e-3)` in batches of 128), the error of the first `dw`,
    relative to its norm, is, as the median of five runs,

        batch                             128      1024      8192     32768
        float16 without the power of two  0.3%     0.4%      1.9%      5.0%
        float16                           0.3%     0.3%      0.3%      0.4%
        bfloat16, which needs none        2.0%     2.9%      2.6%      2.0%

    The power of two is part of the hand-derived backward pass. `jax.grad` uses it only through
    `by_hand(mixed_precision(…))`. Values that overflow in the forward pass, beyond 65504 in
    float16, become infinite and stop `fit`.

    `mixed_precision(serial(a, b))` is the same as `serial(mixed_precision(a), mixed_precision(b))`,
    and `mixed_precision(repeat(a, n))` is the same as `repeat(mixed_precision(a), n)`. So `explain`
    still shows every layer, and XLA drops the casts between them. On a CPU, XLA multiplies matrices
    in float32 anyway. There, you can study how half precision affects a model, but you gain no
    speed: a step takes 1 to 1.8 times as long and a quarter to a half more memory.

    Args:
        layer: a layer, op, or function. The result accepts integers only if `layer` does, as
            `serial(rescale(), …)` does; the output is then float32.
        dtype: the dtype to compute in: bfloat16 (the default, with the range of float32), float16,
            float32, or float64 (float32 unless jax_enable_x64 is set).

    Returns:
        A layer with the parameters and state of `layer`, drawn from the same key; `y` has the dtype
        of `x`.

    Raises:
        TypeError: if `layer` is not a layer, op, or function, or `dtype` is not one of these.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> params = pn.DenseParams(w=jnp.array([[1.001]]), b=jnp.zeros(1))
        >>> y, state = pn.mixed_precision(pn.dense(1)).apply(params, (), jnp.ones((1, 1)))
        >>> print(y, y.dtype)  # bfloat16 has 8 bits for 1.001
        [[1.]] float32
    """
    inner, name = as_layer("mixed_precision", "layer", layer), dtype_name("mixed_precision", dtype)
    if inner.parts:
        return serial(*(mixed_precision(part, dtype) for part in inner.parts))
    if inner.notation.times and inner.inner:
        return repeat(mixed_precision(inner.inner[0], dtype), inner.notation.times)
    low, name = jnp.dtype(name), f"{name} {inner.name}"

    def forward(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, Any]:
        low_params, low_x = cast((params, x), low)
        y, state, cache = inner.forward(low_params, state, low_x, train=train, key=key)
        return cast(y, _dtype_of_y(params, x, y)), state, cache

    def backward(params: Any, cache: Any, dy: Array) -> tuple[Any, Array | None]:
        low_dy, power = _cast_by_power(dy, cache.y_dtype)
        dparams, dx = inner.backward(cast(params, low), cache, low_dy)
        dparams = jax.tree.map(lambda d, p: _restored(d, power, p.dtype), dparams, params)
        return dparams, None if dx is None else _restored(dx, power, dy.dtype)

    def apply(
        params: Any, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any]:
        low_params, low_x = cast((params, x), low)
        y, state = inner.apply(low_params, state, low_x, train=train, key=key)
        return cast(y, _dtype_of_y(params, x, y)), state

    def in_steps(batch: int, length: int) -> Layer:
        return mixed_precision(stepwise(inner, batch=batch, length=length), dtype)

    notation = inner.notation._replace(
        y=inner.notation.y or f"{literal(inner.name)}({{x}})",
        note=f"in {low}",
        steps=_rounded_steps(inner, low),
    )
    return Layer(
        inner.init,
        forward,
        backward,
        apply,
        name,
        inner.first.takes,
        notation=notation,
        by_jax=inner.by_jax,
        inner=tuple(mixed_precision(part, dtype) for part in inner.inner),
        flops=inner.flops,
        in_dtype=lambda wide: mixed_precision(as_dtype(inner, wide), dtype),
        padded="uses",
        stepwise=in_steps,
    )


def _rounded_steps(inner: Layer, low: Any) -> Steps | None:
    """Return the steps of a layer, computed from parameters and `x` rounded to `low`."""
    steps = inner.notation.steps
    if steps is None:
        return None

    def rounded(params: Any, x: Any) -> Any:
        given = params, seen(inner, x)
        return jax.tree.map(lambda a, rounded: rounded.astype(a.dtype), given, cast(given, low))

    return Steps(
        steps.symbols,
        lambda params, x: steps.forward(*rounded(params, x)),
        lambda params, x, dy: steps.backward(*rounded(params, x), dy),
    )


def _dtype_of_y(params: Any, x: Any, y: Any) -> Any:
    """Return the dtype of `x`, or, for an integer `x`, that of the parameters, if there are any."""
    x, y = array_of(x), array_of(y)
    return x.dtype if checks.is_float(x) else dtype_of(params, y.dtype)


def _cast_by_power(dy: Array, dtype: Any) -> tuple[Array, Array | None]:
    """Return `dy` in `dtype`, divided by a power of two if `dtype` has fewer exponents than `dy`.

    The largest finite element becomes about 1 or less, so a sum over all rows does not overflow.
    Scales from 2^-8 to 2^8 times this one give a float16 `dw` of the same accuracy, to within a
    tenth.
    """
    if not checks.is_float(dy) or jnp.finfo(dtype).nexp >= jnp.finfo(dy.dtype).nexp:
        return dy.astype(dtype), None
    given = jnp.finfo(dy.dtype)
    largest = jnp.max(jnp.abs(dy), where=jnp.isfinite(dy), initial=given.tiny)
    rows = dy.size // max(dy.shape[-1], 1) if dy.ndim else 1
    power = lax.reduce_precision(largest * max(rows / ROOM, 1.0), given.nexp, 0)
    power = jnp.minimum(power, 2.0 ** (given.maxexp - 2))  # so that 1 / power is not subnormal
    return (dy / power).astype(dtype), power


def _restored(d: Array, power: Array | None, dtype: Any) -> Array:
    return (d if power is None else d.astype(power.dtype) * power).astype(dtype)
