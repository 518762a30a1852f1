"""The equations of course/backpropagation.md: each line of a network 2-3-2, given those before it.

`v` holds every value by its symbol, as `explain` computed it; a transcription computes one of them
again from others.
"""

import jax
import numpy as np

import purenn as pn
from sitetools.equations.registry import equation

DENSE = "purenn.layers.dense:dense"
MODEL, LOSS = pn.serial(pn.dense(3), pn.relu, pn.dense(2)), pn.softmax_cross_entropy
# Each equation draws its own numbers; the program that explains them is compiled once.
EXPLAIN = jax.jit(pn.explain, static_argnums=(0, 1))


def values(rng):
    """All values of one random network and batch: 5 examples, random weights and biases."""
    params, state = MODEL.init(jax.random.key(0), (2,))
    params = jax.tree.map(lambda p: rng.normal(size=p.shape), params)
    labels = rng.integers(2, size=5)
    e = EXPLAIN(MODEL, LOSS, params, state, rng.normal(size=(5, 2)), labels)
    (w1, b1), _, (w2, b2) = params
    weights = {"W1": w1, "b1": b1, "W2": w2, "b2": b2}
    return (e.named() | weights | {"Y": np.eye(2)[labels], "L": e.value},)


def of(symbol):
    """The value that the package computed."""
    return lambda v: v[symbol]


@equation(
    "backprop.z1",
    source=f"{DENSE}.forward",
    line="product(x, w) + per_feature(b, x)",
    by_purenn=of("Z1"),
    inputs=values,
)
def z1(v):
    return v["X"] @ v["W1"] + v["b1"]


@equation(
    "backprop.a1",
    source="purenn.ops.activations:_relu",
    line="jnp.where(x <= 0, 0, x)",
    by_purenn=of("A1"),
    inputs=values,
)
def a1(v):
    return np.maximum(0, v["Z1"])


@equation(
    "backprop.z2",
    source=f"{DENSE}.forward",
    line="product(x, w) + per_feature(b, x)",
    by_purenn=of("Z2"),
    inputs=values,
)
def z2(v):
    return v["A1"] @ v["W2"] + v["b2"]


@equation(
    "backprop.a2",
    source="purenn.ops.softmax:_softmax",
    line="exp / jnp.sum(exp, axis=-1, keepdims=True)",
    by_purenn=of("A2"),
    inputs=values,
)
def a2(v):
    return np.exp(v["Z2"]) / np.exp(v["Z2"]).sum(axis=1, keepdims=True)


@equation(
    "backprop.loss",
    source="purenn.ops.categorical_cross_entropy:_softmax_cross_entropy",
    line="terms = y * jnp.where(",
    by_purenn=of("L"),
    inputs=values,
)
def loss(v):
    return -(v["Y"] * np.log(v["A2"])).sum() / len(v["Y"])


@equation(
    "backprop.dz2",
    source="purenn.ops.categorical_cross_entropy:_softmax_cross_entropy_backward",
    line="wide(error) * mean.backward(dy)",
    by_purenn=of("dZ2"),
    inputs=values,
)
def dz2(v):
    return (v["A2"] - v["Y"]) / len(v["Y"])


@equation(
    "backprop.dw2",
    source=f"{DENSE}.backward",
    line="transposed_product(x, dz, like=w)",
    by_purenn=of("dW2"),
    inputs=values,
)
def dw2(v):
    return v["A1"].T @ v["dZ2"]


@equation(
    "backprop.db2",
    source=f"{DENSE}.backward",
    line="jnp.sum(dz, axis=0)",
    by_purenn=of("db2"),
    inputs=values,
)
def db2(v):
    return v["dZ2"].sum(axis=0)


@equation(
    "backprop.da1",
    source=f"{DENSE}.backward",
    line="product(dz, w.T, like=x)",
    by_purenn=of("dA1"),
    inputs=values,
)
def da1(v):
    return v["dZ2"] @ v["W2"].T


@equation(
    "backprop.dz1",
    source="purenn.ops.activations:_relu_backward",
    line="jnp.where(y > 0, dy, y)",
    by_purenn=of("dZ1"),
    inputs=values,
)
def dz1(v):
    return v["dA1"] * (v["Z1"] > 0)


@equation(
    "backprop.dw1",
    source=f"{DENSE}.backward",
    line="transposed_product(x, dz, like=w)",
    by_purenn=of("dW1"),
    inputs=values,
)
def dw1(v):
    return v["X"].T @ v["dZ1"]


@equation(
    "backprop.db1",
    source=f"{DENSE}.backward",
    line="jnp.sum(dz, axis=0)",
    by_purenn=of("db1"),
    inputs=values,
)
def db1(v):
    return v["dZ1"].sum(axis=0)


def chunks_of_two(rng):
    """The gradients of a model on 5 examples, and those of its chunks of at most 2."""
    model = pn.serial(pn.dense(3), pn.relu, pn.dense(2))
    params, state = model.init(jax.random.key(0), (2,))
    params = jax.tree.map(lambda p: rng.normal(size=p.shape), params)
    return model, params, state, rng.normal(size=(5, 2)), rng.integers(2, size=5)


def gradients_in_chunks(model, params, state, x, labels):
    f = jax.jit(pn.value_and_grad(model, pn.softmax_cross_entropy, tail=pn.Tail(rows=2)))
    return f(params, state, x, labels)[1]


@equation(
    "backprop.chunks",
    source="purenn.backprop.tail:_tail_of.run.add_chunk",
    line="share * value, op.backward(loss_cache, share * one)",
    by_purenn=gradients_in_chunks,
    inputs=chunks_of_two,
)
def chunks(model, params, state, x, labels):
    f = jax.jit(pn.value_and_grad(model, pn.softmax_cross_entropy))
    rows = [0, 2], [1, 3], [4]
    grads = [jax.tree.leaves(f(params, state, x[of], labels[of])[1]) for of in rows]
    shares = [len(of) / len(x) for of in rows]
    return [sum(map(np.multiply, shares, of_one)) for of_one in zip(*grads, strict=True)]
