"""`softmax_cross_entropy`: the output layer of a classifier."""

import jax
import numpy as np

import purenn as pn
from grading.part import Part, derivatives, generator, sizes, to_numpy, value

right_softmax = jax.jit(lambda z: pn.softmax(z))
right_loss = jax.jit(lambda z, labels: pn.softmax_cross_entropy(z, labels))


def data(seed):
    rng = generator("softmax_cross_entropy", seed)
    m, k = sizes(rng, 2)
    return rng.normal(size=(m, k)), rng.integers(k, size=m)


def softmax(student, seed):
    z, _ = data(seed)
    far = 1000.0 * np.sign(z)  # exp(1000) is infinite
    return [
        value("a", student(z.copy()), right_softmax(z), m=len(z)),
        value("a at 1000", student(far.copy()), right_softmax(far), m=len(z)),
    ]


def loss(student, seed):
    z, labels = data(seed)
    mine = student(z.copy(), labels.copy())
    return [value("loss", mine, right_loss(z, labels), m=len(z))]


def backward(student, seed):
    z, labels = data(seed)

    def of_the_mean(z, dloss):
        came = student(to_numpy(z), labels.copy())
        return came if came is None else np.asarray(came) * dloss

    return derivatives(("dz",), lambda z: right_loss(z, labels), of_the_mean, z)


PARTS = (
    Part("softmax", ("a", "a at 1000"), softmax),
    Part("loss", ("loss",), loss),
    Part("backward", ("dz",), backward),
)
