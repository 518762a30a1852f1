"""Exercise `dense`: the backward pass of a layer of neurons.

    z = x·w + b     x: (m, n_in)   w: (n_in, n_out)   b: (n_out,)   z: (m, n_out)

Rows of x are examples. `backward` receives dz, the derivative of the loss with
respect to z, which has already been divided by m. Return the derivatives of the
loss with respect to x, w, and b. Each has the shape of its variable, and the
shapes leave little choice:

    dx: (m, n_in) from dz and w      dw: (n_in, n_out) from x and dz      db: (n_out,) from dz

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

import numpy as np

EXERCISE = "dense"
SEED = 0


def forward(x, w, b):
    """Return z; nothing to do here."""
    return x @ w + b


def backward(x, w, b, dz):
    """Return dx, dw, db."""
    raise NotImplementedError("dx, dw, db")


if __name__ == "__main__":  # something to look at while you work
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(5, 3)), rng.normal(size=(3, 2)), np.zeros(2)
    for derivative in backward(x, w, b, np.ones_like(forward(x, w, b))):
        print(np.shape(derivative))
