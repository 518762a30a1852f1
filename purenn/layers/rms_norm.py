"""`rms_norm`: each example divided by the root of its mean square."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from purenn.core import checks, scalars
from purenn.core.barrier import once_all_known
from purenn.core.layer import Layer
from purenn.core.notation import Notation
from purenn.core.precision import inverse_deviation, per_feature, wide
from purenn.core.types import Scalar
from purenn.core.weights import weights
from purenn.initializers import ones


@weights()
class RmsNormParams(NamedTuple):
    r"""The scale of `rms_norm`.

    Attributes:
        gamma: the scale $\gamma$, `(features,)`; initially 1.
    """

    gamma: Array  # (features,)


class _Saved(NamedTuple):
    x: Array  # (..., features)
    r: Array  # (..., 1)


def rms_norm(*, epsilon: Scalar = 1e-6) -> Layer:
    r"""Divide each row by the root mean square of its features, then scale it.

    For each row of $x$, with $n$ features ([Zhang and Sennrich, 2019][zhang2019]),

    $$r = \frac{1}{\sqrt{\tfrac1n \sum_j x_j^2 + \epsilon}}, \qquad
      \hat x = r\, x, \qquad y = \gamma \hat x$$

    All rows share $\gamma$, so its derivative is a sum over the rows $i$. The $r$ of a row depends
    on each of its $x_j$: $\partial r / \partial x_j = -r^3 x_j / n$. With $v = \gamma\, dy$, the
    derivative with respect to $\hat x$,

    $$d\gamma = \sum_i dy_i\, \hat x_i, \qquad
      dx = r\, v - x\, r^3\, \tfrac1n \sum_j v_j x_j
         = r \left(v - \hat x\, \tfrac1n \sum_j v_j \hat x_j\right)$$

    This is `layer_norm` without the mean and the shift. It behaves the same in training and in
    evaluation. Epsilon is under the root, as in Llama and in PyTorch's `RMSNorm`, whose default is
    the machine epsilon of the dtype. If the mean square overflows, the row is NaN; in float32,
    values of about 1e19 are enough. With a single feature, `y` is little more than the sign of `x`,
    so the derivative is almost 0.

    Args:
        epsilon: added to the mean square, under the root, to avoid a division by zero for a row of
            zeros: a number or a traced scalar. A traced scalar below 0 gives NaN.

    Returns:
        A layer with parameters `RmsNormParams(gamma)` and no state; `x, y: (..., features)`. The
        mean square is computed in float32 or better. The cache is `x` and one value per row.

    Raises:
        TypeError: if `epsilon` is not a number.
        ValueError: if `epsilon` is below 0.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> layer = pn.rms_norm()
        >>> params, state = layer.init(jax.random.key(0), in_shape=(2,))
        >>> y, state = layer.apply(params, state, jnp.array([[3.0, 4.0]]))
        >>> [f"{value:.3f}" for value in y[0]]
        ['0.849', '1.131']
    """
    epsilon = scalars.number("rms_norm", "epsilon", epsilon, least=0)
    name = "rms_norm"

    def init(key: Any, in_shape: tuple[int, ...]) -> tuple[RmsNormParams, tuple[()]]:
        features = checks.shape_tuple(name, in_shape, axes=1)[-1:]
        return RmsNormParams(gamma=ones(key, features)), ()

    def forward(
        params: RmsNormParams, state: Any, x: Array, *, train: bool = False, key: Any = None
    ) -> tuple[Array, Any, _Saved]:
        check(params, x)
        mean_square = jnp.mean(wide(x) ** 2, axis=-1, keepdims=True)
        saved = _Saved(x, inverse_deviation(mean_square, epsilon))
        y = per_feature(wide(params.gamma), x) * normalized(saved)
        return y.astype(x.dtype), state, saved

    def backward(params: RmsNormParams, saved: _Saved, dy: Array) -> tuple[RmsNormParams, Array]:
        check(params, saved.x)
        dtype = dy.dtype
        saved, dy = once_all_known(saved, dy)
        dy, x_hat = wide(dy), normalized(saved)
        dgamma = jnp.sum(dy * x_hat, axis=range(dy.ndim - 1))
        v = dy * per_feature(wide(params.gamma), dy)
        dx = saved.r * (v - x_hat * jnp.mean(v * x_hat, axis=-1, keepdims=True))
        return RmsNormParams(dgamma.astype(dtype)), dx.astype(dtype)

    def normalized(saved: _Saved) -> Array:
        return wide(saved.x) * saved.r

    def check(params: Any, x: Array) -> None:
        checks.record(name, "params", params, RmsNormParams, ("features",))
        checks.last_axis(name, x, *params.gamma.shape)
        checks.same_dtype(name, "x", x, "params.gamma", params.gamma)

    dx = "(g - x̂⊙rowmean(g⊙x̂))/rms({x}), g = {gamma}⊙{dy}"
    notation = Notation("N", "{gamma}⊙x̂, x̂ = {x}/rms({x})", dx, ("Σ rows {dy}⊙x̂",))

    def flops(params: Any, x: Any, y: Any) -> int:
        return 4 * int(y.size)  # the square and the sum, the division, the scale

    return Layer(
        init, forward, backward, name=name, notation=notation, flops=flops, padded="ignores"
    )
