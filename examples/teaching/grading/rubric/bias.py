"""`bias`: the axis that db is summed over."""

from functools import cache, partial

import jax
import numpy as np

import purenn as pn
from grading.part import Check, Part, derivatives, generator, sizes, to_numpy, value
from purenn.layers.dense import DenseParams


def data(seed):
    rng = generator("bias", seed)
    m, n_in, n_out = sizes(rng, 3)
    x, w, b = rng.normal(size=(m, n_in)), rng.normal(size=(n_in, n_out)), rng.normal(size=n_out)
    return x, w, b, rng.integers(n_out, size=m)


@cache  # two parts ask for it
def explained(seed):
    x, w, b, labels = data(seed)
    explain = jax.jit(partial(pn.explain, pn.dense(len(b)), pn.softmax_cross_entropy))
    return explain(DenseParams(w, b), (), x, labels)


def bias_backward(student, seed):
    x, w, b, _ = data(seed)
    # dx and dw are not asked for; with x among the arguments the report knows the batch size.
    checks = derivatives(
        ("dx", "dw", "db"),
        lambda x, w, b: x @ w + b,
        lambda x, w, b, dz: (None, None, student(dz)),
        *(x, w, b),
        letters={"y": "z", "dy": "dz"},
    )
    return checks[2:]


def sum_without_axis(student, seed):
    mine, right = student(), float(np.sum(explained(seed)["dZ1"]))
    is_right = isinstance(mine, (int, float, np.number)) and abs(mine - right) < 1e-9
    message = "ok" if is_right else "is not what np.sum(dz) gives: add up one row of dz"
    return [Check("total", is_right, message)]


def columns_bias_backward(student, seed):
    """As in the texts: columns are examples, and dZ has not been divided by m."""
    e = explained(seed)
    dz = to_numpy(e["dZ1"])
    m = len(dz)
    return [value("db", student(m * dz.T), to_numpy(e["db1"])[:, None], m=m)]


PARTS = (
    Part("bias_backward", ("db",), bias_backward),
    Part("sum_without_axis", ("total",), sum_without_axis),
    Part("columns_bias_backward", ("db",), columns_bias_backward),
)
