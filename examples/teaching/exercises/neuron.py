"""Exercise `neuron`: one neuron, forwards and backwards.

    z = x·w + b          x: (m, n)   w: (n,)   b: a number   z: (m,)
    a = 1 / (1 + e^-z)   a: (m,)

Rows of x are examples. `backward` gets da, of a's shape: the derivative of the
loss with respect to a. With the chain rule, through da/dz = a (1 - a), give the
derivatives of the loss with respect to x, w and b. Each has the shape of its
variable; b is one number that all m examples share.

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

import numpy as np

EXERCISE = "neuron"
SEED = 0


def forward(x, w, b):
    """Give a."""
    raise NotImplementedError("a")


def backward(x, w, b, da):
    """Give dx, dw, db."""
    raise NotImplementedError("dx, dw, db")


if __name__ == "__main__":  # something to look at while you work
    print(forward(np.array([[1.0, 2.0]]), np.array([0.5, -0.5]), 1.0))
