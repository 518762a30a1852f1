"""Solution to the exercise `dense`: the backward pass of a layer of neurons."""

EXERCISE = "dense"
SEED = 0


def forward(x, w, b):
    """Return z; nothing to do here."""
    return x @ w + b


def backward(x, w, b, dz):
    """Return dx, dw, db."""
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)
