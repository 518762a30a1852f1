"""One layer under softmax with cross-entropy, averaged over m examples.

Symptom: the loss falls slowly, and a step lowers it less when the batch is larger.
"""

import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def forward(x, w, b, labels):
    a = softmax(x @ w + b)
    return -np.mean(np.log(a[np.arange(len(x)), labels]))


def backward(x, w, b, labels, dloss):
    m = len(x)
    y = np.eye(len(b))[labels]
    dz = dloss * (softmax(x @ w + b) - y) / m
    dw, db = x.T @ dz / m, dz.sum(axis=0) / m
    dx = dz @ w.T
    return dx, dw, db


def arguments():
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(8, 5)), rng.normal(size=(5, 3)), rng.normal(size=3)
    return x, w, b, rng.integers(3, size=8)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
