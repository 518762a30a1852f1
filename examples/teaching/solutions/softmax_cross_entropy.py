"""Solution to the exercise `softmax_cross_entropy`: the output layer of a classifier."""

import numpy as np

EXERCISE = "softmax_cross_entropy"
SEED = 0


def softmax(z):
    """Return a: (m, k)."""
    e = np.exp(z - z.max(axis=1, keepdims=True))  # the largest is e^0
    return e / e.sum(axis=1, keepdims=True)


def loss(z, labels):
    """Return the mean over the m examples: a number."""
    return -np.log(softmax(z)[np.arange(len(z)), labels]).mean()


def backward(z, labels):
    """Return dz: (m, k), the derivative of the loss with respect to z."""
    y = np.eye(z.shape[1])[labels]
    return (softmax(z) - y) / len(z)
