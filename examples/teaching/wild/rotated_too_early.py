"""Rotary positions: y is x cos plus a quarter turn of x, times sin.

Paddle, pull request 74716: dy was turned first and then multiplied by sin, but the transpose of the
forward pass does it the other way around. The tests had the same sin in both halves, which makes
the two equal.
"""

import numpy as np


def turned(x):
    first, second = np.split(x, 2, axis=-1)
    return np.concatenate([-second, first], axis=-1)


def forward(x, cos, sin):
    return x * cos + turned(x) * sin


def backward(x, cos, sin, dy):
    return dy * cos - turned(dy) * sin


def fixed(x, cos, sin, dy):
    return dy * cos - turned(dy * sin)


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), rng.normal(size=(3, 4))


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
