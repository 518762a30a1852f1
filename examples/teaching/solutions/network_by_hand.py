"""Solution to the exercise `network_by_hand`, worked out in NumPy."""

import numpy as np

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
    Z1 = np.array(X) @ W1 + b1
    A1 = np.maximum(Z1, 0)
    Z2 = A1 @ W2 + b2
    A2 = np.exp(Z2) / np.exp(Z2).sum(axis=1, keepdims=True)
    loss = -np.log(A2[[0, 1], labels]).mean()
    return {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2, "loss": loss}


def backward():
    """Return a dict with dZ2, dW2, db2, dA1, dZ1, dW1, and db1."""
    v = forward()
    dZ2 = (v["A2"] - np.eye(2)[labels]) / 2
    dA1 = dZ2 @ np.transpose(W2)
    dZ1 = dA1 * (v["Z1"] > 0)
    return {
        "dZ2": dZ2,
        "dW2": v["A1"].T @ dZ2,
        "db2": dZ2.sum(axis=0),
        "dA1": dA1,
        "dZ1": dZ1,
        "dW1": np.transpose(X) @ dZ1,
        "db1": dZ1.sum(axis=0),
    }
