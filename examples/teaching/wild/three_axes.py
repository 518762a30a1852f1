"""Layer normalization, whose backward assumes that its input is a matrix.

FlagGems, issue 5392: the length of the first axis was taken as the number of rows, and all other
axes as the features. With two axes, that is right; with (batch, time, features), it is not.
"""

import numpy as np


def normalized(x):
    x = x - np.mean(x, axis=-1, keepdims=True)
    std = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-5)
    return x / std, std


def forward(x, w):
    return w * normalized(x)[0]


def derivative(x, w, dy, features):
    x_hat, std = normalized(x)
    dx_hat = w * dy
    first = np.mean(dx_hat, axis=features, keepdims=True)
    second = np.mean(dx_hat * x_hat, axis=features, keepdims=True)
    return (dx_hat - first - x_hat * second) / std


def backward(x, w, dy):
    return derivative(x, w, dy, features=tuple(range(1, x.ndim)))


def fixed(x, w, dy):
    return derivative(x, w, dy, features=-1)


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, 3, 4)), rng.normal(size=4)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
