"""Exercise `bias`: the axis that db is summed over.

    z = x·w + b     b: (n_out,)   z: (m, n_out)

Every example adds the same b, so db is a sum over the examples, which are the
rows of dz. Write three functions:

- `bias_backward` returns db: (n_out,) from dz: (m, n_out).
- `sum_without_axis` returns the value of np.sum(dz), without an axis, in the
  output layer of a classifier, where dz = (softmax(z) - y) / m and each row of
  y has a single 1. It takes no arguments, because the value is the same for
  every z and y. What would a bias learn from it?
- `columns_bias_backward` returns db for texts in which columns are examples.
  There, dZ: (n_out, m) has not been divided by m, b is a column, and
  db: (n_out, 1) is the mean over the examples.

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

import numpy as np

EXERCISE = "bias"
SEED = 0


def bias_backward(dz):
    """Return db: (n_out,) from dz: (m, n_out)."""
    raise NotImplementedError("db")


def sum_without_axis():
    """Return the number np.sum(dz) for softmax with cross-entropy."""
    raise NotImplementedError("a number")


def columns_bias_backward(dZ):
    """Return db: (n_out, 1) from dZ: (n_out, m), which has not been divided by m."""
    raise NotImplementedError("db")


if __name__ == "__main__":  # something to look at while you work
    print(bias_backward(np.array([[1.0, -1.0], [2.0, 5.0]])))
