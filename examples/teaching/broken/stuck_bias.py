"""A dense layer.

Symptom: the biases of the layer stay equal to each other, and in the output layer of a classifier
they do not move at all.
"""

import numpy as np


def forward(x, w, b):
    return x @ w + b


def backward(x, w, b, dz):
    dx = dz @ w.T
    dw = x.T @ dz
    db = np.sum(dz)
    return dx, dw, db


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(8, 5)), rng.normal(size=(5, 3)), rng.normal(size=3)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
