"""Dropout in training, where rate is the probability that a value is set to zero.

Symptom: the layers before the dropout learn more slowly than those after it. At a higher rate,
they learn even more slowly.
"""

import numpy as np


def forward(x, mask, rate):
    return x * mask / (1 - rate)


def backward(x, mask, rate, dy):
    return dy * mask


def arguments():
    rng = np.random.default_rng(0)
    rate = 0.4
    return rng.normal(size=(8, 3)), rng.uniform(size=(8, 3)) >= rate, rate


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
