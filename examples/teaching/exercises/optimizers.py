"""Exercise `optimizers`: one step of momentum and one of Adam.

    momentum   m ← beta m + (1 - beta) g         w ← w - rate m

    Adam       m ← beta1 m + (1 - beta1) g       m̂ = m / (1 - beta1^t)
               v ← beta2 v + (1 - beta2) g²      v̂ = v / (1 - beta2^t)
               w ← w - rate m̂ / (sqrt(v̂) + epsilon)

g is the gradient. m is a running mean of g, and v is one of g². w, g, m, and v
have the same shape, and every operation is elementwise. m and v start at zero,
t counts from 1, and epsilon is outside the square root. Each function returns
the new values. The next step receives m and v without the correction.

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

import numpy as np

EXERCISE = "optimizers"
SEED = 0


def momentum_step(w, m, g, rate, beta):
    """Return the new w, m."""
    raise NotImplementedError("w, m")


def adam_step(w, m, v, g, t, rate, beta1, beta2, epsilon):
    """Return the new w, m, v."""
    raise NotImplementedError("w, m, v")


if __name__ == "__main__":  # something to look at while you work
    print(momentum_step(np.array([1.0]), np.array([0.0]), np.array([2.0]), 0.1, 0.9))
