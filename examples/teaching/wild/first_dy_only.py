"""Softmax cross-entropy with one loss for each row.

Liger-Kernel, issue 968 and pull request 1298: the derivative was computed in the forward pass, and
all of it was then multiplied by the first number of dy instead of each row by its own. It is right
as long as all rows have the same weight, as in a sum. Issue 678 has another form of this mistake.
"""

import numpy as np

LABELS = np.array([2, 0, 1, 1])


def softmax(z):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def forward(z):
    return -np.log(softmax(z))[np.arange(len(LABELS)), LABELS]


def backward(z, dy):
    return dy[0] * (softmax(z) - np.eye(3)[LABELS])


def fixed(z, dy):
    return dy[:, None] * (softmax(z) - np.eye(3)[LABELS])


def arguments():
    return (np.random.default_rng(0).normal(size=(4, 3)),)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
