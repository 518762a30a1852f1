"""`dropout`: forward and backward in training, and in evaluation."""

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


IN_Y = {
    "the division by 1 - rate is missing": lambda x, mask, rate: x * mask,
    "multiplied by 1 - rate instead of divided": lambda x, mask, rate: x * mask * (1 - rate),
    "divided by rate instead of by 1 - rate": lambda x, mask, rate: x * mask / rate,
    "the mask is inverted: it is True where a value is kept": (
        lambda x, mask, rate: x * ~mask / (1 - rate)
    ),
    "the mask is left out": lambda x, mask, rate: x / (1 - rate),
    "the mask and the division by 1 - rate are left out": lambda x, mask, rate: x,
}
IN_EVALUATION = {
    "multiplied by 1 - rate: in training, the division already took care of that": (
        lambda x, rate: x * (1 - rate)
    ),
    "divided by 1 - rate: in evaluation, nothing was dropped": lambda x, rate: x / (1 - rate),
}


def forward(student, seed):
    x, rate, y, mask = right(seed)
    mine = student(x.copy(), mask.copy(), rate)
    return [value("y", mine, y, m=len(x), mistakes=IN_Y, given=(x, mask, rate))]


def backward(student, seed):
    x, rate, _, mask = right(seed)
    known = {
        words: lambda x, dy, wrong=wrong: wrong(dy, mask, rate) for words, wrong in IN_Y.items()
    }
    return derivatives(
        ("dx",),
        layer(seed),
        lambda x, dy: student(dy, mask.copy(), rate),
        x,
        mistakes={"dx": known},
    )


def evaluate(student, seed):
    x, rate, _ = data(seed)
    y, _ = pn.dropout(rate).apply((), (), x, train=False)
    mine = student(x.copy(), rate)
    return [value("y", mine, y, m=len(x), mistakes=IN_EVALUATION, given=(x, rate))]


PARTS = (
    Part("forward", ("y",), forward),
    Part("backward", ("dx",), backward),
    Part("evaluate", ("y",), evaluate),
)
