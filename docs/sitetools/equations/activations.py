"""The equations of course/activations.md."""

from functools import partial
from math import erfc

import numpy as np

import purenn as pn
from sitetools.equations.registry import equation

FILE = "purenn.ops.activations"


def values(rng):
    """Both sides of 0, and 0 itself."""
    return (np.concatenate([rng.normal(size=20, scale=3), [0.0]]),)


def with_cotangent(rng):
    """The same, and a random derivative from above."""
    (x,) = values(rng)
    return x, rng.normal(size=x.shape)


def by_hand(op, **options):
    """`dx` of an op by its own forward and backward."""

    def dx(x, dy):
        _, cache = op.forward(x, **options)
        return op.backward(cache, dy)

    return dx


def slope(op):
    """`dx` where `dy` is 1."""

    def dx(x):
        return by_hand(op)(x, np.ones_like(x))

    return dx


# ReLU and leaky ReLU.


@equation(
    "relu",
    source=f"{FILE}:_relu",
    line="jnp.where(x <= 0, 0, x)",
    by_purenn=pn.relu,
    inputs=values,
)
def relu(x):
    return np.maximum(0, x)


@equation(
    "relu.dx",
    source=f"{FILE}:_relu_backward",
    line="jnp.where(y > 0, dy, y)",
    by_purenn=by_hand(pn.relu),
    inputs=with_cotangent,
)
def relu_dx(x, dy):
    return dy * (x > 0)


@equation(
    "leaky_relu",
    source=f"{FILE}:_leaky_relu",
    line="jnp.where(x <= 0, slope * x, x)",
    by_purenn=partial(pn.leaky_relu, negative_slope=0.3),
    inputs=values,
)
def leaky_relu(x, s=0.3):
    return np.where(x > 0, x, s * x)


@equation(
    "leaky_relu.dx",
    source=f"{FILE}:_leaky_relu_backward",
    line="jnp.where(x > 0, dy,",
    by_purenn=by_hand(pn.leaky_relu, negative_slope=0.3),
    inputs=with_cotangent,
)
def leaky_relu_dx(x, dy, s=0.3):
    return dy * np.where(x > 0, 1, s)


# Sigmoid and tanh.


@equation(
    "sigmoid",
    source=f"{FILE}:_sigmoid",
    line="jax.nn.sigmoid(x)",
    by_purenn=pn.sigmoid,
    inputs=values,
    parsed="x",
)
def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@equation(
    "sigmoid.slope",
    source=f"{FILE}:_sigmoid_backward",
    line="dy * (y * (1 - y))",
    by_purenn=slope(pn.sigmoid),
    inputs=values,
    parsed="x",
)
def sigmoid_slope(x):
    return np.exp(-x) / (1 + np.exp(-x)) ** 2


@equation(
    "sigmoid.dx",
    source=f"{FILE}:_sigmoid_backward",
    line="dy * (y * (1 - y))",
    by_purenn=by_hand(pn.sigmoid),
    inputs=with_cotangent,
)
def sigmoid_dx(x, dy):
    y = 1 / (1 + np.exp(-x))
    return dy * y * (1 - y)


@equation(
    "tanh",
    source=f"{FILE}:_tanh",
    line="jnp.tanh(x)",
    by_purenn=pn.tanh,
    inputs=values,
    parsed="x",
)
def tanh(x):
    return (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))


@equation(
    "tanh.slope",
    source=f"{FILE}:_tanh_backward",
    line="dy * (1 - y * y)",
    by_purenn=slope(pn.tanh),
    inputs=values,
    parsed="x",
)
def tanh_slope(x):
    return 4 / (np.exp(x) + np.exp(-x)) ** 2


@equation(
    "tanh.dx",
    source=f"{FILE}:_tanh_backward",
    line="dy * (1 - y * y)",
    by_purenn=by_hand(pn.tanh),
    inputs=with_cotangent,
)
def tanh_dx(x, dy):
    y = np.tanh(x)
    return dy * (1 - y**2)


# Softplus, SiLU, and GELU.


@equation(
    "softplus",
    source=f"{FILE}:_softplus",
    line="jax.nn.softplus(x)",
    by_purenn=pn.softplus,
    inputs=values,
    parsed="x",
)
def softplus(x):
    return np.log(1 + np.exp(x))


@equation(
    "softplus.slope",
    source=f"{FILE}:_softplus_backward",
    line="dy * jax.nn.sigmoid(x)",
    by_purenn=slope(pn.softplus),
    inputs=values,
    parsed="x",
)
def softplus_slope(x):
    return np.exp(x) / (1 + np.exp(x))


@equation(
    "softplus.dx",
    source=f"{FILE}:_softplus_backward",
    line="dy * jax.nn.sigmoid(x)",
    by_purenn=by_hand(pn.softplus),
    inputs=with_cotangent,
)
def softplus_dx(x, dy):
    return dy / (1 + np.exp(-x))


@equation(
    "silu",
    source=f"{FILE}:_silu",
    line="* jax.nn.sigmoid(z)",
    by_purenn=pn.silu,
    inputs=values,
    parsed="x",
)
def silu(x):
    return x / (1 + np.exp(-x))


@equation(
    "silu.slope",
    source=f"{FILE}:_silu_backward",
    line="s * (1 + x * (1 - s))",
    by_purenn=slope(pn.silu),
    inputs=values,
    parsed="x",
)
def silu_slope(x):
    return (1 + np.exp(-x) + x * np.exp(-x)) / (1 + np.exp(-x)) ** 2


@equation(
    "silu.dx",
    source=f"{FILE}:_silu_backward",
    line="s * (1 + x * (1 - s))",
    by_purenn=by_hand(pn.silu),
    inputs=with_cotangent,
)
def silu_dx(x, dy):
    g = 1 / (1 + np.exp(-x))
    return dy * g * (1 + x * (1 - g))


def normal_below(x):
    """Φ, the part of a normal distribution that lies below x."""
    return np.array([erfc(-v / np.sqrt(2)) / 2 for v in x])


@equation(
    "gelu.exact",
    source=f"{FILE}:_gelu",
    line="0.5 * lax.erfc(-z / math.sqrt(2))",
    by_purenn=partial(pn.gelu, approximate=False),
    inputs=values,
)
def gelu_exact(x):
    return x * normal_below(x)


@equation(
    "gelu.exact.dx",
    source=f"{FILE}:_gelu_backward",
    line="jnp.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)",
    by_purenn=by_hand(pn.gelu, approximate=False),
    inputs=with_cotangent,
)
def gelu_exact_dx(x, dy):
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    return dy * (normal_below(x) + x * density)


@equation(
    "gelu",
    source=f"{FILE}:_gelu",
    line="* gate).astype(x.dtype)",
    by_purenn=pn.gelu,
    inputs=values,
    parsed="x",
)
def gelu(x):
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


@equation(
    "gelu.dx",
    source=f"{FILE}:_gelu_backward",
    line="gate * (1 - gate) * slope",
    by_purenn=by_hand(pn.gelu),
    inputs=with_cotangent,
)
def gelu_dx(x, dy):
    u = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
    du = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x**2)
    g = (1 + np.tanh(u)) / 2
    return dy * (g + x * g * (1 - g) * 2 * du)
