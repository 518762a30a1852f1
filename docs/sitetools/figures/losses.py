"""Figures of course/losses.md."""

from functools import partial

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import purenn as pn
from sitetools.svg import BLUE, GREEN, ORANGE


def price_of_a_probability() -> Figure:
    """What one example costs, by the probability that its right answer got."""
    p = np.geomspace(1e-3, 1, 120, dtype=np.float32)
    right = np.ones(1, np.float32)

    def price(loss):
        return jax.jit(jax.vmap(lambda p: loss(p[None], right)))(p)

    figure, axes = plt.subplots()
    axes.plot(p, price(pn.binary_cross_entropy), color=BLUE, label="cross-entropy, −ln p")
    axes.plot(p, price(pn.mse), "--", color=ORANGE, label="squared error, (1 − p)²")
    axes.set_xlabel("probability given to what turned out to be true")
    axes.set_ylabel("loss")
    axes.legend()
    return figure


def derivative_by_logit() -> Figure:
    """`dz` of one output whose target is 1, by three roads from the logit to a loss."""
    z = np.linspace(-30, 10, 161, dtype=np.float32)[:, None]
    target, one, n = np.ones_like(z), jnp.ones(()), z.size

    @jax.jit
    def of_the_logit():
        _, cache = pn.sigmoid_binary_cross_entropy.forward(z, target)
        return n * pn.sigmoid_binary_cross_entropy.backward(cache, one)

    @partial(jax.jit, static_argnums=0)
    def through_sigmoid(loss):
        p, sigmoid_cache = pn.sigmoid.forward(z)
        _, cache = loss.forward(p, target)
        return n * pn.sigmoid.backward(sigmoid_cache, loss.backward(cache, one))

    roads = {
        "cross-entropy of the logit": of_the_logit(),
        "sigmoid, then cross-entropy of p": through_sigmoid(pn.binary_cross_entropy),
        "sigmoid, then squared error": through_sigmoid(pn.mse),
    }
    figure, axes = plt.subplots(figsize=(5.6, 3.8))
    looks = zip((BLUE, ORANGE, GREEN), (4.5, 1.8, 1.8), ("-", "-", "--"), strict=True)
    for (name, dz), (colour, width, style) in zip(roads.items(), looks, strict=True):
        axes.plot(z, dz, style, color=colour, label=name, linewidth=width)
    axes.set_xlabel("logit z; the target is 1")
    axes.set_ylabel("derivative with respect to z")
    figure.legend(loc="outside upper left")
    return figure
