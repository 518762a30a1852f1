"""Solution to the exercise `mse`: why 2/n."""

import numpy as np

EXERCISE = "mse"
SEED = 0


def mse_backward(predictions, targets):
    """Return the derivative with respect to the predictions."""
    return 2 * (predictions - targets) / predictions.size


def ratio_of_the_texts(m, k):
    """Return (2/m)(y_pred - y_true) divided by the derivative: a number."""
    return (2 / m) / (2 / (m * k))  # which is k


def loss_of_a_minus_y(a, y):
    """Return the loss, a number, whose derivative with respect to a is (a - y) / m."""
    return np.sum((a - y) ** 2) / (2 * len(a))
