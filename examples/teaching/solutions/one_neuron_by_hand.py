"""Solution to the exercise `one_neuron_by_hand`, worked out in NumPy."""

import numpy as np

EXERCISE = "one_neuron_by_hand"
SEED = 0
X = [[2.0, -2.0], [-1.0, -1.0]]
W1 = [[1.0], [-0.5]]
b1 = [-0.5]
Y = [[0.0], [1.0]]


def values(w, b):
    """The forward pass with these parameters."""
    z = np.array(X) @ w + b
    a = 1 / (1 + np.exp(-z))
    return {"Z1": z, "A1": a, "loss": np.mean((a - Y) ** 2)}


def forward():
    """Return {"Z1": ..., "A1": ..., "loss": ...}."""
    return values(W1, b1)


def backward():
    """Return {"dA1": ..., "dZ1": ..., "dW1": ..., "db1": ...}."""
    a1 = np.array(values(W1, b1)["A1"])
    dA1 = a1 - np.array(Y)  # 2/n, and n is 2
    dZ1 = dA1 * a1 * (1 - a1)
    dW1, db1 = np.transpose(X) @ dZ1, dZ1.sum(axis=0)
    return {"dA1": dA1, "dZ1": dZ1, "dW1": dW1, "db1": db1}


def step():
    """Return {"W1": ..., "b1": ..., "loss": ...} after a step of 0.1."""
    d = backward()
    w, b = W1 - 0.1 * d["dW1"], b1 - 0.1 * d["db1"]
    return {"W1": w, "b1": b, "loss": values(w, b)["loss"]}
