"""A dense layer, with its sums written out.

Symptom: the network trains, but one weight never changes.
"""

import numpy as np


def forward(x, w, b):
    return x @ w + b


def backward(x, w, b, dz):
    dx = dz @ w.T
    dw = np.zeros_like(w)
    for place in range(1, w.size):
        i, j = divmod(place, w.shape[1])
        dw[i, j] = np.sum(x[:, i] * dz[:, j])
    db = dz.sum(axis=0)
    return dx, dw, db


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(8, 5)), rng.normal(size=(5, 3)), rng.normal(size=3)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
