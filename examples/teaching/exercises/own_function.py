"""Exercise `own_function`: a layer with its own activation.

    z = x·w + b     x: (m, n_in)   w: (n_in, n_out)   b: (n_out,)   z: (m, n_out)
    a = f(z)        a: (m, n_out), element by element

FUNCTION below says what f is in your version. Derive f'(z) on paper first: each
of its two terms needs the chain rule, and some need the product rule too.
`backward` receives da, the derivative of the loss with respect to a, which has
already been divided by m. Return the derivatives of the loss with respect to x,
w, and b. Each has the shape of its variable.

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

import numpy as np

EXERCISE = "own_function"
SEED = 0
FUNCTION = "a = 2 z e^(-2 z^2) - 0.5 sqrt(1 + 0.5 z^2)"


def forward(x, w, b):
    """Return a."""
    raise NotImplementedError("a")


def backward(x, w, b, da):
    """Return dx, dw, db."""
    raise NotImplementedError("dx, dw, db")


if __name__ == "__main__":  # something to look at while you work
    print(FUNCTION, forward(np.array([[1.0, 2.0]]), np.array([[0.5], [-0.5]]), np.array([1.0])))
