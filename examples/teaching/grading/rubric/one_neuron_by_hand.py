"""`one_neuron_by_hand`: sigmoid(X·W1 + b1) under the mean squared error, with a pencil."""

from functools import partial

import jax
import numpy as np

import purenn as pn
from grading import one_neuron
from grading.own import ON_PAPER, returned, with_own
from grading.part import Part, a_dict, answers, generator, value
from grading.pencil import clear_enough, fitted, rounded, tells_places_apart
from purenn.layers.dense import DenseParams

MODEL = pn.serial(pn.dense(1), pn.sigmoid)
explain = jax.jit(partial(pn.explain, MODEL, pn.mse))  # it is called often
FORWARD, BACKWARD = ("Z1", "A1"), ("dA1", "dZ1", "dW1", "db1")


def numbers(seed):
    """X, W1, b1, and the targets Y: small, and such that every mistake shows after rounding."""
    rng = generator("one_neuron_by_hand", seed)
    while True:
        found = {
            "X": rng.choice([-2.0, -1.0, 1.0, 2.0, 3.0], size=(2, 2)).tolist(),
            "W1": rng.choice([-1.0, -0.5, 0.5, 1.0], size=(2, 1)).tolist(),
            "b1": rng.choice([-0.5, 0.5, 1.0], size=1).tolist(),
            "Y": [[0.0], [1.0]],
        }
        if tells_places_apart(found["X"], found["W1"]) and worth_the_work(found):
            return found


def worth_the_work(given):
    """No result is lost in rounding, and no two places of a matrix have the same result."""
    e = explained(given)
    after = after_step(given, e)
    values, names = e.named(), FORWARD + BACKWARD
    # With Z1 and -Z1, the slopes of the sigmoid would be the same.
    shown = (*(values[name] for name in names), after["W1"], np.abs(values["Z1"]))
    clear = clear_enough(values, names, others=(e.value, *after.values()))
    return clear and tells_places_apart(*shown)


def explained(given):
    X, W1, b1, Y = (np.array(given[name]) for name in ("X", "W1", "b1", "Y"))
    params = (DenseParams(W1, b1), ())
    return explain(params, ((), ()), X, Y)


def after_step(given, e):
    """The parameters after a step of 0.1, and the loss there."""
    (w, b), _ = e.grads
    return {
        "W1": np.array(given["W1"]) - 0.1 * np.asarray(w),
        "b1": np.array(given["b1"]) - 0.1 * np.asarray(b),
        "loss": e.value_after,
    }


def right(seed):
    """Every value by the name of its link."""
    given = numbers(seed)
    e = explained(given)
    values = {name: np.asarray(e[name]) for name in FORWARD + BACKWARD}
    after = {f"new_{name}": np.asarray(it) for name, it in after_step(given, e).items()}
    return {**values, "loss": np.asarray(e.value), **after}


def forward(student, seed):
    e, mine = explained(numbers(seed)), student()
    checks = answers(FORWARD, mine, e, tolerance=rounded, fitted=fitted)
    loss, note = fitted(mine.get("loss"), e.value)
    return [*checks, value("loss", loss, e.value, m=2, tolerance=rounded(e.value), note=note)]


def backward(student, seed):
    e = explained(numbers(seed))
    return answers(BACKWARD, student(), e, tolerance=rounded, fitted=fitted)


def step(student, seed):
    e = explained(numbers(seed))
    checks, mine = [], a_dict(student(), STEP)
    for name, it in after_step(numbers(seed), e).items():
        # Rounded to three decimals, a step must still show: it is small beside the weight.
        limit = 0.002 / float(np.abs(it).max())
        shaped, note = fitted(mine.get(name), it)
        checks.append(value(name, shaped, it, tolerance=limit, note=note))
    return checks


def follow_to(part):
    def follow(names, seed, checks):
        earlier = {**returned(names.get("forward")), **returned(names.get("backward"))}
        after = {f"new_{name}": it for name, it in returned(names.get("step")).items()}
        return with_own(
            checks,
            LINKS,
            numbers(seed),
            {**earlier, **after},
            right(seed),
            m=2,
            precision=ON_PAPER,
            key=lambda name: f"new_{name}" if part == "step" else name,
        )

    return follow


LINKS = {**one_neuron.FORWARD, **one_neuron.BACKWARD, **one_neuron.STEP}
STEP = ("W1", "b1", "loss")
PARTS = (
    Part("forward", (*FORWARD, "loss"), forward, follow_to("forward")),
    Part("backward", BACKWARD, backward, follow_to("backward")),
    Part("step", STEP, step, follow_to("step")),
)
