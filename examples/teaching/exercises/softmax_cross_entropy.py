"""Exercise `softmax_cross_entropy`: the output layer of a classifier.

    a    = softmax(z) = e^z / Σ e^z    z, a: (m, k); the sum is over each row
    loss = -1/m Σ ln a[i, label_i]    labels: (m,), whole numbers from 0 to k - 1
    dz   = (a - y) / m                 y: (m, k), row i has its 1 at label_i

Derive the last line on paper before you write it. For one row, it is a sum over
c, dloss/dz_j = Σ dloss/da_c · da_c/dz_j. Here da_c/dz_j is not zero for c ≠ j,
because softmax has a Jacobian, not an elementwise derivative.

e^1000 is infinite in float64, but `softmax` must also work at z = 1000.
Subtracting one number from a whole row does not change the quotient. Which
number helps?

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

import numpy as np

EXERCISE = "softmax_cross_entropy"
SEED = 0


def softmax(z):
    """Return a: (m, k)."""
    raise NotImplementedError("a")


def loss(z, labels):
    """Return the mean over the m examples: a number."""
    raise NotImplementedError("the loss")


def backward(z, labels):
    """Return dz: (m, k), the derivative of the loss with respect to z."""
    raise NotImplementedError("dz")


if __name__ == "__main__":  # something to look at while you work
    print(softmax(np.array([[1.0, 2.0, 3.0], [1000.0, 0.0, -1000.0]])))
