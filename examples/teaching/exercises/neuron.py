"""Exercise `neuron`: one neuron, forward and backward.

    z = x·w + b          x: (m, n)   w: (n,)   b: a number   z: (m,)
    a = 1 / (1 + e^-z)   a: (m,)

Rows of x are examples. `backward` receives da, the derivative of the loss with
respect to a. Use the chain rule with da/dz = a (1 - a) to compute the
derivatives of the loss with respect to x, w, and b. Each has the shape of its
variable, and b is one number that all m examples share.

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

import numpy as np

EXERCISE = "neuron"
SEED = 0


def forward(x, w, b):
    """Return a."""
    raise NotImplementedError("a")


def backward(x, w, b, da):
    """Return dx, dw, db."""
    raise NotImplementedError("dx, dw, db")


if __name__ == "__main__":  # something to look at while you work
    print(forward(np.array([[1.0, 2.0]]), np.array([0.5, -0.5]), 1.0))
