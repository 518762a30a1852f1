"""Exercise `network`: two layers, every value of both passes.

    Z1 = X·W1 + b1       X: (m, n)      W1: (n, hidden)   b1: (hidden,)
    A1 = max(Z1, 0)      A1: (m, hidden)
    Z2 = A1·W2 + b2      W2: (hidden, k)   b2: (k,)
    A2 = softmax(Z2)     A2: (m, k), each row sums to 1

    dZ2 = (A2 - Y) / m   Y: (m, k), row i has its 1 at label_i

`forward` gives a dict of Z1, A1, Z2, A2. `backward` gets that dict as `values`,
and gives one of dZ2, dW2, db2, dA1, dZ1, dW1, db1, in this order of working.
The division by m happens once, in dZ2. Each name brings a point, and a mistake
is named where it is made.

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

import numpy as np

EXERCISE = "network"
SEED = 0


def forward(params, X):
    """Give {"Z1": ..., "A1": ..., "Z2": ..., "A2": ...}; params has W1, b1, W2, b2."""
    raise NotImplementedError("Z1, A1, Z2, A2")


def backward(params, X, labels, values):
    """Give {"dZ2": ..., "dW2": ..., "db2": ..., "dA1": ..., "dZ1": ..., "dW1": ..., "db1": ...}."""
    raise NotImplementedError("dZ2, dW2, db2, dA1, dZ1, dW1, db1")


if __name__ == "__main__":  # something to look at while you work
    rng = np.random.default_rng(0)
    params = {"W1": rng.normal(size=(2, 3)), "b1": np.zeros(3)}
    params |= {"W2": rng.normal(size=(3, 2)), "b2": np.zeros(2)}
    print(forward(params, np.array([[1.0, 2.0], [3.0, -1.0]])))
