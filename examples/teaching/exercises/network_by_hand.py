"""Exercise `network_by_hand`: a 2-3-2 network, with pencil and paper.

    Z1 = X·W1 + b1      X: (2, 2), rows are examples    W1: (2, 3)    b1: (3,)
    A1 = max(Z1, 0)     A1: (2, 3)
    Z2 = A1·W2 + b2     W2: (3, 2)    b2: (2,)
    A2 = softmax(Z2)    A2: (2, 2), each row sums to 1
    loss = -1/2 Σ ln A2[i, label_i]

    dZ2 = (A2 - Y) / 2  Y: row i has its 1 at label_i; then dW2, db2, dA1, dZ1, dW1, db1

Work it out with the numbers below, to three decimals, and write your results as
lists of lists, such as "Z2": [[0.5, 1.0], [-1.25, 2.0]] and "db2": [0.25,
-0.25]. You get a point for each named value.

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

EXERCISE = "network_by_hand"
SEED = 0
X = [[1.0, -2.0], [3.0, -2.0]]
W1 = [[-0.5, 0.5, -1.0], [-0.5, -0.5, -1.0]]
b1 = [0.0, -0.5, 0.5]
W2 = [[1.0, 0.5], [-1.0, 0.5], [0.5, -0.5]]
b2 = [0.5, -0.5]
labels = [0, 1]


def forward():
    """Return {"Z1": ..., "A1": ..., "Z2": ..., "A2": ..., "loss": ...}."""
    raise NotImplementedError("Z1, A1, Z2, A2, loss")


def backward():
    """Return a dict with dZ2, dW2, db2, dA1, dZ1, dW1, and db1."""
    raise NotImplementedError("dZ2, dW2, db2, dA1, dZ1, dW1, db1")
