"""Exercise `one_neuron_by_hand`: one neuron, with pencil and paper.

    Z1 = X·W1 + b1              X: (2, 2), rows are examples    W1: (2, 1)    b1: (1,)
    A1 = 1 / (1 + e^-Z1)        A1: (2, 1)
    loss = 1/2 Σ (A1 - Y)²      Y: (2, 1); the mean over both examples

    dA1 = 2/2 (A1 - Y)          then dZ1, dW1, db1 by the chain rule
    step: W1 - 0.1 dW1, b1 - 0.1 db1, and the loss there

Work it out with the numbers below, to three decimals, and write your results as
lists of lists, such as "Z1": [[0.5], [-1.25]] and "b1": [0.25]. You get a
point for each named value.

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

EXERCISE = "one_neuron_by_hand"
SEED = 0
X = [[2.0, -2.0], [-1.0, -1.0]]
W1 = [[1.0], [-0.5]]
b1 = [-0.5]
Y = [[0.0], [1.0]]


def forward():
    """Return {"Z1": ..., "A1": ..., "loss": ...}."""
    raise NotImplementedError("Z1, A1, loss")


def backward():
    """Return {"dA1": ..., "dZ1": ..., "dW1": ..., "db1": ...}."""
    raise NotImplementedError("dA1, dZ1, dW1, db1")


def step():
    """Return {"W1": ..., "b1": ..., "loss": ...} after a step of 0.1."""
    raise NotImplementedError("W1, b1, loss")
