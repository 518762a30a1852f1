"""Solution to the exercise `own_function`: a layer with its own activation."""

import numpy as np

EXERCISE = "own_function"
SEED = 0
FUNCTION = "a = 2 z e^(-2 z^2) - 0.5 sqrt(1 + 0.5 z^2)"


def forward(x, w, b):
    """Return a."""
    z = x @ w + b
    return 2 * z * np.exp(-2 * z**2) - 0.5 * np.sqrt(1 + 0.5 * z**2)


def backward(x, w, b, da):
    """Return dx, dw, db."""
    z = x @ w + b
    first = (1 - 2 * 2 * z**2) * np.exp(-2 * z**2)
    second = 0.5 * z / np.sqrt(1 + 0.5 * z**2)
    dz = da * (2 * first - 0.5 * second)
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)
