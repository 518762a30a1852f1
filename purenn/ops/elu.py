"""Exponential linear units: `elu` and `selu`."""

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core import scalars
from purenn.core.precision import wide
from purenn.ops.elementwise import elementwise

# Chosen so that mean 0 and variance 1 are a fixed point of a layer (Klambauer et al. 2017).
SELU_SCALE = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Elu:
    y: Array
    alpha: float = field(metadata={"static": True})


def _elu(x: Array, *, alpha: float = 1.0) -> tuple[Array, _Elu]:
    r"""Apply the exponential linear unit.

    $$y = \begin{cases} x & x > 0 \\ \alpha (e^x - 1) & x \le 0 \end{cases}, \qquad
      dx = \begin{cases} dy & x > 0 \\ dy\, (y + \alpha) & x \le 0 \end{cases}$$

    Outputs can be as low as $-\alpha$, so their mean is nearer to 0 than with ReLU ([Clevert et
    al., 2016][clevert2016]). The derivative at 0 is $\alpha$. Near 0, `expm1` keeps the digits that
    $e^x - 1$ would lose. The cache is `y`.

    Args:
        x: an array of any shape.
        alpha: $\alpha$, at least 0, a static number. With the default, 1, the derivative is
            continuous.

    Returns:
        An array of the same shape and dtype as `x`.

    Raises:
        TypeError: if `x` is not a floating-point array, or `alpha` is not a number.
        ValueError: if `alpha` is below 0.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> y, cache = pn.elu.forward(jnp.array([-100.0, 0.0, 3.0]))
        >>> print(y, pn.elu.backward(cache, jnp.ones(3)))
        [-1.  0.  3.] [0. 1. 1.]
    """
    alpha = scalars.number("elu", "alpha", alpha, least=0, static=True)
    y = _exponential_linear(wide(x), 1.0, alpha).astype(x.dtype)
    return y, _Elu(y, alpha)


def _elu_backward(saved: _Elu, dy: Array) -> Array:
    y = wide(saved.y)
    return (wide(dy) * jnp.where(y > 0, 1, y + saved.alpha)).astype(dy.dtype)


def _selu(x: Array) -> tuple[Array, Array]:
    r"""Apply the scaled exponential linear unit: $y = \lambda\, \mathrm{elu}(x)$.

    $$y = \begin{cases} \lambda x & x > 0 \\ \lambda \alpha (e^x - 1) & x \le 0 \end{cases},
      \qquad
      dx = \begin{cases} \lambda\, dy & x > 0 \\ dy\, (y + \lambda \alpha) & x \le 0
      \end{cases}$$

    With $\lambda = 1.0507$ and $\alpha = 1.6733$, deep networks of dense layers preserve the mean 0
    and the variance 1 of their inputs ([Klambauer et al., 2017][klambauer2017]), provided that
    `initializers.lecun_normal` draws the weights. The derivative at 0 is $\lambda \alpha$. Inputs
    near the largest float32 overflow. The cache is `y`.

    Args:
        x: an array of any shape.

    Returns:
        An array of the same shape and dtype as `x`.

    Raises:
        TypeError: if `x` is not a floating-point array.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> [f"{y:.4f}" for y in pn.selu(jnp.array([-100.0, 0.0, 1.0]))]
        ['-1.7581', '0.0000', '1.0507']
    """
    y = _exponential_linear(wide(x), SELU_SCALE, SELU_SCALE * SELU_ALPHA).astype(x.dtype)
    return y, y


def _selu_backward(y: Array, dy: Array) -> Array:
    y = wide(y)
    return (wide(dy) * jnp.where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA)).astype(dy.dtype)


def _exponential_linear(x: Array, slope: float, alpha: float) -> Array:
    """Return `slope * x` where x > 0, else `alpha * (e^x - 1)`."""
    below = jnp.where(x > 0, 0, x)  # the exponential must not overflow where it is not used
    return jnp.where(x > 0, slope * x, alpha * jnp.expm1(below))


elu = elementwise(_elu, _elu_backward, "elu", "{dy}⊙(1 where {x}>0, else {y}+{alpha})")
selu = elementwise(_selu, _selu_backward, "selu", "{dy}⊙(1.0507 where {x}>0, else {y}+1.7581)")
