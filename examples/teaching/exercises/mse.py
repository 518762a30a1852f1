"""Exercise `mse`: the mean squared error, and why its derivative has 2/n in front.

    loss = 1/n Σ (y_pred - y_true)²    y_pred, y_true: (m, k)    n = m·k elements

There are m examples with k outputs each, so the mean is over n numbers, not
over m. Write three functions:

- `mse_backward` returns the derivative of this loss with respect to the
  predictions: (m, k).
- `ratio_of_the_texts` returns the factor by which the formula
  (2/m)(y_pred - y_true) of some texts is larger than this derivative, where m
  is the batch size.
- `loss_of_a_minus_y` returns a loss, 0 where a = y, whose derivative with
  respect to a is (a - y) / m. Texts that write dZ = A - Y "for MSE", and divide
  by m in dW, take the derivative of this loss, not of the mean above.

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

import numpy as np

EXERCISE = "mse"
SEED = 0


def mse_backward(predictions, targets):
    """Return the derivative with respect to the predictions."""
    raise NotImplementedError("dpredictions")


def ratio_of_the_texts(m, k):
    """Return (2/m)(y_pred - y_true) divided by the derivative: a number."""
    raise NotImplementedError("a number")


def loss_of_a_minus_y(a, y):
    """Return the loss, a number, whose derivative with respect to a is (a - y) / m."""
    raise NotImplementedError("a loss")


if __name__ == "__main__":  # something to look at while you work
    print(mse_backward(np.array([[1.0, 2.0]]), np.array([[0.0, 4.0]])))
