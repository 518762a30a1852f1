"""Softmax, differentiated as if each output depended only on its own input.

libnd4j, issue 440, and cTensor, pull request 31: only the diagonal of the Jacobian was used.
"""

import numpy as np


def softmax(z):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def forward(z):
    return softmax(z)


def backward(z, da):
    a = softmax(z)
    return da * a * (1 - a)


def fixed(z, da):
    a = softmax(z)
    return a * (da - np.sum(da * a, axis=-1, keepdims=True))


def arguments():
    return (np.random.default_rng(0).normal(size=(3, 4)),)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
