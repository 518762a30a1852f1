"""The equations of course/depth.md, on a network with three hidden layers."""

import jax
import numpy as np

import purenn as pn
from sitetools.equations.registry import equation

DENSE = "purenn.layers.dense:dense"
SERIAL = "purenn.layers.serial:serial"


def values(rng):
    """Every value of one batch by its symbol, as `explain` computed it; A0 is X, W is by layer."""
    model = pn.mlp((4, 6, 3), 2, activation=pn.tanh)
    params, state = model.init(jax.random.key(0), (5,))
    params = jax.tree.map(lambda p: rng.normal(size=p.shape), params)
    x, labels = rng.normal(size=(7, 5)), rng.integers(2, size=7)
    e = pn.explain(model, pn.softmax_cross_entropy, params, state, x, labels)
    layers = dict(enumerate(params[::2], 1))
    w = {f"W{i}": layer.w for i, layer in layers.items()}
    b = {f"b{i}": layer.b for i, layer in layers.items()}
    return (e.named() | w | b | {"A0": x},)


def of(letter, layers):
    """The package's values of some layers."""
    return lambda v: [v[f"{letter}{i}"] for i in layers]


@equation(
    "depth.z",
    source=f"{SERIAL}.forward",
    line="x, part_state, cache = parts[i].forward(",
    by_purenn=of("Z", (1, 2, 3, 4)),
    inputs=values,
)
def z(v):
    return [v[f"A{i - 1}"] @ v[f"W{i}"] + v[f"b{i}"] for i in (1, 2, 3, 4)]


@equation(
    "depth.dz",
    source=f"{SERIAL}.backward",
    line="dparams[i], dy = parts[i].backward(params[i], caches[i], dy)",
    by_purenn=of("dZ", (1, 2, 3)),
    inputs=values,
)
def dz(v):
    slope = {i: 1 - np.tanh(v[f"Z{i}"]) ** 2 for i in (1, 2, 3)}
    return [(v[f"dZ{i + 1}"] @ v[f"W{i + 1}"].T) * slope[i] for i in (1, 2, 3)]


@equation(
    "depth.dw",
    source=f"{DENSE}.backward",
    line="transposed_product(x, dz, like=w)",
    by_purenn=of("dW", (1, 2, 3, 4)),
    inputs=values,
)
def dw(v):
    return [v[f"A{i - 1}"].T @ v[f"dZ{i}"] for i in (1, 2, 3, 4)]


@equation(
    "depth.db",
    source=f"{DENSE}.backward",
    line="jnp.sum(dz, axis=0)",
    by_purenn=of("db", (1, 2, 3, 4)),
    inputs=values,
)
def db(v):
    return [v[f"dZ{i}"].sum(axis=0) for i in (1, 2, 3, 4)]


def one_example(rng):
    """One example, two weights and the derivative with respect to the output."""
    return (*(rng.normal(size=shape) for shape in ((5,), (5, 4), (4, 3), (3,))),)


def chain_by_hand(x, w1, w2, dy):
    """`dx` of `serial` with a dense, a tanh and a dense without biases."""
    model = pn.serial(pn.dense(4), pn.tanh, pn.dense(3))
    params = (pn.DenseParams(w1, np.zeros(4)), (), pn.DenseParams(w2, np.zeros(3)))
    _, _, caches = model.forward(params, ((), (), ()), x[None])
    return model.backward(params, caches, dy[None])[1][0]


@equation(
    "depth.chain",
    source=f"{SERIAL}.backward",
    line="for i in reversed(range(len(parts)))",
    by_purenn=chain_by_hand,
    inputs=one_example,
)
def chain(x, w1, w2, dy):
    j1 = w1.T  # the Jacobian of z = x w, outputs by inputs
    j2 = np.diag(1 - np.tanh(x @ w1) ** 2)
    j3 = w2.T
    return j1.T @ (j2.T @ (j3.T @ dy))


def square(rng):
    """Inputs, weights that keep their shape, and the derivative with respect to the output."""
    return rng.normal(size=(6, 4)), rng.normal(size=(4, 4)), rng.normal(size=(6, 4))


def residual_by_hand(x, w, dy):
    """`dx` of a residual tanh(x w)."""
    block = pn.residual(pn.serial(pn.dense(4), pn.tanh))
    params = (pn.DenseParams(w, np.zeros(4)), ())
    _, _, cache = block.forward(params, ((), ()), x)
    return block.backward(params, cache, dy)[1]


@equation(
    "residual.dx",
    source="purenn.layers.residual:residual.backward",
    line="return dparams, dy + dx",
    by_purenn=residual_by_hand,
    inputs=square,
)
def residual_dx(x, w, dy):
    through_f = (dy * (1 - np.tanh(x @ w) ** 2)) @ w.T
    return dy + through_f
