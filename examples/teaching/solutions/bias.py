"""Solution to the exercise `bias`: over which axis db is summed."""

EXERCISE = "bias"
SEED = 0


def bias_backward(dz):
    """Return db: (n_out,) from dz: (m, n_out)."""
    return dz.sum(axis=0)


def sum_without_axis():
    """Return the number np.sum(dz) for softmax with cross-entropy."""
    # A row of softmax sums to 1, and so does a row of y: each row of dz sums to 0.
    return 0.0


def columns_bias_backward(dZ):
    """Return db: (n_out, 1) from dZ: (n_out, m), which is not divided by m."""
    return dZ.mean(axis=1, keepdims=True)
