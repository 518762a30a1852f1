"""Batch normalization in training.

Symptom: adding a number to a whole column of x changes no output, so each column of dx should sum
to 0. These columns do not, and the previous layer keeps changing its biases without any effect.
"""

import numpy as np


def forward(x, gamma, beta):
    x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)
    return gamma * x_hat + beta


def backward(x, gamma, beta, dy):
    std = np.sqrt(x.var(axis=0) + 1e-5)
    x_hat = (x - x.mean(axis=0)) / std
    dx_hat = dy * gamma
    dx = (dx_hat - x_hat * (dx_hat * x_hat).mean(axis=0)) / std
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(8, 3)), rng.normal(size=3), rng.normal(size=3)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
