"""`one_neuron_by_hand`: sigmoid(X·W1 + b1) under the mean squared error, with a pencil."""

from functools import partial

import jax
import numpy as np

import purenn as pn
from grading.part import Part, answers, generator, value
from grading.pencil import clear_enough, rounded
from purenn.layers.dense import DenseParams

MODEL = pn.serial(pn.dense(1), pn.sigmoid)
explain = jax.jit(partial(pn.explain, MODEL, pn.mse))  # it is called often
FORWARD, BACKWARD = ("Z1", "A1"), ("dA1", "dZ1", "dW1", "db1")


def numbers(seed):
    """X, W1, b1 and the targets Y: small, and such that no derivative is lost in rounding."""
    rng = generator("one_neuron_by_hand", seed)
    n = int(rng.integers(2, 4))
    while True:
        found = {
            "X": rng.choice([-2.0, -1.0, 1.0, 2.0, 3.0], size=(2, n)).tolist(),
            "W1": rng.choice([-1.0, -0.5, 0.5, 1.0], size=(n, 1)).tolist(),
            "b1": rng.choice([-0.5, 0.5, 1.0], size=1).tolist(),
            "Y": [[0.0], [1.0]],
        }
        if clear_enough(explained(found), FORWARD + BACKWARD):
            return found


def explained(given):
    X, W1, b1, Y = (np.array(given[name]) for name in ("X", "W1", "b1", "Y"))
    params = (DenseParams(W1, b1), ())
    return explain(params, ((), ()), X, Y)


def forward(student, seed):
    e, mine = explained(numbers(seed)), student()
    checks = answers(FORWARD, mine, e, tolerance=rounded)
    return [*checks, value("loss", mine.get("loss"), e.value, tolerance=rounded(e.value))]


def backward(student, seed):
    return answers(BACKWARD, student(), explained(numbers(seed)), tolerance=rounded)


def step(student, seed):
    e, mine = explained(numbers(seed)), student()
    if not isinstance(mine, dict):
        raise TypeError(f"a dict with W1, b1 and loss is expected, a {type(mine).__name__} came")
    (w, b), _ = e.grads
    given = numbers(seed)
    right = {
        "W1": np.array(given["W1"]) - 0.1 * np.asarray(w),
        "b1": np.array(given["b1"]) - 0.1 * np.asarray(b),
        "loss": e.value_after,
    }
    return [
        # Rounded to three decimals, a step must still show: it is small beside the weight.
        value(name, mine.get(name), it, tolerance=0.002 / float(np.abs(it).max()))
        for name, it in right.items()
    ]


PARTS = (
    Part("forward", (*FORWARD, "loss"), forward),
    Part("backward", BACKWARD, backward),
    Part("step", ("W1", "b1", "loss"), step),
)
