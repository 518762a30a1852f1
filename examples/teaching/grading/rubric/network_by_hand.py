"""`network_by_hand`: a 2-3-2 network under softmax with cross-entropy, with a pencil."""

from functools import partial

import jax
import numpy as np

import purenn as pn
from grading import two_layers
from grading.own import ON_PAPER, returned, with_own
from grading.part import Part, answers, generator, value
from grading.pencil import at_work, clear_enough, fitted, picked, rounded, tells_places_apart
from purenn.layers.dense import DenseParams

MODEL = pn.serial(pn.dense(3), pn.relu, pn.dense(2))
explain = jax.jit(partial(pn.explain, MODEL, pn.softmax_cross_entropy))  # it is called often
INPUTS = np.array([-2.0, -1.0, 1.0, 2.0, 3.0])
WEIGHTS, BIASES = np.array([-1.0, -0.5, 0.5, 1.0]), np.array([-0.5, 0.0, 0.5])
FORWARD = ("Z1", "A1", "Z2", "A2")
BACKWARD = ("dZ2", "dW2", "db2", "dA1", "dZ1", "dW1", "db1")


def numbers(seed):
    """X, the parameters, and the labels: small, and such that every mistake shows."""
    rng = generator("network_by_hand", seed)
    while True:
        drawn = {
            "X": picked(rng, INPUTS, (2, 2)),
            "W1": picked(rng, WEIGHTS, (2, 3)),
            "b1": rng.permutation(BIASES),
            "W2": picked(rng, WEIGHTS, (3, 2)),
            "b2": rng.permutation(BIASES)[:2],
            "labels": rng.permutation(2),
        }
        # An explanation takes longer than all other checks.
        if promising(drawn):
            found = {name: values.tolist() for name, values in drawn.items()}
            if worth_the_work(explained(found)):
                return found


def promising(given):
    """Every unit is on for an example, every example has a unit on, and one is off."""
    X, W1, b1, W2 = (given[name] for name in ("X", "W1", "b1", "W2"))
    hidden = X @ W1 + b1
    on = hidden > 0
    mixed = on.any(0).all() and on.any(1).all() and not on.all()
    return mixed and at_work(hidden) and tells_places_apart(X, W1, W2, hidden)


def worth_the_work(e):
    """No result is lost in rounding, and no two places of a matrix have the same result."""
    values, names = e.named(), FORWARD + BACKWARD
    clear = clear_enough(values, names, others=(e.value,), masked=("A1", "dZ1"))
    undecided = np.min(values["A2"]) > 0.1
    return clear and undecided and tells_places_apart(*(values[name] for name in names))


def explained(given):
    X, W1, b1, W2, b2, labels = (np.array(given[name]) for name in given)
    params = (DenseParams(W1, b1), (), DenseParams(W2, b2))
    return explain(params, ((), (), ()), X, labels)


def right(seed):
    """Every value by name, with the loss."""
    e = explained(numbers(seed))
    values = {name: np.asarray(e[name]) for name in FORWARD + BACKWARD}
    return {**values, "loss": np.asarray(e.value)}


def forward(student, seed):
    e, mine = explained(numbers(seed)), student()
    checks = answers(FORWARD, mine, e, tolerance=rounded, fitted=fitted)
    loss, note = fitted(mine.get("loss"), e.value)
    return [*checks, value("loss", loss, e.value, m=2, tolerance=rounded(e.value), note=note)]


def backward(student, seed):
    e = explained(numbers(seed))
    return answers(BACKWARD, student(), e, tolerance=rounded, fitted=fitted)


def follow(names, seed, checks):
    """Values of the backward pass are computed from those of the forward pass too."""
    mine = {**returned(names.get("forward")), **returned(names.get("backward"))}
    return with_own(checks, LINKS, numbers(seed), mine, right(seed), m=2, precision=ON_PAPER)


LINKS = {**two_layers.FORWARD, "loss": two_layers.LOSS, **two_layers.BACKWARD}
PARTS = (
    Part("forward", (*FORWARD, "loss"), forward, follow),
    Part("backward", BACKWARD, backward, follow),
)
