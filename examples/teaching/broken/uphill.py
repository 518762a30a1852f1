"""Softmax with cross-entropy, averaged over m examples.

Symptom: the loss rises from the first step. With a smaller learning rate, it rises more slowly.
"""

import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def forward(z, labels):
    return -np.mean(np.log(softmax(z)[np.arange(len(z)), labels]))


def backward(z, labels, dloss):
    y = np.eye(z.shape[1])[labels]
    return dloss * (y - softmax(z)) / len(z)


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(8, 3)), rng.integers(3, size=8)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
