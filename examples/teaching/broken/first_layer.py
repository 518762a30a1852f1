"""Two layers with ReLU, of equal width.

Symptom: the second layer learns as it should. The first layer changes, but in the wrong direction.
"""

import numpy as np


def forward(x, w1, w2):
    a1 = np.maximum(x @ w1, 0)
    return np.maximum(a1 @ w2, 0)


def backward(x, w1, w2, da2):
    z1 = x @ w1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ w2
    dz2 = da2 * (z2 > 0)
    dw2 = a1.T @ dz2
    da1 = dz2 @ w2.T
    dz1 = da1 * (z2 > 0)
    dw1 = x.T @ dz1
    return dz1 @ w1.T, dw1, dw2


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(8, 5)), rng.normal(size=(5, 4)), rng.normal(size=(4, 4))


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
