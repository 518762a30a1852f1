"""A network of two layers with ReLU and softmax, value by value: on paper and in code."""

import numpy as np

from grading.links import FIRST_LAYER, Link


def softmax(z, axis=1):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def one_hot(g, a2):
    return np.eye(a2.shape[1])[g["labels"]]


def cross_entropy(g, a2, labels):
    return -np.log(a2[np.arange(len(a2)), labels]).mean()


def through_the_label(g, A2):
    """With the derivative of softmax taken as an elementwise a (1 - a)."""
    return -one_hot(g, A2) * (1 - A2) / len(A2)


FORWARD = {
    "Z1": Link(
        lambda g: g["X"] @ g["W1"] + g["b1"],
        {
            "b1 is not added": lambda g: g["X"] @ g["W1"],
            "b1 is subtracted": lambda g: g["X"] @ g["W1"] - g["b1"],
        },
    ),
    "A1": Link(
        lambda g, Z1: np.maximum(Z1, 0),
        {
            "ReLU is left out: yours is Z1": lambda g, Z1: Z1,
            "yours is the absolute value of Z1: ReLU gives 0 where Z1 is negative": (
                lambda g, Z1: np.abs(Z1)
            ),
            "yours is min(Z1, 0) instead of max(Z1, 0)": lambda g, Z1: np.minimum(Z1, 0),
            "yours is ReLU's slope, 1 where Z1 is positive, instead of Z1 there": (
                lambda g, Z1: Z1 > 0
            ),
            "yours is the sigmoid of Z1 instead of ReLU": lambda g, Z1: 1 / (1 + np.exp(-Z1)),
        },
    ),
    "Z2": Link(
        lambda g, A1: A1 @ g["W2"] + g["b2"],
        {
            "b2 is not added": lambda g, A1: A1 @ g["W2"],
            "b2 is subtracted": lambda g, A1: A1 @ g["W2"] - g["b2"],
        },
    ),
    "A2": Link(
        lambda g, Z2: softmax(Z2),
        {
            "softmax is taken over the columns instead of over each row (axis=1)": (
                lambda g, Z2: softmax(Z2, axis=0)
            ),
            "softmax is taken over the whole matrix instead of over each row (axis=1)": (
                lambda g, Z2: softmax(Z2, axis=(0, 1))
            ),
            "e^Z2 is not divided by the sum over its row": lambda g, Z2: np.exp(Z2),
            "yours is Z2 divided by the sum over its row: where is e^Z2?": (
                lambda g, Z2: Z2 / Z2.sum(axis=1, keepdims=True)
            ),
            "yours is the sigmoid of Z2 instead of softmax": lambda g, Z2: 1 / (1 + np.exp(-Z2)),
        },
    ),
}

LOSS = Link(
    lambda g, A2: cross_entropy(g, A2, g["labels"]),
    {
        "taken at the other column instead of at the label": (
            lambda g, A2: cross_entropy(g, A2, 1 - np.asarray(g["labels"]))
        ),
        "the minus sign and the 1/m are missing": (
            lambda g, A2: -len(A2) * cross_entropy(g, A2, g["labels"])
        ),
        "yours has a logarithm to base 10 instead of the natural one": (
            lambda g, A2: cross_entropy(g, A2, g["labels"]) / np.log(10)
        ),
    },
)

BACKWARD = {
    "dZ2": Link(
        lambda g, A2: (A2 - one_hot(g, A2)) / len(A2),
        {
            "the derivative of softmax is taken as a (1 - a), so the other classes get nothing": (
                through_the_label
            ),
            "multiplied by A2 (1 - A2) once more: A2 - Y already contains softmax's derivative": (
                lambda g, A2: (A2 - one_hot(g, A2)) * A2 * (1 - A2) / len(A2)
            ),
            "Y is not subtracted": lambda g, A2: A2 / len(A2),
            "1 is subtracted everywhere instead of at the label": lambda g, A2: (A2 - 1) / len(A2),
            "each label's column is swapped with the other one": (
                lambda g, A2: (A2 - 1 + one_hot(g, A2)) / len(A2)
            ),
        },
    ),
    "dW2": Link(
        lambda g, A1, dZ2: A1.T @ dZ2,
        {
            "yours is Z1ᵀ dZ2: layer 2 received A1, after ReLU": (
                lambda g, A1, dZ2: g["Z1"].T @ dZ2
            ),
        },
    ),
    "db2": Link(lambda g, dZ2: dZ2.sum(axis=0)),
    "dA1": Link(
        lambda g, dZ2: dZ2 @ np.transpose(g["W2"]),
    ),
    "dZ1": Link(
        lambda g, Z1, dA1: dA1 * (Z1 > 0),
        {
            "the mask of ReLU is left out: yours is dA1": lambda g, Z1, dA1: dA1,
            "the mask is taken from dA1 > 0 instead of Z1 > 0": lambda g, Z1, dA1: dA1 * (dA1 > 0),
            "the mask is taken from dA1 < 0 instead of Z1 > 0": lambda g, Z1, dA1: dA1 * (dA1 < 0),
            "the mask is inverted: dA1 passes where Z1 is positive": (
                lambda g, Z1, dA1: dA1 * (Z1 <= 0)
            ),
            "yours is multiplied by A1 instead of by ReLU's slope, 1 where Z1 > 0": (
                lambda g, Z1, dA1: dA1 * np.maximum(Z1, 0)
            ),
            "yours is multiplied by Z1 instead of by ReLU's slope, 1 where Z1 > 0": (
                lambda g, Z1, dA1: dA1 * Z1
            ),
            "yours is ReLU's slope alone: dA1 is left out": lambda g, Z1, dA1: 1.0 * (Z1 > 0),
        },
    ),
    **FIRST_LAYER,
}
