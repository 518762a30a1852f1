r"""Elementwise activations: rectifiers, the sigmoid and its relatives, and gates.

Each is an op. A call is plain JAX code, `forward` also returns the cache, and `backward(cache, dy)`
returns $dx = dy \odot f'(x)$. Where possible, the derivative is computed from the output, since the
next layer keeps the output anyway.
"""

import math
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jax import Array, lax

from purenn.core import checks, scalars
from purenn.core.barrier import once_all_known
from purenn.core.precision import wide
from purenn.ops.elementwise import elementwise

FAR = 1e3  # where the gates of gelu and silu are 0 or 1 in any dtype, as -inf * 0 would be NaN

# ReLU is `where(x <= 0, 0, x)`. The derivative of `maximum(x, 0)` at 0 would be 1/2 by autodiff,
# and `where(x > 0, x, 0)` would turn a NaN into a 0.


def _relu(x: Array) -> tuple[Array, Array]:
    r"""Apply the rectified linear unit: $y = \max(0, x)$; $dx = dy$ where $x > 0$, else $0$.

    The derivative at 0 is 0. A unit that is on passes its gradient back unchanged, so ReLU
    mitigates vanishing gradients but does not prevent them. A unit that is off for every example
    receives no gradient. The cache is `y`.

    Args:
        x: an array of any shape.

    Returns:
        An array of the same shape and dtype as `x`.

    Raises:
        TypeError: if `x` is not a floating-point array.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> y, cache = pn.relu.forward(jnp.array([-2.0, 0.0, 3.0]))
        >>> print(y, pn.relu.backward(cache, jnp.ones(3)))
        [0. 0. 3.] [0. 0. 1.]
    """
    y = jnp.where(x <= 0, 0, x)
    return y, y


def _relu_backward(y: Array, dy: Array) -> Array:
    return jnp.where(y > 0, dy, y)  # where y is 0, or NaN


relu = elementwise(_relu, _relu_backward, "relu", "{dy}⊙({x}>0)")


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _LeakyRelu:
    x: Array
    negative_slope: float = field(metadata={"static": True})


def _leaky_relu(x: Array, *, negative_slope: float = 0.01) -> tuple[Array, _LeakyRelu]:
    r"""Apply leaky ReLU: $y = x$ where $x > 0$, else $s\,x$; $dx = dy$ where $x > 0$, else $s\,dy$.

    The derivative at 0 is $s$. The cache is `x`, since the output does not determine the sign of
    `x` if $s$ is negative.

    Args:
        x: an array of any shape.
        negative_slope: the slope $s$ below 0, a static number; 0.01 by default.

    Returns:
        An array of the same shape and dtype as `x`.

    Raises:
        TypeError: if `x` is not a floating-point array, or the slope is not a number.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> print(pn.leaky_relu(jnp.array([-2.0, 3.0]), negative_slope=0.1))
        [-0.2  3. ]
    """
    slope = scalars.number("leaky_relu", "negative_slope", negative_slope, static=True)
    return jnp.where(x <= 0, slope * x, x), _LeakyRelu(x, slope)


def _leaky_relu_backward(saved: _LeakyRelu, dy: Array) -> Array:
    x, off = saved.x, saved.negative_slope * dy
    return jnp.where(x > 0, dy, jnp.where(jnp.isnan(x), x, off))


leaky_relu = elementwise(
    _leaky_relu, _leaky_relu_backward, "leaky_relu", "{dy}⊙(1 where {x}>0, else {negative_slope})"
)


def _sigmoid(x: Array) -> tuple[Array, Array]:
    r"""Apply the logistic sigmoid: $y = 1 / (1 + e^{-x})$, $dx = dy\, y (1 - y)$.

    The computation does not overflow. The derivative is at most 1/4; where $y$ rounds to 0 or to 1,
    it is 0. The cache is `y`.

    Args:
        x: an array of any shape.

    Returns:
        An array of the same shape and dtype as `x`.

    Raises:
        TypeError: if `x` is not a floating-point array.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> y, cache = pn.sigmoid.forward(jnp.array([-jnp.inf, 0.0, jnp.inf]))
        >>> print(y, pn.sigmoid.backward(cache, jnp.ones(3)))
        [0.  0.5 1. ] [0.   0.25 0.  ]
    """
    y = jax.nn.sigmoid(x)
    return y, y


def _sigmoid_backward(y: Array, dy: Array) -> Array:
    return dy * (y * (1 - y))


sigmoid = elementwise(_sigmoid, _sigmoid_backward, "sigmoid", "{dy}⊙{y}⊙(1-{y})")


def _tanh(x: Array) -> tuple[Array, Array]:
    r"""Apply the hyperbolic tangent: $y = \tanh x$, $dx = dy (1 - y^2)$.

    The result is ±1 for large $x$, where the literal form $(e^x - e^{-x}) / (e^x + e^{-x})$ is NaN:
    in float32 from ±89 on. The cache is `y`.

    Args:
        x: an array of any shape.

    Returns:
        An array of the same shape and dtype as `x`.

    Raises:
        TypeError: if `x` is not a floating-point array.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> print(pn.tanh(jnp.array([-100.0, 0.0, 100.0])))
        [-1.  0.  1.]
    """
    y = jnp.tanh(x)
    return y, y


def _tanh_backward(y: Array, dy: Array) -> Array:
    return dy * (1 - y * y)


tanh = elementwise(_tanh, _tanh_backward, "tanh", "{dy}⊙(1-{y}²)")


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Gelu:
    x: Array
    approximate: bool = field(metadata={"static": True})


def _gelu_gate(x: Array) -> tuple[Array, Array]:
    """Return the gate of the tanh approximation, sigmoid(2u), and the derivative of 2u."""
    c = math.sqrt(8 / math.pi)
    x = jnp.clip(x, -20, 20)  # the gate is 0 or 1 well before; x³ must not overflow
    return jax.nn.sigmoid(c * (x + 0.044715 * x**3)), c * (1 + 3 * 0.044715 * x * x)


def _gelu(x: Array, *, approximate: bool = True) -> tuple[Array, _Gelu]:
    r"""Apply the Gaussian error linear unit: $y = x\,\Phi(x)$.

    $$dx = dy\,(\Phi(x) + x\,\varphi(x))$$

    where $\Phi$ is the standard normal distribution function and $\varphi$ its density ([Hendrycks
    and Gimpel, 2016][hendrycks2016]). The default, as in GPT-2, approximates $\Phi$ by $g =
    \tfrac12(1 + \tanh u) = \mathrm{sigmoid}(2u)$ with $u = \sqrt{2/\pi}\,(x + 0.044715\,x^3)$:

    $$dx = dy\,(g + x\, g (1 - g)\, 2u'), \qquad
      2u' = \sqrt{8/\pi}\,(1 + 3 \cdot 0.044715\, x^2)$$

    The cache is `x`.

    Args:
        x: an array of any shape.
        approximate: whether to approximate $\Phi$ with $\tanh$, as JAX does by default; static.

    Returns:
        An array of the same shape and dtype as `x`.

    Raises:
        TypeError: if `x` is not a floating-point array, or `approximate` is not a bool.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> x = jnp.array([-1.0, 0.0, 1.0])
        >>> [f"{y:.3f}" for y in pn.gelu(x)]
        ['-0.159', '0.000', '0.841']
    """
    checks.flag("gelu", "approximate", approximate)
    z = wide(x)
    if approximate:
        gate, _ = _gelu_gate(z)
    else:
        gate = 0.5 * lax.erfc(-z / math.sqrt(2))
    return (jnp.maximum(z, -FAR) * gate).astype(x.dtype), _Gelu(x, approximate)


def _gelu_backward(saved: _Gelu, dy: Array) -> Array:
    # Without the barrier XLA keeps the forward pass's gate: 152 MiB, not 104 MiB, in a program of
    # six dense layers with gelu between them, 248 with the exact gelu (batch 4096, 512 units).
    x, dy = once_all_known(saved.x, dy)
    x = jnp.clip(wide(x), -FAR, FAR)
    if saved.approximate:
        gate, slope = _gelu_gate(x)
        dgate = gate * (1 - gate) * slope
    else:
        gate = 0.5 * lax.erfc(-x / math.sqrt(2))
        dgate = jnp.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return (wide(dy) * (gate + x * dgate)).astype(dy.dtype)


gelu = elementwise(_gelu, _gelu_backward, "gelu", "{dy}⊙(Φ({x}) + {x}⊙Φ′({x}))")


def _silu(x: Array) -> tuple[Array, Array]:
    r"""Apply the sigmoid linear unit, or swish: $y = x\,s$ with $s = \mathrm{sigmoid}(x)$.

    The derivative is $dx = dy\, s\,(1 + x (1 - s))$. The cache is `x`.

    Args:
        x: an array of any shape.

    Returns:
        An array of the same shape and dtype as `x`.

    Raises:
        TypeError: if `x` is not a floating-point array.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> [f"{y:.3f}" for y in pn.silu(jnp.array([-1.0, 0.0, 1.0]))]
        ['-0.269', '0.000', '0.731']
    """
    z = wide(x)
    return (jnp.maximum(z, -FAR) * jax.nn.sigmoid(z)).astype(x.dtype), x


def _silu_backward(x: Array, dy: Array) -> Array:
    x, dy = once_all_known(x, dy)  # as in gelu
    x = jnp.clip(wide(x), -FAR, FAR)
    s = jax.nn.sigmoid(x)
    return (wide(dy) * (s * (1 + x * (1 - s)))).astype(dy.dtype)


silu = elementwise(_silu, _silu_backward, "silu", "{dy}⊙s⊙(1 + {x}⊙(1-s)), s = sigmoid({x})")


def _softplus(x: Array) -> tuple[Array, Array]:
    r"""Apply softplus: $y = \ln(1 + e^x)$, a smooth ReLU; $dx = dy\,\mathrm{sigmoid}(x)$.

    The computation does not overflow. The cache is `x`.

    Args:
        x: an array of any shape.

    Returns:
        An array of the same shape and dtype as `x`.

    Raises:
        TypeError: if `x` is not a floating-point array.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> [f"{y:.3f}" for y in pn.softplus(jnp.array([-100.0, 0.0, 100.0]))]
        ['0.000', '0.693', '100.000']
    """
    return jax.nn.softplus(x), x


def _softplus_backward(x: Array, dy: Array) -> Array:
    return dy * jax.nn.sigmoid(x)


softplus = elementwise(_softplus, _softplus_backward, "softplus", "{dy}⊙sigmoid({x})")
