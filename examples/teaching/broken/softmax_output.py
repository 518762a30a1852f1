"""Softmax by itself, followed by any loss.

Symptom: adding a number to a whole row of z changes no probability, so each row of dz should sum
to 0. These rows do not.
"""

import numpy as np


def forward(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def backward(z, da):
    a = forward(z)
    return da * a * (1 - a)


def arguments():
    rng = np.random.default_rng(0)
    return (rng.normal(size=(8, 3)),)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
