"""Solution to the exercise `optimizers`: a step of momentum and one of Adam."""

import numpy as np

EXERCISE = "optimizers"
SEED = 0


def momentum_step(w, m, g, rate, beta):
    """Return the new w, m."""
    m = beta * m + (1 - beta) * g
    return w - rate * m, m


def adam_step(w, m, v, g, t, rate, beta1, beta2, epsilon):
    """Return the new w, m, v."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return w - rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v
