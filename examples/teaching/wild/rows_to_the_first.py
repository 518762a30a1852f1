"""SwiGLU, whose derivatives are all written to row 0.

Triton-distributed, issue 180: the read pointers advanced from row to row, but the write pointers
did not.
"""

import numpy as np


def forward(a, b):
    return a / (1 + np.exp(-a)) * b


def derivatives(a, b, dy):
    s = 1 / (1 + np.exp(-a))
    return dy * b * s * (1 + a * (1 - s)), dy * a * s


def backward(a, b, dy):
    da, db = np.zeros(a.shape), np.zeros(b.shape)
    for row in range(len(a)):
        da[0], db[0] = derivatives(a[row], b[row], dy[row])
    return da, db


def fixed(a, b, dy):
    da, db = np.zeros(a.shape), np.zeros(b.shape)
    for row in range(len(a)):
        da[row], db[row] = derivatives(a[row], b[row], dy[row])
    return da, db


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 4)), rng.normal(size=(3, 4))


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
