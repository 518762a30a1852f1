"""Exercise `activations`: the derivatives of sigmoid, tanh, and ReLU.

    sigmoid   a = 1 / (1 + e^-z)
    tanh      a = (e^z - e^-z) / (e^z + e^-z)
    ReLU      a = max(z, 0)

All three are elementwise: z, a, da, and dz have the same shape, (m, n). Given
da, the derivative of the loss with respect to a, return dz = da ⊙ f'(z). For
sigmoid and tanh, write f'(z) in terms of the output a only, and check on paper
that the two forms agree. Take the derivative of ReLU at 0 to be 0.

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

import numpy as np

EXERCISE = "activations"
SEED = 0


def sigmoid_backward(a, da):
    """Return dz, from the output a."""
    raise NotImplementedError("dz")


def tanh_backward(a, da):
    """Return dz, from the output a."""
    raise NotImplementedError("dz")


def relu_backward(z, da):
    """Return dz, from the input z."""
    raise NotImplementedError("dz")


if __name__ == "__main__":  # something to look at while you work
    print(relu_backward(np.array([[-1.0, 0.0, 2.0]]), np.ones((1, 3))))
