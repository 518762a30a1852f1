"""One neuron with a sigmoid and the mean squared error, value by value: on paper."""

import numpy as np

from grading.links import FIRST_LAYER, Link

RATE = 0.1  # of the step


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def loss_at(g, w, b):
    return np.mean((sigmoid(np.array(g["X"]) @ w + b) - g["Y"]) ** 2)


FORWARD = {
    "Z1": Link(
        lambda g: np.array(g["X"]) @ g["W1"] + g["b1"],
        {
            "b1 is not added": lambda g: np.array(g["X"]) @ g["W1"],
            "b1 is subtracted": lambda g: np.array(g["X"]) @ g["W1"] - g["b1"],
        },
    ),
    "A1": Link(
        lambda g, Z1: sigmoid(Z1),
        {
            "the sign of Z1 is lost: yours is 1 / (1 + e^Z1)": lambda g, Z1: sigmoid(-Z1),
            "yours is Z1: the sigmoid is left out": lambda g, Z1: Z1,
            "yours is e^Z1: the sigmoid is 1 / (1 + e^-Z1)": lambda g, Z1: np.exp(Z1),
            "yours is e^-Z1: the sigmoid is 1 / (1 + e^-Z1)": lambda g, Z1: np.exp(-Z1),
        },
    ),
    "loss": Link(
        lambda g, A1: np.mean((A1 - g["Y"]) ** 2),
        {
            "the differences are not squared": lambda g, A1: np.mean(np.abs(A1 - g["Y"])),
            "the root is taken: the loss is the mean of the squares": (
                lambda g, A1: np.sqrt(np.mean((A1 - g["Y"]) ** 2))
            ),
            "only the first example is included": lambda g, A1: (A1[0, 0] - g["Y"][0][0]) ** 2 / 2,
            "only the second example is included": lambda g, A1: (A1[1, 0] - g["Y"][1][0]) ** 2 / 2,
        },
    ),
}

BACKWARD = {
    "dA1": Link(
        lambda g, A1: A1 - g["Y"],
        {
            "Y is not subtracted": lambda g, A1: A1,
            "yours is squared: the derivative of the square is 2 (A1 - Y)": (
                lambda g, A1: (A1 - g["Y"]) ** 2
            ),
        },
    ),
    "dZ1": Link(
        lambda g, A1, dA1: dA1 * A1 * (1 - A1),
        {
            "yours is dA1: the sigmoid's slope A1 (1 - A1) is left out": lambda g, A1, dA1: dA1,
            "yours is dA1 · A1: the factor (1 - A1) is missing": lambda g, A1, dA1: dA1 * A1,
            "yours is dA1 (1 - A1): the factor A1 is missing": lambda g, A1, dA1: dA1 * (1 - A1),
            "yours is the sigmoid's slope A1 (1 - A1) alone: dA1 is left out": (
                lambda g, A1, dA1: A1 * (1 - A1)
            ),
            "the slope is taken at A1 instead of at Z1: it is A1 (1 - A1)": (
                lambda g, A1, dA1: dA1 * sigmoid(A1) * (1 - sigmoid(A1))
            ),
            "yours is dA1 (1 - A1²), the slope of tanh: the sigmoid's is A1 (1 - A1)": (
                lambda g, A1, dA1: dA1 * (1 - A1**2)
            ),
        },
    ),
    **FIRST_LAYER,
}

STEP = {
    "new_W1": Link(
        lambda g, dW1: g["W1"] - RATE * dW1,
        {
            "the step goes uphill: subtract 0.1 dW1": lambda g, dW1: g["W1"] + RATE * dW1,
            "the learning rate is left out: yours is W1 - dW1": lambda g, dW1: g["W1"] - dW1,
            "yours is the step 0.1 dW1 alone: subtract it from W1": lambda g, dW1: RATE * dW1,
            "yours is W1 before the step": lambda g, dW1: g["W1"],
        },
    ),
    "new_b1": Link(
        lambda g, db1: g["b1"] - RATE * db1,
        {
            "the step goes uphill: subtract 0.1 db1": lambda g, db1: g["b1"] + RATE * db1,
            "the learning rate is left out: yours is b1 - db1": lambda g, db1: g["b1"] - db1,
            "yours is the step 0.1 db1 alone: subtract it from b1": lambda g, db1: RATE * db1,
            "yours is b1 before the step": lambda g, db1: g["b1"],
        },
    ),
    "new_loss": Link(
        lambda g, new_W1, new_b1: loss_at(g, new_W1, new_b1),
        {
            "yours is the loss before the step": (
                lambda g, new_W1, new_b1: loss_at(g, g["W1"], g["b1"])
            ),
        },
    ),
}
