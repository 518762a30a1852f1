"""RMS normalization: the variance term of dx is multiplied by the weight twice.

Megatron-LM, pull request 6859: the bug was in the batch-invariant kernel from the day it was added.
The derivative with respect to the weight was right.
"""

import numpy as np

EPS = 1e-5


def forward(x, w):
    return w * x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + EPS)


def backward(x, w, dy):
    r = 1 / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + EPS)
    s = np.mean(dy * w * x, axis=-1, keepdims=True)
    return r * w * dy - w * r**3 * x * s, np.sum(dy * x * r, axis=0)


def fixed(x, w, dy):
    r = 1 / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + EPS)
    s = np.mean(dy * w * x, axis=-1, keepdims=True)
    return r * w * dy - r**3 * x * s, np.sum(dy * x * r, axis=0)


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 4)), rng.normal(size=4)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
