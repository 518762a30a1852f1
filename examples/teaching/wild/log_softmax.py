"""Log-softmax, whose softmax is added to dy instead of multiplied by the sum of dy.

mlpack, issues 2360 and 3468. In issue 2360, dy is 1 everywhere, and both elements are above 1
although they have to sum to 0.
"""

import numpy as np


def softmax(z):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def forward(z):
    return np.log(softmax(z))


def backward(z, dy):
    return dy + softmax(z)


def fixed(z, dy):
    return dy - softmax(z) * np.sum(dy, axis=-1, keepdims=True)


def arguments():
    return (np.random.default_rng(0).normal(size=(3, 4)),)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
