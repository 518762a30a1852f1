"""An embedding of four tokens, two of which are the same.

PyTorch, issue 1528: when an element was taken more than once, only its last copy received a
derivative. The rows are assigned when they should be added.
"""

import numpy as np

TOKENS = np.array([3, 1, 3, 0])


def forward(w):
    return w[TOKENS]


def backward(w, dy):
    dw = np.zeros(w.shape)
    dw[TOKENS] = dy
    return dw


def fixed(w, dy):
    dw = np.zeros(w.shape)
    np.add.at(dw, TOKENS, dy)
    return dw


def arguments():
    return (np.random.default_rng(0).normal(size=(5, 3)),)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
