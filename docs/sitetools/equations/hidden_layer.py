"""The equations of course/hidden-layer.md."""

from itertools import pairwise

import purenn as pn
from sitetools.equations.registry import equation


def three_layers(rng):
    """A batch of 7, and the parameters of 3 -> 5 -> 4 -> 2."""
    widths = (3, 5, 4, 2)
    params = []
    for n_in, units in pairwise(widths):
        params += [rng.normal(size=(n_in, units)), rng.normal(size=units)]
    return rng.normal(size=(7, 3)), *params


def stacked(x, w1, b1, w2, b2, w3, b3):
    """The three layers, one after the other."""
    model = pn.serial(pn.dense(5), pn.dense(4), pn.dense(2))
    params = tuple(pn.DenseParams(w, b) for w, b in ((w1, b1), (w2, b2), (w3, b3)))
    return model.apply(params, ((), (), ()), x)[0]


@equation(
    "hidden.linear",
    source="purenn.layers.serial:serial.apply",
    line="x, part_state = parts[i].apply(params[i], state[i], x",
    by_purenn=stacked,
    inputs=three_layers,
)
def linear(x, w1, b1, w2, b2, w3, b3):
    return x @ (w1 @ w2 @ w3) + ((b1 @ w2 + b2) @ w3 + b3)
