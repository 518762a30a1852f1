"""`neuron`: a = sigmoid(x·w + b), forwards and backwards."""

import numpy as np

import purenn as pn
from grading.part import Part, derivatives, generator, sizes, to_numpy, value


def data(seed):
    rng = generator("neuron", seed)
    m, n = sizes(rng, 2)
    return rng.normal(size=(m, n)), rng.normal(size=n), rng.normal()


def right(x, w, b):
    return pn.sigmoid(x @ w + b)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def slope_at(z):
    return sigmoid(z) * (1 - sigmoid(z))


def each(dz_of):
    """What a mistake in dz makes of each derivative."""
    return {
        "dx": lambda x, w, b, da: np.outer(dz_of(x, w, b, da), w),
        "dw": lambda x, w, b, da: x.T @ dz_of(x, w, b, da),
        "db": lambda x, w, b, da: dz_of(x, w, b, da).sum(),
    }


IN_DZ = {
    "the sigmoid's slope a (1 - a) is left out: da is used as dz": lambda x, w, b, da: da,
    "yours has da · a for dz: the factor (1 - a) is missing": (
        lambda x, w, b, da: da * sigmoid(x @ w + b)
    ),
    "yours has da (1 - a) for dz: the factor a is missing": (
        lambda x, w, b, da: da * (1 - sigmoid(x @ w + b))
    ),
    "yours has the slope at z instead of at a: it is a (1 - a), not z (1 - z)": (
        lambda x, w, b, da: da * (x @ w + b) * (1 - (x @ w + b))
    ),
    "the sigmoid is applied a second time: a is already its output": (
        lambda x, w, b, da: da * slope_at(sigmoid(x @ w + b))
    ),
    "yours has the slope a (1 - a) for dz: da is left out": (
        lambda x, w, b, da: slope_at(x @ w + b)
    ),
}
MISTAKES = {
    name: {words: each(dz_of)[name] for words, dz_of in IN_DZ.items()}
    for name in ("dx", "dw", "db")
}
IN_A = {
    "b is not added": lambda x, w, b: sigmoid(x @ w),
    "yours is z: the sigmoid is left out": lambda x, w, b: x @ w + b,
    "the sign of z is lost: yours is 1 / (1 + e^z)": lambda x, w, b: sigmoid(-(x @ w + b)),
}


def forward(student, seed):
    x, w, b = data(seed)
    mine = student(*map(to_numpy, (x, w, b)))
    return [value("a", mine, right(x, w, b), m=len(x), mistakes=IN_A, given=(x, w, b))]


def backward(student, seed):
    return derivatives(
        ("dx", "dw", "db"),
        right,
        student,
        *data(seed),
        letters={"y": "a", "dy": "da"},
        mistakes=MISTAKES,
    )


PARTS = (Part("forward", ("a",), forward), Part("backward", ("dx", "dw", "db"), backward))
