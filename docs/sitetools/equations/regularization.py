"""The equations of course/regularization.md: the L2 penalty and dropout."""

import jax
import jax.numpy as jnp
import numpy as np

import purenn as pn
from sitetools.equations.registry import equation

STRENGTH, RATE = 0.3, 0.4
PENALTY = "purenn.ops.l2_penalty:l2_penalty"
DROPOUT = "purenn.layers.dropout:dropout"


def weights_and_bias(rng):
    return rng.normal(size=(4, 3)), rng.normal(size=3), STRENGTH


def penalty_value(w, b, strength):
    return pn.l2_penalty(strength)({"w": w, "b": b})


def penalty_derivatives(w, b, strength):
    penalty = pn.l2_penalty(strength)
    _, cache = penalty.forward({"w": jnp.asarray(w), "b": jnp.asarray(b)})
    grads = penalty.backward(cache, jnp.ones(()))
    return grads["w"], grads["b"]


@equation(
    "l2_penalty",
    source=f"{PENALTY}.forward",
    line="in_dtype(strength, total.dtype) / 2 * total",
    by_purenn=penalty_value,
    inputs=weights_and_bias,
)
def l2_penalty(w, b, strength):
    return np.asarray(strength / 2 * np.sum(w**2))


@equation(
    "l2_penalty.dw",
    source=f"{PENALTY}.backward.leaf",
    line="factor * wide_w",
    by_purenn=penalty_derivatives,
    inputs=weights_and_bias,
)
def l2_penalty_dw(w, b, strength):
    return strength * w, np.zeros_like(b)  # biases are left alone


def values_and_mask(rng):
    """The mask of the key is read off a layer that is given ones."""
    x, dy = rng.normal(size=(2, 50, 7))
    layer = pn.dropout(RATE)
    ones, _ = layer.apply((), (), jnp.ones_like(x), train=True, key=jax.random.key(0))
    return x, dy, np.asarray(ones) != 0, RATE


def dropped(x, dy, mask, rate):
    return pn.dropout(rate).apply((), (), x, train=True, key=jax.random.key(0))[0]


def derivative_of_dropped(x, dy, mask, rate):
    layer = pn.dropout(rate)
    _, _, cache = layer.forward((), (), x, train=True, key=jax.random.key(0))
    return layer.backward((), cache, dy)[1]


@equation(
    "dropout.y",
    source=f"{DROPOUT}.forward",
    line="x * scale(seeds, x)",
    by_purenn=dropped,
    inputs=values_and_mask,
)
def dropout_y(x, dy, mask, rate):
    return x * mask / (1 - rate)


@equation(
    "dropout.dx",
    source=f"{DROPOUT}.backward",
    line="dy * scale(seeds, dy)",
    by_purenn=derivative_of_dropped,
    inputs=values_and_mask,
)
def dropout_dx(x, dy, mask, rate):
    return dy * mask / (1 - rate)
