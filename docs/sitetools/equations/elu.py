"""The equations of course/activations.md on ELU and SELU."""

from functools import partial

import numpy as np

import purenn as pn
from sitetools.equations.activations import by_hand, values, with_cotangent
from sitetools.equations.registry import equation

ELU = "purenn.ops.elu"
LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543772


@equation(
    "elu",
    source=f"{ELU}:_exponential_linear",
    line="alpha * jnp.expm1(below)",
    by_purenn=partial(pn.elu, alpha=0.7),
    inputs=values,
)
def elu(x, alpha=0.7):
    return np.where(x > 0, x, alpha * (np.exp(x) - 1))


@equation(
    "elu.dx",
    source=f"{ELU}:_elu_backward",
    line="jnp.where(y > 0, 1, y + saved.alpha)",
    by_purenn=by_hand(pn.elu, alpha=0.7),
    inputs=with_cotangent,
)
def elu_dx(x, dy, alpha=0.7):
    y = elu(x, alpha)
    return dy * np.where(x > 0, 1, y + alpha)


@equation(
    "selu",
    source=f"{ELU}:_selu",
    line="_exponential_linear(wide(x), SELU_SCALE, SELU_SCALE * SELU_ALPHA)",
    by_purenn=pn.selu,
    inputs=values,
)
def selu(x):
    return LAMBDA * np.where(x > 0, x, ALPHA * (np.exp(x) - 1))


@equation(
    "selu.dx",
    source=f"{ELU}:_selu_backward",
    line="jnp.where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA)",
    by_purenn=by_hand(pn.selu),
    inputs=with_cotangent,
)
def selu_dx(x, dy):
    y = selu(x)
    return dy * np.where(x > 0, LAMBDA, y + LAMBDA * ALPHA)
