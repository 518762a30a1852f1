"""Softplus, whose slope is taken at dy.

tiny-cuda-nn, pull request 130: the slope is a sigmoid of x, and the sigmoid was that of what comes
in from above.
"""

import numpy as np

K = 10.0


def forward(x):
    return np.log1p(np.exp(K * x)) / K


def backward(x, dy):
    return dy / (1 + np.exp(-K * dy))


def mended(x, dy):
    return dy / (1 + np.exp(-K * x))


def arguments():
    return (0.2 * np.random.default_rng(0).normal(size=(3, 4)),)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
