"""`dropout`: in training, on the way back, and in evaluation."""

from functools import cache

import jax
import numpy as np

import purenn as pn
from grading.part import Part, derivatives, generator, sizes, value


def data(seed):
    rng = generator("dropout", seed)
    x = rng.normal(size=sizes(rng, 2))
    rate = float(rng.choice([0.2, 0.3, 0.4]))
    return x, rate, jax.random.key(seed)


@cache
def layer(seed):
    """The layer of purenn in training, as a function of x."""
    _, rate, key = data(seed)
    return jax.jit(lambda x: pn.dropout(rate).forward((), (), x, train=True, key=key)[0])


def right(seed):
    """What that makes of x, and the mask that it drew."""
    x, rate, _ = data(seed)
    y = np.asarray(layer(seed)(x))
    return x, rate, y, y != 0


def forward(student, seed):
    x, rate, y, mask = right(seed)
    return [value("y", student(x.copy(), mask.copy(), rate), y, m=len(x))]


def backward(student, seed):
    x, rate, _, mask = right(seed)
    return derivatives(("dx",), layer(seed), lambda x, dy: student(dy, mask.copy(), rate), x)


def evaluate(student, seed):
    x, rate, _ = data(seed)
    y, _ = pn.dropout(rate).apply((), (), x, train=False)
    return [value("y", student(x.copy(), rate), y, m=len(x))]


PARTS = (
    Part("forward", ("y",), forward),
    Part("backward", ("dx",), backward),
    Part("evaluate", ("y",), evaluate),
)
