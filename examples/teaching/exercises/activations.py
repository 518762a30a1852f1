"""Exercise `activations`: the derivatives of sigmoid, tanh and ReLU.

    sigmoid   a = 1 / (1 + e^-z)
    tanh      a = (e^z - e^-z) / (e^z + e^-z)
    ReLU      a = max(z, 0)

All are elementwise: z, a, da and dz have one shape, (m, n). da, the derivative
of the loss by a, comes in; dz = da ⊙ f'(z) goes out. For sigmoid and tanh write
f'(z) with the output a alone, and check on paper that it is the same. ReLU's
derivative at 0 is taken to be 0 here.

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

import numpy as np

EXERCISE = "activations"
SEED = 0


def sigmoid_backward(a, da):
    """Give dz, from the output a."""
    raise NotImplementedError("dz")


def tanh_backward(a, da):
    """Give dz, from the output a."""
    raise NotImplementedError("dz")


def relu_backward(z, da):
    """Give dz, from the input z."""
    raise NotImplementedError("dz")


if __name__ == "__main__":  # something to look at while you work
    print(relu_backward(np.array([[-1.0, 0.0, 2.0]]), np.ones((1, 3))))
