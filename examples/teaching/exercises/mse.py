"""Exercise `mse`: the mean squared error, and why its derivative has 2/n in front.

    loss = 1/n Σ (y_pred - y_true)²    y_pred, y_true: (m, k)    n = m·k elements

m examples with k outputs each: the mean is over n numbers, not over m. Three
functions:

- `mse_backward` gives the derivative of this loss with respect to the
  predictions: (m, k);
- `ratio_of_the_texts` gives by which factor the formula (2/m)(y_pred - y_true),
  as some texts have it, is larger than that derivative, m being the batch size;
- `loss_of_a_minus_y` gives a loss, 0 where a = y, whose derivative with respect
  to a is (a - y) / m. Texts that write dZ = A - Y "for MSE", and divide by m in dW,
  take the derivative of this loss, not of the mean above.

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

import numpy as np

EXERCISE = "mse"
SEED = 0


def mse_backward(predictions, targets):
    """Give the derivative with respect to the predictions."""
    raise NotImplementedError("dpredictions")


def ratio_of_the_texts(m, k):
    """Give (2/m)(y_pred - y_true) divided by the derivative: a number."""
    raise NotImplementedError("a number")


def loss_of_a_minus_y(a, y):
    """Give the loss, a number, whose derivative with respect to a is (a - y) / m."""
    raise NotImplementedError("a loss")


if __name__ == "__main__":  # something to look at while you work
    print(mse_backward(np.array([[1.0, 2.0]]), np.array([[0.0, 4.0]])))
