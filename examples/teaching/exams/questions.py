"""The questions of an exam with numbers: simple ones, so nobody needs a calculator.

Each answer is JAX's derivative of the forward pass that the question describes, or that forward
pass itself. A question draws numbers until every answer can be told from the common wrong ones.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import purenn as pn


class Question(NamedTuple):
    """What is asked, in words with names between backticks; all answers have the same points."""

    title: str
    says: str
    given: Mapping[str, Any]
    answers: Mapping[str, Any]
    session: int  # of the course
    each: int = 1

    @property
    def points(self) -> int:
        """Of all answers together."""
        return self.each * len(self.answers)


def whole(rng: np.random.Generator, *shape: int, low: int = -3, high: int = 3) -> Any:
    """Whole numbers without a zero, of which a few at least are different."""
    while True:
        found = rng.integers(low, high + 1, size=shape).astype(float)
        if np.all(found != 0) and len({*np.ravel(found)}) >= min(found.size, 3):
            return found


def apart(answers: Mapping[str, Any]) -> bool:
    """Whether no answer is zero, and no two have the same numbers."""
    values = [np.ravel(value).tolist() for value in answers.values()]
    return all(map(any, values)) and len(set(map(str, values))) == len(values)


def graph(rng: np.random.Generator) -> Question:
    """A sum and a product, one of whose inputs is used twice."""

    def loss(x: Any, y: Any, z: Any) -> Any:
        return (x + y) * z + x

    while True:
        values = whole(rng, 3, low=-4, high=5)
        dx, dy, dz = jax.grad(loss, argnums=(0, 1, 2))(*values)
        answers = {"L": loss(*values), "dx": dx, "dy": dy, "dz": dz}
        if apart(answers):
            break
    given = dict(zip("xyz", values, strict=True))
    return Question(
        "A graph",
        "`s = x + y` and `L = s z + x`. Compute `L` and the derivatives of `L`. Note that `x` is "
        "used twice.",
        given,
        answers,
        2,
    )


def neuron(rng: np.random.Generator) -> Question:
    """One ReLU neuron that is on, with the squared error."""

    def pre(w: Any, b: Any, x: Any) -> Any:
        return x @ w + b

    def loss(w: Any, b: Any, x: Any, t: Any) -> Any:
        return (pn.relu(pre(w, b, x)) - t) ** 2

    while True:
        x, w, (b, t) = whole(rng, 2), whole(rng, 2), whole(rng, 2, low=1, high=4)
        z = pre(w, b, x)
        dw, db, dx = jax.grad(loss, argnums=(0, 1, 2))(w, b, x, t)
        if 1 <= z <= 6 and z != t and apart({"z": z, "db": db, "dw": dw, "dx": dx}):
            break
    return Question(
        "One neuron",
        "One example, one neuron: `z = x w + b`, `a = max(z, 0)`, and `L = (a - t)²`. Compute "
        "both passes.",
        {"x": x, "w": w, "b": b, "t": t},
        {"z": z, "L": loss(w, b, x, t), "db": db, "dw": dw, "dx": dx},
        3,
    )


def relu(rng: np.random.Generator) -> Question:
    """The mask is of z, whatever the sign of what arrives."""
    signs = rng.permutation([1.0, 1.0, -1.0, -1.0])
    z = signs * rng.permutation([1.0, 2.0, 3.0, 4.0])
    da = rng.permutation([-5.0, 6.0]).tolist() + rng.permutation([-7.0, 8.0]).tolist()
    order = np.argsort(-signs, kind="stable")  # one of each sign of da where z is positive
    arriving = np.empty(4)
    arriving[order] = da
    dz = jax.grad(lambda z: jnp.sum(pn.relu(z) * arriving))(z)
    return Question(
        "ReLU",
        "A ReLU, `A = max(Z, 0)`, received `Z` in the forward pass, and `dA` comes back.",
        {"Z": z, "dA": arriving},
        {"dZ": dz},
        3,
    )


def layer(rng: np.random.Generator) -> Question:
    """The three products of a layer with two examples."""
    while True:
        x, w, dz = whole(rng, 2, 3), whole(rng, 3, 2, low=-2, high=2), whole(rng, 2, 2)
        _, back = jax.vjp(lambda x, w, b: x @ w + b, x, w, np.zeros(2))
        dx, dw, db = back(dz)
        if apart({"dW": dw, "db": db, "dX": dx}) and np.all(db != 0):
            break
    return Question(
        "A layer",
        "The rows of `X` are two examples of a layer `Z = X W + b`. `dZ` comes back and has "
        "already been divided by the number of examples.",
        {"X": x, "W": w, "dZ": dz},
        {"dW": dw, "db": db, "dX": dx},
        4,
        each=2,
    )


def softmax(rng: np.random.Generator) -> Question:
    """The derivative of softmax with cross-entropy, given the probabilities."""
    rows = [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]
    probabilities = np.array([rng.permutation(row) for row in rng.permutation(rows)])
    labels = rng.permutation(3)[:2]
    dz = jax.grad(pn.softmax_cross_entropy)(np.log(probabilities), labels)
    return Question(
        "Softmax and cross-entropy",
        "Softmax turned the scores `Z` of two examples into the probabilities `A`, one row each. "
        "The loss is the mean cross-entropy. The labels count the columns from 0.",
        {"A": probabilities, "labels": labels.astype(float)},
        {"dZ": dz},
        5,
        each=2,
    )


def error(rng: np.random.Generator) -> Question:
    """The mean squared error, whose mean is over all elements."""
    while True:
        a, y = whole(rng, 2, 2, low=-4, high=4), whole(rng, 2, 2, low=-4, high=4)
        if np.all(a != y):
            break
    return Question(
        "The mean squared error",
        "The loss is the mean of the four squared differences between `A` and `Y`.",
        {"A": a, "Y": y},
        {"L": pn.mse(a, y), "dA": jax.grad(pn.mse)(a, y)},
        5,
    )


def network(rng: np.random.Generator) -> Question:
    """Two layers and one example, for which one of the two hidden units is off."""

    def hidden(x: Any, w: Any, b: Any) -> Any:
        return x @ w + b

    def output(z: Any, v: Any) -> Any:
        return pn.relu(z) @ v

    def loss(z: Any, v: Any) -> Any:
        return (output(z, v) - t) ** 2

    while True:
        x, b, v = whole(rng, 2), whole(rng, 2), whole(rng, 2, low=-2, high=2)
        w, t = whole(rng, 2, 2, low=-2, high=2), float(rng.integers(1, 5))
        z, back = jax.vjp(hidden, x, w, b)
        o = output(z, v)
        dz, dv = jax.grad(loss, argnums=(0, 1))(z, v)
        dx, dw, db = back(dz)
        answers = {"z": z, "o": o, "dv": dv, "db": db, "dW": dw, "dx": dx}
        one_is_off = z.min() < 0 and 2 <= z.max() <= 5
        not_its_transpose = w[0, 1] != w[1, 0]
        is_clear = not_its_transpose and apart(answers) and np.all(dx != 0)
        if one_is_off and 1 <= abs(o - t) <= 4 and is_clear:
            break
    return Question(
        "Two layers",
        "One example goes through a hidden layer, `z = x W + b` and `a = max(z, 0)`, and through "
        "an output layer without a bias, `o = a v`. The loss is `L = (o - t)²`. Compute both "
        "passes.",
        {"x": x, "W": w, "b": b, "v": v, "t": t},
        answers,
        6,
    )


def optimizers(rng: np.random.Generator) -> Question:
    """The first steps of the three rules, and the second one of momentum."""

    def after(optimizer: Any, *gradients: float) -> Any:
        weight, state = jnp.asarray(w), optimizer.init(jnp.asarray(w))
        for gradient in gradients:
            step, state = optimizer.update(jnp.asarray(gradient), state)
            weight = weight + step
        return weight

    while True:
        w, first = float(rng.integers(1, 6)), float(rng.choice([-6, -4, -2, 2, 4, 6]))
        second = float(rng.choice([-5, -3, 3, 5]))
        answers = {
            "descent": after(pn.sgd(0.1), first),
            "Adam": after(pn.adam(0.1), first),
            "momentum": after(pn.momentum(0.1, 0.5), first, second),
        }
        if len({round(float(answer), 3) for answer in answers.values()}) == 3:
            break
    return Question(
        "Optimizers",
        "A weight has the value `w`. The first two gradients are `g`. The rate is 0.1. Momentum "
        "keeps the average `m = 0.5 m + 0.5 g`, which starts at 0, and Adam's ε is too small to "
        "matter. What is the weight after one step of gradient descent, after one of Adam, "
        "and after two of momentum?",
        {"w": w, "g": np.array([first, second])},
        answers,
        8,
    )


def dropout(rng: np.random.Generator) -> Question:
    """The same mask and the same scale on both ways."""
    x, dy = whole(rng, 4, low=-6, high=6), whole(rng, 4, low=-6, high=6)
    mask = rng.permutation([1.0, 1.0, 1.0, 0.0])

    def forward(x: Any) -> Any:
        return x * mask / (1 - 0.5)

    return Question(
        "Dropout",
        "Dropout with a rate of 0.5 received `x` in training and drew `k`, which is 1 where a "
        "value is kept. `dy` comes back.",
        {"x": x, "k": mask, "dy": dy},
        {"y": forward(x), "dx": jax.grad(lambda x: jnp.sum(forward(x) * dy))(x)},
        9,
    )


QUESTIONS: tuple[Callable[[np.random.Generator], Question], ...] = (
    graph,
    neuron,
    relu,
    layer,
    error,
    softmax,
    network,
    optimizers,
    dropout,
)


def drawn(seed: int) -> Iterator[Question]:
    """The questions with the numbers of a seed, in the order of the course."""
    with jax.enable_x64(True):
        for number, question in enumerate(QUESTIONS):
            yield question(np.random.default_rng([seed, number, 2718]))
