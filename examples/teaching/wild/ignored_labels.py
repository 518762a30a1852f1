"""Softmax cross-entropy that ignores the rows labeled -1.

Paddle, pull request 28622: the losses of these rows were zero, but their derivatives were not.
"""

import numpy as np

LABELS = np.array([2, -1, 1, -1])
KEPT = LABELS >= 0


def softmax(z):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def forward(z):
    losses = -np.log(softmax(z))[np.arange(len(LABELS)), LABELS]
    return np.where(KEPT, losses, 0)


def backward(z, dy):
    y = np.eye(3)[LABELS] * KEPT[:, None]
    return dy[:, None] * (softmax(z) - y)


def fixed(z, dy):
    return backward(z, dy * KEPT)


def arguments():
    return (np.random.default_rng(0).normal(size=(4, 3)),)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
