"""The equations of course/initialization.md: the standard deviations of the initializers."""

import jax
import numpy as np

import purenn as pn
from sitetools.equations.registry import equation

FILE = "purenn.initializers"
KERNEL = (3, 2, 20, 30)  # a convolution's: each weight has 3·2·20 inputs and 3·2·30 outputs


def fans(rng):
    return 3 * 2 * 20, 3 * 2 * 30


def deviation(initializer):
    """What the initializer multiplies the key's own standard normal numbers by, all the same."""

    def measured(n_in, n_out):
        key = jax.random.key(0)
        ratios = initializer(key, KERNEL, np.float64) / jax.random.normal(key, KERNEL, np.float64)
        return np.array([np.min(ratios), np.max(ratios)])

    return measured


def limit(initializer):
    """The bounds of a uniform initializer, from the place of its numbers in the key's own."""

    def measured(n_in, n_out):
        key = jax.random.key(0)
        drawn = initializer(key, KERNEL, np.float64)
        place = 2 * jax.random.uniform(key, KERNEL, np.float64) - 1  # in -1 to 1
        # Far from 0 alone: near it the quotient has no digits.
        ratios = (drawn / place)[np.abs(place) > 0.5]
        return np.array([np.min(ratios), np.max(ratios)])

    return measured


@equation(
    "he_normal",
    source=f"{FILE}:he_normal",
    line="2 / max(n_in, 1)",
    by_purenn=deviation(pn.initializers.he_normal),
    inputs=fans,
)
def he_normal(n_in, n_out):
    sigma = np.sqrt(2 / n_in)
    return np.array([sigma, sigma])


@equation(
    "lecun_normal",
    source=f"{FILE}:lecun_normal",
    line="1 / max(n_in, 1)",
    by_purenn=deviation(pn.initializers.lecun_normal),
    inputs=fans,
)
def lecun_normal(n_in, n_out):
    sigma = np.sqrt(1 / n_in)
    return np.array([sigma, sigma])


@equation(
    "glorot_normal",
    source=f"{FILE}:glorot_normal",
    line="2 / max(n_in + n_out, 1)",
    by_purenn=deviation(pn.initializers.glorot_normal),
    inputs=fans,
)
def glorot_normal(n_in, n_out):
    sigma = np.sqrt(2 / (n_in + n_out))
    return np.array([sigma, sigma])


@equation(
    "he_uniform",
    source=f"{FILE}:he_uniform",
    line="2 / max(n_in, 1)",
    by_purenn=limit(pn.initializers.he_uniform),
    inputs=fans,
)
def he_uniform(n_in, n_out):
    bound = np.sqrt(6 / n_in)
    return np.array([bound, bound])


@equation(
    "glorot_uniform",
    source=f"{FILE}:glorot_uniform",
    line="2 / max(n_in + n_out, 1)",
    by_purenn=limit(pn.initializers.glorot_uniform),
    inputs=fans,
)
def glorot_uniform(n_in, n_out):
    bound = np.sqrt(6 / (n_in + n_out))
    return np.array([bound, bound])
