"""`network`: two layers, every value of the forward and of the backward pass."""

from functools import cache, partial

import jax
import numpy as np

import purenn as pn
from grading.part import Part, answers, generator, sizes, to_numpy
from purenn.layers.dense import DenseParams

FORWARD = ("Z1", "A1", "Z2", "A2")
BACKWARD = ("dZ2", "dW2", "db2", "dA1", "dZ1", "dW1", "db1")


def data(seed):
    rng = generator("network", seed)
    m, n, hidden, k = sizes(rng, 4)
    params = {
        "W1": rng.normal(size=(n, hidden)),
        "b1": rng.normal(size=hidden),
        "W2": rng.normal(size=(hidden, k)),
        "b2": rng.normal(size=k),
    }
    return params, rng.normal(size=(m, n)), rng.integers(k, size=m)


@cache  # both parts ask for it
def explained(seed):
    p, x, labels = data(seed)
    hidden, k = p["W2"].shape
    model = pn.serial(pn.dense(hidden), pn.relu, pn.dense(k))
    params = (DenseParams(p["W1"], p["b1"]), (), DenseParams(p["W2"], p["b2"]))
    explain = jax.jit(partial(pn.explain, model, pn.softmax_cross_entropy))
    return explain(params, ((), (), ()), x, labels)


def forward(student, seed):
    params, x, _ = data(seed)
    return answers(FORWARD, student(params, x), explained(seed))


def backward(student, seed):
    params, x, labels = data(seed)
    e = explained(seed)
    values = {name: np.asarray(to_numpy(e[name])) for name in FORWARD}
    return answers(BACKWARD, student(params, x, labels, values), e)


PARTS = (Part("forward", FORWARD, forward), Part("backward", BACKWARD, backward))
