"""`network_by_hand`: a 2-3-2 network under softmax with cross-entropy, with a pencil."""

from functools import partial

import jax
import numpy as np

import purenn as pn
from grading.part import Part, answers, generator, value
from grading.pencil import clear_enough, rounded
from purenn.layers.dense import DenseParams

MODEL = pn.serial(pn.dense(3), pn.relu, pn.dense(2))
explain = jax.jit(partial(pn.explain, MODEL, pn.softmax_cross_entropy))  # it is called often
FORWARD = ("Z1", "A1", "Z2", "A2")
BACKWARD = ("dZ2", "dW2", "db2", "dA1", "dZ1", "dW1", "db1")


def numbers(seed):
    """X, the parameters and the labels: small, and such that every value has something to say."""
    rng = generator("network_by_hand", seed)
    while True:
        found = {
            "X": rng.choice([-2.0, -1.0, 1.0, 2.0, 3.0], size=(2, 2)).tolist(),
            "W1": rng.choice([-1.0, -0.5, 0.5, 1.0], size=(2, 3)).tolist(),
            "b1": rng.choice([-0.5, 0.0, 0.5], size=3).tolist(),
            "W2": rng.choice([-1.0, -0.5, 0.5, 1.0], size=(3, 2)).tolist(),
            "b2": rng.choice([-0.5, 0.0, 0.5], size=2).tolist(),
            "labels": rng.permutation(2).tolist(),
        }
        if worth_the_work(explained(found)):
            return found


def worth_the_work(e):
    """Each unit is on for one example at least, one is off, and no example is decided yet."""
    on, a2, da1 = (np.asarray(e[name]) for name in ("A1", "A2", "dA1"))
    mixed = (on > 0).any(0).all() and not (on > 0).all()
    return mixed and a2.min() > 0.1 and da1.all() and clear_enough(e, FORWARD + BACKWARD)


def explained(given):
    X, W1, b1, W2, b2, labels = (np.array(given[name]) for name in given)
    params = (DenseParams(W1, b1), (), DenseParams(W2, b2))
    return explain(params, ((), (), ()), X, labels)


def forward(student, seed):
    e, mine = explained(numbers(seed)), student()
    checks = answers(FORWARD, mine, e, tolerance=rounded)
    return [*checks, value("loss", mine.get("loss"), e.value, tolerance=rounded(e.value))]


def backward(student, seed):
    return answers(BACKWARD, student(), explained(numbers(seed)), tolerance=rounded)


PARTS = (Part("forward", (*FORWARD, "loss"), forward), Part("backward", BACKWARD, backward))
