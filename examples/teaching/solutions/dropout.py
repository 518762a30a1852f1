"""Solution to the exercise `dropout`: the same mask and the same scale on the way back."""

EXERCISE = "dropout"
SEED = 0


def forward(x, mask, rate):
    """Return y in training."""
    return x * mask / (1 - rate)


def backward(dy, mask, rate):
    """Return dx in training."""
    return dy * mask / (1 - rate)


def evaluate(x, rate):
    """Return y in evaluation."""
    return x
