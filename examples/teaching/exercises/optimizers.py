"""Exercise `optimizers`: one step of momentum and one of Adam.

    momentum   v ← beta v + (1 - beta) g         w ← w - rate v

    Adam       m ← beta1 m + (1 - beta1) g       m̂ = m / (1 - beta1^t)
               v ← beta2 v + (1 - beta2) g²      v̂ = v / (1 - beta2^t)
               w ← w - rate m̂ / (sqrt(v̂) + epsilon)

g is the gradient; w, g, m and v have one shape, and all is elementwise. m and v
start at zero, t counts from 1, and epsilon stands outside the root. Each
function gives the new values; m and v go back in as they are, without the
correction.

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

import numpy as np

EXERCISE = "optimizers"
SEED = 0


def momentum_step(w, v, g, rate, beta):
    """Give the new w, v."""
    raise NotImplementedError("w, v")


def adam_step(w, m, v, g, t, rate, beta1, beta2, epsilon):
    """Give the new w, m, v."""
    raise NotImplementedError("w, m, v")


if __name__ == "__main__":  # something to look at while you work
    print(momentum_step(np.array([1.0]), np.array([0.0]), np.array([2.0]), 0.1, 0.9))
