"""Exercise `network`: two layers, every value of both passes.

    Z1 = X·W1 + b1       X: (m, n)      W1: (n, hidden)   b1: (hidden,)
    A1 = max(Z1, 0)      A1: (m, hidden)
    Z2 = A1·W2 + b2      W2: (hidden, k)   b2: (k,)
    A2 = softmax(Z2)     A2: (m, k), each row sums to 1

    dZ2 = (A2 - Y) / m   Y: (m, k), row i has its 1 at label_i

`forward` returns a dict with Z1, A1, Z2, A2. `backward` receives this dict as
`values` and returns a dict with dZ2, dW2, db2, dA1, dZ1, dW1, db1, which are
best computed in this order. The division by m happens once, in dZ2. You get a
point for each named value, and the report shows where a mistake was made.

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

import numpy as np

EXERCISE = "network"
SEED = 0


def forward(params, X):
    """Return {"Z1": ..., "A1": ..., "Z2": ..., "A2": ...}; params has W1, b1, W2, b2."""
    raise NotImplementedError("Z1, A1, Z2, A2")


def backward(params, X, labels, values):
    """Return a dict with dZ2, dW2, db2, dA1, dZ1, dW1, and db1."""
    raise NotImplementedError("dZ2, dW2, db2, dA1, dZ1, dW1, db1")


if __name__ == "__main__":  # something to look at while you work
    rng = np.random.default_rng(0)
    params = {"W1": rng.normal(size=(2, 3)), "b1": np.zeros(3)}
    params |= {"W2": rng.normal(size=(3, 2)), "b2": np.zeros(2)}
    print(forward(params, np.array([[1.0, 2.0], [3.0, -1.0]])))
