"""A bias that is broadcast to all rows, but whose derivative is not summed over them.

nd4j, issue 2424, and TVM, pull request 2465.
"""

import numpy as np


def forward(x, b):
    return x + b


def backward(x, b, dy):
    return dy, dy


def fixed(x, b, dy):
    return dy, np.sum(dy, axis=0, keepdims=True)


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 4)), rng.normal(size=(1, 4))


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
