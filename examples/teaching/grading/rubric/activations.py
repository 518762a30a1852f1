"""`activations`: the derivatives of sigmoid, tanh, and ReLU."""

import numpy as np

import purenn as pn
from grading.part import Part, derivatives, generator, sizes


def data(seed):
    rng = generator("activations", seed)
    z = rng.normal(size=sizes(rng, 2))
    z[0, 0] = 0.0  # ReLU's corner: any value between the one-sided derivatives is right there
    return z


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# Of the arguments of `backward`, in its letters.
SIGMOID = {
    "the factor (1 - a) is missing: the slope is a (1 - a)": lambda a, da: da * a,
    "the factor a is missing: the slope is a (1 - a)": lambda a, da: da * (1 - a),
    "yours is the slope alone: da is left out": lambda a, da: a * (1 - a),
    "yours is da: the slope a (1 - a) is left out": lambda a, da: da,
    "the sigmoid is applied a second time: a is already its output": (
        lambda a, da: da * sigmoid(a) * (1 - sigmoid(a))
    ),
    "yours has tanh's slope 1 - a²: the sigmoid's is a (1 - a)": lambda a, da: da * (1 - a**2),
    "yours has a - 1 instead of 1 - a": lambda a, da: da * a * (a - 1),
}
TANH = {
    "yours has (1 - a)² instead of 1 - a²": lambda a, da: da * (1 - a) ** 2,
    "yours has 1 - a: the square in 1 - a² is missing": lambda a, da: da * (1 - a),
    "yours has the sigmoid's slope a (1 - a): tanh's is 1 - a²": lambda a, da: da * a * (1 - a),
    "yours has 1 + a² instead of 1 - a²": lambda a, da: da * (1 + a**2),
    "yours is the slope alone: da is left out": lambda a, da: 1 - a**2,
    "yours is da: the slope 1 - a² is left out": lambda a, da: da,
    "tanh is applied a second time: a is already its output": (
        lambda a, da: da * (1 - np.tanh(a) ** 2)
    ),
}
RELU = {
    "the mask is taken from da > 0 instead of z > 0": lambda z, da: da * (da > 0),
    "the mask is inverted: da passes where z is positive": lambda z, da: da * (z < 0),
    "yours is the slope alone: da is left out": lambda z, da: 1.0 * (z > 0),
    "yours is da: the mask z > 0 is left out": lambda z, da: da,
    "yours is multiplied by z instead of by the slope, 1 where z > 0": (
        lambda z, da: da * np.maximum(z, 0)
    ),
    "yours is z where it is positive instead of da there": lambda z, da: np.maximum(z, 0),
}
LETTERS = {"x": "z", "dx": "dz", "y": "a", "dy": "da"}


def of_the_output(op, mistakes):
    def mark(student, seed):
        def forward(z):
            a = op(z)
            return a, a  # what backward gets besides da

        return derivatives(
            ("dz",), forward, student, data(seed), letters=LETTERS, mistakes={"dz": mistakes}
        )

    return mark


def relu(student, seed):
    return derivatives(
        ("dz",),
        lambda z: pn.relu(z),
        student,
        data(seed),
        letters=LETTERS,
        mistakes={"dz": RELU},
    )


PARTS = (
    Part("sigmoid_backward", ("dz",), of_the_output(pn.sigmoid, SIGMOID)),
    Part("tanh_backward", ("dz",), of_the_output(pn.tanh, TANH)),
    Part("relu_backward", ("dz",), relu),
)
