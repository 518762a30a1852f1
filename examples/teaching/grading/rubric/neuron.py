"""`neuron`: a = sigmoid(x·w + b), forwards and backwards."""

import purenn as pn
from grading.part import Part, derivatives, generator, sizes, to_numpy, value


def data(seed):
    rng = generator("neuron", seed)
    m, n = sizes(rng, 2)
    return rng.normal(size=(m, n)), rng.normal(size=n), rng.normal()


def right(x, w, b):
    return pn.sigmoid(x @ w + b)


def forward(student, seed):
    x, w, b = data(seed)
    mine = student(*map(to_numpy, (x, w, b)))
    return [value("a", mine, right(x, w, b), m=len(x))]


def backward(student, seed):
    return derivatives(("dx", "dw", "db"), right, student, *data(seed))


PARTS = (Part("forward", ("a",), forward), Part("backward", ("dx", "dw", "db"), backward))
