"""Softplus, whose slope is taken at dy.

tiny-cuda-nn, pull request 130: the slope is the sigmoid of x, but the code took the sigmoid of the
incoming derivative.
"""

import numpy as np

K = 10.0


def forward(x):
    return np.log1p(np.exp(K * x)) / K


def backward(x, dy):
    return dy / (1 + np.exp(-K * dy))


def fixed(x, dy):
    return dy / (1 + np.exp(-K * x))


def arguments():
    return (0.2 * np.random.default_rng(0).normal(size=(3, 4)),)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
