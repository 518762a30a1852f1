"""`layer_norm`: normalization of each example over its features."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from purenn.core import checks, scalars
from purenn.core.barrier import once_all_known
from purenn.core.layer import Layer
from purenn.core.notation import Notation
from purenn.core.precision import inverse_deviation, moments, per_feature, wide
from purenn.core.types import Scalar
from purenn.core.weights import weights
from purenn.initializers import ones, zeros


@weights()
class LayerNormParams(NamedTuple):
    r"""The scale and shift of `layer_norm`.

    Attributes:
        gamma: the scale $\gamma$, `(features,)`; initially 1.
        beta: the shift $\beta$, `(features,)`; initially 0.
    """

    gamma: Array  # (features,)
    beta: Array  # (features,)


class _Saved(NamedTuple):
    x: Array  # (..., features)
    mean: Array  # (..., 1)
    correction: Array  # (..., 1), to the mean
    inv_std: Array  # (..., 1)


def layer_norm(*, epsilon: Scalar = 1e-5) -> Layer:
    r"""Normalize each row over the last axis to mean 0 and variance 1, then scale and shift it.

    For each row of $x$, with $n$ features ([Ba, Kiros, and Hinton, 2016][ba2016]),

    $$\mu = \tfrac1n \sum_j x_j, \quad \sigma^2 = \tfrac1n \sum_j (x_j - \mu)^2, \quad
      \hat x = (x - \mu) / \sqrt{\sigma^2 + \epsilon}, \quad y = \gamma \hat x + \beta$$

    All rows share $\gamma$ and $\beta$, so their derivatives are sums over the rows $i$. The $\mu$
    and $\sigma^2$ of a row depend on each of its $x_j$. With $d\hat x = \gamma\, dy$, the
    derivative with respect to $\sigma^2$ is $-\tfrac12 (\sigma^2 + \epsilon)^{-1} \sum_j d\hat x_j
    \hat x_j$, and the derivative with respect to $\mu$ is $-(\sigma^2 + \epsilon)^{-1/2} \sum_j
    d\hat x_j$. Together,

    $$d\gamma = \sum_i dy_i\, \hat x_i, \quad d\beta = \sum_i dy_i, \quad
      dx = \frac{1}{\sqrt{\sigma^2 + \epsilon}} \left(d\hat x - \tfrac1n \sum_j d\hat x_j
      - \hat x\, \tfrac1n \sum_j d\hat x_j\, \hat x_j\right)$$

    The layer behaves the same in training and in evaluation. In contrast, `batch_norm` computes its
    statistics per feature over the batch. PyTorch's `LayerNorm` has the same default for epsilon;
    Flax's has `epsilon=1e-6`. If the variance overflows, the row is NaN; in float32, deviations of
    about 1e19 are enough.

    Args:
        epsilon: added to the variance, under the root, to avoid a division by zero for a constant
            row: a number or a traced scalar. A traced scalar below 0 gives NaN.

    Returns:
        A layer with parameters `LayerNormParams(gamma, beta)` and no state; `x, y: (...,
        features)`. The statistics are computed in float32 or better. The cache is `x` and three
        values per row, from which the backward pass recomputes $\hat x$.

    Raises:
        TypeError: if `epsilon` is not a number.
        ValueError: if `epsilon` is below 0, or there is only one feature, whose variance is zero.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> layer = pn.layer_norm()
        >>> params, state = layer.init(jax.random.key(0), in_shape=(2,))
        >>> y, state = layer.apply(params, state, jnp.array([[1.0, 3.0], [10.0, 50.0]]))
        >>> print(y.round(3).tolist())
        [[-1.0, 1.0], [-1.0, 1.0]]
    """
    epsilon = scalars.number("layer_norm", "epsilon", epsilon, least=0)
    name = "layer_norm"

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[LayerNormParams, tuple[()]]:
        features = checks.shape_tuple(name, in_shape, axes=1)[-1:]
        several(features, "in_shape", in_shape)
        return LayerNormParams(gamma=ones(key, features), beta=zeros(key, features)), ()

    def forward(
        params: LayerNormParams, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, _Saved]:
        check(params, x)
        mean, correction, var = moments(wide(x), -1, keepdims=True)
        saved = _Saved(x, mean, correction, inverse_deviation(var, epsilon))
        gamma, beta = (per_feature(wide(p), x) for p in params)
        y = gamma * normalized(saved) + beta
        return y.astype(x.dtype), state, saved

    def backward(
        params: LayerNormParams, saved: _Saved, dy: Array
    ) -> tuple[LayerNormParams, Array]:
        check(params, saved.x)
        dtype, rows = dy.dtype, tuple(range(dy.ndim - 1))
        saved, dy = once_all_known(saved, dy)
        dy, x_hat = wide(dy), normalized(saved)
        dgamma = jnp.sum(dy * x_hat, rows)
        dbeta = jnp.sum(dy, rows)
        dx_hat = dy * per_feature(wide(params.gamma), dy)
        through_mean = jnp.mean(dx_hat, axis=-1, keepdims=True)  # (..., 1)
        through_var = x_hat * jnp.mean(dx_hat * x_hat, axis=-1, keepdims=True)
        dx = (dx_hat - through_mean - through_var) * saved.inv_std
        return LayerNormParams(dgamma.astype(dtype), dbeta.astype(dtype)), dx.astype(dtype)

    def normalized(saved: _Saved) -> Array:
        return (wide(saved.x) - saved.mean - saved.correction) * saved.inv_std

    def check(params: Any, x: Array) -> None:
        checks.record(name, "params", params, LayerNormParams, ("features",), ("features",))
        checks.last_axis(name, x, *params.gamma.shape)
        several(x.shape[-1:], "x", x.shape)
        checks.same_dtype(name, "x", x, "params.gamma", params.gamma)
        checks.same_dtype(name, "params.beta", params.beta, "params.gamma", params.gamma)

    def several(features: tuple[int, ...], what: str, shape: tuple[int, ...]) -> None:
        if features[0] < 2:
            raise ValueError(f"{name}: needs at least two features, got {what} {shape}")

    y, dparams = "{gamma}⊙rownorm({x}) + {beta}", ("Σ rows {dy}⊙x̂", "Σ rows {dy}")
    dx = "(g - rowmean(g) - x̂⊙rowmean(g⊙x̂))/σ, g = {gamma}⊙{dy}"
    notation = Notation("N", y, dx, dparams)

    def flops(params: Any, x: Any, y: Any) -> int:
        return 7 * int(y.size)  # the four of batch_norm, the sum in μ, the square, and the sum in σ

    return Layer(
        init, forward, backward, name=name, notation=notation, flops=flops, padded="ignores"
    )
