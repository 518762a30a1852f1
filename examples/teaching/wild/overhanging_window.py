"""Means of windows of two; the last window hangs over the end and holds one number.

burn, issue 5604, and PyTorch, issue 198119: forward divided by the count of numbers in a window,
and backward by the size of a full one.
"""

import numpy as np


def forward(x):
    return np.stack([np.mean(x[:, i : i + 2], axis=1) for i in range(0, 5, 2)], axis=1)


def backward(x, dy):
    return np.repeat(dy, 2, axis=1)[:, :5] / 2


def fixed(x, dy):
    return np.repeat(dy, 2, axis=1)[:, :5] / np.array([2, 2, 2, 2, 1])


def arguments():
    return (np.random.default_rng(0).normal(size=(3, 5)),)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
