"""Softmax of the scores of attention, as an operation without a backward pass.

candle, issues 2168, 3568, and 3569: RMS normalization, rotary positions, and softmax had fast forms
that ended the graph. Whatever came before them got no gradient, and nothing said so.
"""

import numpy as np


def softmax(z):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def forward(scores, v):
    return softmax(scores) @ v


def backward(scores, v, dy):
    return np.zeros_like(scores), softmax(scores).T @ dy


def fixed(scores, v, dy):
    p = softmax(scores)
    dp = dy @ v.T
    return p * (dp - np.sum(dp * p, axis=-1, keepdims=True)), p.T @ dy


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 3)), rng.normal(size=(3, 2))


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
