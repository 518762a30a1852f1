"""A sigmoid, whose slope is computed from y as if it were x.

gophernet, issue 6, and neural2d, issue 40: a slope function that expects a neuron's sum received
its output.
"""

import numpy as np


def forward(x):
    return 1 / (1 + np.exp(-x))


def slope(x):
    a = 1 / (1 + np.exp(-x))
    return a * (1 - a)


def backward(x, dy):
    return dy * slope(forward(x))


def fixed(x, dy):
    return dy * slope(x)


def arguments():
    return (np.random.default_rng(0).normal(size=(3, 4)),)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
