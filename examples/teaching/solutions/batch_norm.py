"""Solution to the exercise `batch_norm`, including the paths through the mean and the variance."""

import numpy as np

EPSILON = 1e-5

EXERCISE = "batch_norm"
SEED = 0


def forward(x, gamma, beta):
    """Return y in training; nothing to do here."""
    x_hat = (x - x.mean(0)) / np.sqrt(x.var(0) + EPSILON)
    return gamma * x_hat + beta


def backward(x, gamma, beta, dy):
    """Return dx, dgamma, dbeta in training."""
    std = np.sqrt(x.var(0) + EPSILON)
    x_hat = (x - x.mean(0)) / std
    dx_hat = dy * gamma
    through_mean = dx_hat.mean(0)
    through_var = x_hat * (dx_hat * x_hat).mean(0)
    dx = (dx_hat - through_mean - through_var) / std
    return dx, (dy * x_hat).sum(0), dy.sum(0)


def evaluation_backward(x, gamma, beta, mean, var, dy):
    """Return dx, dgamma, dbeta in evaluation: mean and var are constants."""
    std = np.sqrt(var + EPSILON)
    x_hat = (x - mean) / std
    return dy * gamma / std, (dy * x_hat).sum(0), dy.sum(0)
