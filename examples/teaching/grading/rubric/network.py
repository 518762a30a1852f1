"""`network`: two layers, every value of the forward and of the backward pass."""

from functools import cache, partial

import jax
import numpy as np

import purenn as pn
from grading.own import IN_CODE, returned, with_own
from grading.part import Part, answers, generator, sizes
from grading.two_layers import BACKWARD as BACKWARD_LINKS
from grading.two_layers import FORWARD as FORWARD_LINKS
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


def right(seed, names):
    """Some of the values, which a student's function may write into."""
    e = explained(seed)
    return {name: np.array(e[name]) for name in names}


def forward(student, seed):
    params, x, _ = data(seed)
    return answers(FORWARD, student(params, x), explained(seed))


def backward(student, seed):
    params, x, labels = data(seed)
    return answers(BACKWARD, student(params, x, labels, right(seed, FORWARD)), explained(seed))


def follow_forward(names, seed, checks):
    params, x, _ = data(seed)
    return followed(seed, checks, returned(names.get("forward"), params, x), FORWARD_LINKS)


def follow_backward(names, seed, checks):
    """`backward` gets the right values of the forward pass."""
    params, x, labels = data(seed)
    values = right(seed, FORWARD)
    mine = returned(names.get("backward"), params, x, labels, dict(values))
    return followed(seed, checks, {**mine, **values}, {**FORWARD_LINKS, **BACKWARD_LINKS})


def followed(seed, checks, mine, links):
    params, x, labels = data(seed)
    given = {**params, "X": x, "labels": labels}
    return with_own(checks, links, given, mine, right(seed, links), m=len(x), precision=IN_CODE)


PARTS = (
    Part("forward", FORWARD, forward, follow_forward),
    Part("backward", BACKWARD, backward, follow_backward),
)
