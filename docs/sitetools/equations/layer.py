"""The equations of course/layer.md."""

import numpy as np

import purenn as pn
from sitetools.equations.passes import passes
from sitetools.equations.registry import equation

FILE = "purenn.layers.dense"


def drawn(rng):
    """6 examples, 4 inputs, 3 neurons, and the derivative from above."""
    return (
        rng.normal(size=(6, 4)),
        rng.normal(size=(4, 3)),
        rng.normal(size=3),
        rng.normal(size=(6, 3)),
    )


def backward(x, w, b, dz):
    """The layer's own backward."""
    return passes(pn.dense(3), pn.DenseParams(w, b), x, dz)[1:]


@equation(
    "dense.z",
    source=f"{FILE}:dense.forward",
    line="product(x, w) + per_feature(b, x)",
    by_purenn=lambda x, w, b, dz: pn.dense(3).apply(pn.DenseParams(w, b), (), x)[0],
    inputs=drawn,
)
def z(x, w, b, dz):
    return np.einsum("ip,pj->ij", x, w) + b


@equation(
    "dense.dw",
    source=f"{FILE}:dense.backward",
    line="transposed_product(x, dz, like=w)",
    by_purenn=lambda *arguments: backward(*arguments)[0].w,
    inputs=drawn,
)
def dw(x, w, b, dz):
    return x.T @ dz


@equation(
    "dense.db",
    source=f"{FILE}:dense.backward",
    line="else jnp.sum(dz, axis=0)",
    by_purenn=lambda *arguments: backward(*arguments)[0].b,
    inputs=drawn,
)
def db(x, w, b, dz):
    return np.array([sum(dz[r, j] for r in range(len(dz))) for j in range(dz.shape[1])])


@equation(
    "dense.dx",
    source=f"{FILE}:dense.backward",
    line="dx = product(dz, w.T, like=x)",
    by_purenn=lambda *arguments: backward(*arguments)[1],
    inputs=drawn,
)
def dx(x, w, b, dz):
    return dz @ w.T
