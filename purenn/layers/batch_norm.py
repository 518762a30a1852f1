"""`batch_norm`: normalization of each channel over the batch."""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from purenn.core import checks, scalars
from purenn.core.barrier import once_all_known
from purenn.core.layer import Layer
from purenn.core.notation import Notation
from purenn.core.precision import (
    Moments,
    in_dtype,
    inverse_deviation,
    moments,
    per_feature,
    wide,
)
from purenn.core.types import Scalar
from purenn.core.weights import weights
from purenn.initializers import ones, zeros


@weights()
class BatchNormParams(NamedTuple):
    r"""The scale and shift of `batch_norm`.

    Attributes:
        gamma: the scale $\gamma$, `(channels,)`; initially 1.
        beta: the shift $\beta$, `(channels,)`; initially 0.
    """

    gamma: Array  # (channels,)
    beta: Array  # (channels,)


class BatchNormState(NamedTuple):
    """The running statistics of `batch_norm`, for evaluation.

    Attributes:
        mean: the running mean, `(channels,)`; initially 0.
        var: the running variance (divided by m), `(channels,)`; initially 1.
    """

    mean: Array  # (channels,)
    var: Array  # (channels,)


class _Saved(NamedTuple):
    x: Array  # (..., channels)
    mean: Array  # (channels,)
    correction: Array | None  # (channels,), to the mean; None for the running mean
    inv_std: Array  # (channels,)


def batch_norm(*, momentum: Scalar = 0.9, epsilon: Scalar = 1e-5) -> Layer:
    r"""Normalize each channel over the batch to mean 0 and variance 1, then scale and shift it.

    The statistics are computed over all axes except for the last, the channels ([Ioffe and Szegedy,
    2015][ioffe2015]). In training, with $m$ values in each channel,

    $$\mu = \tfrac1m \sum x, \quad \sigma^2 = \tfrac1m \sum (x - \mu)^2, \quad
      \hat x = (x - \mu) / \sqrt{\sigma^2 + \epsilon}, \quad y = \gamma \hat x + \beta$$

    The statistics depend on every $x$ of the channel, which adds two terms to $dx$. With $d\hat x =
    \gamma\, dy$,

    $$d\gamma = \sum dy\, \hat x, \quad d\beta = \sum dy, \quad
      dx = \frac{1}{\sqrt{\sigma^2 + \epsilon}}
      \left(d\hat x - \tfrac1m \sum d\hat x - \hat x\, \tfrac1m \sum d\hat x\, \hat x\right)$$

    In evaluation, $\mu$ and $\sigma^2$ are the running statistics. They are constants, so $dx =
    d\hat x / \sqrt{\sigma^2 + \epsilon}$. If the variance overflows, the channel becomes NaN; in
    float32, deviations of about 1e19 are enough.

    Args:
        momentum: the fraction of the running statistics that is *kept* in each training step:
            `running = momentum * running + (1 - momentum) * batch`. PyTorch's `momentum` is one
            minus this. Like the batch variance, the running variance is divided by m, not by m - 1.
        epsilon: added to the variance, under the root, to avoid a division by zero for a constant
            channel. Like the momentum, it is a number or a traced scalar. A traced scalar that is
            out of range gives NaN.

    Returns:
        A layer with parameters `BatchNormParams(gamma, beta)` and state `BatchNormState(mean,
        var)`; `x, y: (batch, ..., channels)`. In training, `forward` and `apply` return the updated
        state. The statistics are computed in float32 or better, and the state keeps its dtype. The
        cache is `x` and three values per channel, from which the backward pass recomputes $\hat x$.

    Raises:
        TypeError: if `momentum` or `epsilon` is not a number.
        ValueError: if `momentum` or `epsilon` is out of range, or, in training, a channel has only
            one value, whose variance is zero.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> layer = pn.batch_norm()
        >>> params, state = layer.init(jax.random.key(0), in_shape=(1,))
        >>> y, state = layer.apply(params, state, jnp.array([[1.0], [3.0]]), train=True)
        >>> print(y.round(3).tolist(), state.mean)
        [[-1.0], [1.0]] [0.2]
    """
    momentum = scalars.number("batch_norm", "momentum", momentum, least=0, below=1)
    epsilon = scalars.number("batch_norm", "epsilon", epsilon, least=0)
    name = "batch_norm"

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[BatchNormParams, BatchNormState]:
        channels = checks.shape_tuple(name, in_shape, axes=1)[-1:]
        # Four separate arrays: a training step may donate each array, but only once.
        params = BatchNormParams(gamma=ones(key, channels), beta=zeros(key, channels))
        return params, BatchNormState(mean=zeros(key, channels), var=ones(key, channels))

    def forward(
        params: BatchNormParams,
        state: BatchNormState,
        x: Array,
        *,
        train: bool = False,
        key: Any = None,
    ) -> tuple[Array, BatchNormState, _Saved]:
        check(params, state, x)
        if train:
            mean, correction, var = _statistics(wide(x))
            state = BatchNormState(running(state.mean, mean + correction), running(state.var, var))
        else:
            mean, correction, var = wide(state.mean), None, wide(state.var)
        saved = _Saved(x, mean, correction, inverse_deviation(var, epsilon))
        gamma, beta = (per_feature(wide(p), x) for p in params)
        y = gamma * _normalized(saved) + beta
        return y.astype(x.dtype), state, saved

    def backward(
        params: BatchNormParams, saved: _Saved, dy: Array
    ) -> tuple[BatchNormParams, Array]:
        dtype, axes, inv_std = dy.dtype, tuple(range(dy.ndim - 1)), saved.inv_std
        checks.record(name, "params", params, BatchNormParams, inv_std.shape, inv_std.shape)
        # Without the barrier XLA keeps more in memory: 264 MiB instead of 200 MiB (jax 0.12,
        # eight blocks of dense 512, batch_norm, gelu, and dropout at batch 4096).
        saved, dy = once_all_known(saved, dy)
        dy, x_hat = wide(dy), _normalized(saved)
        dgamma = jnp.sum(dy * x_hat, axes)
        dbeta = jnp.sum(dy, axes)
        dx = dx_hat = dy * per_feature(wide(params.gamma), dy)
        if saved.correction is not None:  # also through the batch's mean and variance
            through_mean = per_feature(jnp.mean(dx_hat, axes), dy)
            through_var = x_hat * per_feature(jnp.mean(dx_hat * x_hat, axes), dy)
            dx = dx_hat - through_mean - through_var
        dparams = BatchNormParams(dgamma.astype(dtype), dbeta.astype(dtype))
        return dparams, (dx * per_feature(inv_std, dx)).astype(dtype)

    def running(kept: Array, batch: Array) -> Array:
        share = in_dtype(momentum, batch.dtype)
        mixed = share * kept.astype(batch.dtype) + (1 - share) * batch
        return mixed.astype(kept.dtype)

    def check(params: Any, state: Any, x: Array) -> None:
        checks.record(name, "params", params, BatchNormParams, ("channels",), ("channels",))
        channels = params.gamma.shape
        checks.last_axis(name, x, *channels)
        checks.record(name, "state", state, BatchNormState, channels, channels)
        checks.same_dtype(name, "x", x, "params.gamma", params.gamma)
        checks.same_dtype(name, "params.beta", params.beta, "params.gamma", params.gamma)

    y, dparams = "{gamma}⊙norm({x}) + {beta}", ("Σ rows {dy}⊙x̂", "Σ rows {dy}")
    dx = "{gamma}/σ⊙({dy} - mean({dy}) - x̂⊙mean({dy}⊙x̂))"
    evaluated = Notation("N", y, "{gamma}/σ⊙{dy}", dparams)
    notation = Notation("N", y, dx, dparams, evaluated=evaluated)

    def flops(params: Any, x: Any, y: Any) -> int:
        return 4 * int(y.size)  # minus μ, divided by σ, times γ, plus β; μ and σ are constants

    return Layer(init, forward, backward, name=name, notation=notation, flops=flops)


def _statistics(x: Array) -> Moments:
    """Return the mean and the variance of each channel."""
    if math.prod(x.shape[:-1]) < 2:
        raise ValueError(
            f"batch_norm: training needs at least two values per channel, got x {x.shape}"
        )
    return moments(x, tuple(range(x.ndim - 1)))


def _normalized(saved: _Saved) -> Array:
    x = wide(saved.x)
    centered = x - per_feature(saved.mean, x)
    if saved.correction is not None:
        centered = centered - per_feature(saved.correction, x)
    return centered * per_feature(saved.inv_std, x)
