"""Layer normalization: the mean of dy times gamma is subtracted twice.

tt-metal, issue 53204: a register still held the mean when the next product was added to it.
"""

import numpy as np


def normalized(x):
    x = x - np.mean(x, axis=-1, keepdims=True)
    std = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-5)
    return x / std, std


def forward(x, gamma, beta):
    return gamma * normalized(x)[0] + beta


def derivative(x, gamma, dy, times):
    x_hat, std = normalized(x)
    first = np.mean(dy * gamma, axis=-1, keepdims=True)
    second = np.mean(dy * gamma * x_hat, axis=-1, keepdims=True)
    return (dy * gamma - times * first - x_hat * second) / std


def backward(x, gamma, beta, dy):
    return derivative(x, gamma, dy, times=2)


def fixed(x, gamma, beta, dy):
    return derivative(x, gamma, dy, times=1)


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=4)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
