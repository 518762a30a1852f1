"""Exercise `dropout`: forward and backward in training, and in evaluation.

    training     y = x ⊙ mask / (1 - rate)     x, y, mask: (m, n)
    evaluation   y = x

`rate` is the probability that a value is set to zero. The mask, which is True
where a value is kept, is drawn for you. The division keeps the mean of y equal
to the mean of x, so evaluation needs no scale. `backward` receives the mask of
the forward pass. How did each x affect y?

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

import numpy as np

EXERCISE = "dropout"
SEED = 0


def forward(x, mask, rate):
    """Return y in training."""
    raise NotImplementedError("y")


def backward(dy, mask, rate):
    """Return dx in training."""
    raise NotImplementedError("dx")


def evaluate(x, rate):
    """Return y in evaluation."""
    raise NotImplementedError("y")


if __name__ == "__main__":  # something to look at while you work
    print(forward(np.array([[1.0, 2.0, 3.0]]), np.array([[True, False, True]]), 0.25))
