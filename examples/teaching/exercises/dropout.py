"""Exercise `dropout`: in training, on the way back, and in evaluation.

    training     y = x ⊙ mask / (1 - rate)     x, y, mask: (m, n)
    evaluation   y = x

`rate` is the probability that a value is zeroed, and the mask, True where a
value is kept, is drawn for you. The division keeps the mean of y that of x, so
that evaluation needs no scale. `backward` gets the mask of its own forward
pass: what did each x do to y?

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

import numpy as np

EXERCISE = "dropout"
SEED = 0


def forward(x, mask, rate):
    """Give y in training."""
    raise NotImplementedError("y")


def backward(dy, mask, rate):
    """Give dx in training."""
    raise NotImplementedError("dx")


def evaluate(x, rate):
    """Give y in evaluation."""
    raise NotImplementedError("y")


if __name__ == "__main__":  # something to look at while you work
    print(forward(np.array([[1.0, 2.0, 3.0]]), np.array([[True, False, True]]), 0.25))
