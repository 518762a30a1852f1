"""A dense layer with as many outputs as inputs.

Symptom: there is no error and the shapes match, but the steps do not follow the slope of the loss.
"""

import numpy as np


def forward(x, w, b):
    return x @ w + b


def backward(x, w, b, dz):
    dx = dz @ w.T
    dw = dz.T @ x
    db = dz.sum(axis=0)
    return dx, dw, db


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(8, 4)), rng.normal(size=(4, 4)), rng.normal(size=4)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
