"""The equations of course/depth.md, on a network with three hidden layers."""

import jax
import numpy as np

import purenn as pn
from sitetools.equations.jacobians import chain_backward
from sitetools.equations.passes import passes
from sitetools.equations.registry import equation

DENSE = "purenn.layers.dense:dense"
SERIAL = "purenn.layers.serial:serial"
MODEL, LOSS = pn.mlp((4, 6, 3), 2, activation=pn.tanh), pn.softmax_cross_entropy
EXPLAIN = jax.jit(pn.explain, static_argnums=(0, 1))  # compiled once for all equations


def values(rng):
    """Every value of one batch by its symbol, as `explain` computed it; A0 is X, W is by layer."""
    params, state = MODEL.init(jax.random.key(0), (5,))
    params = jax.tree.map(lambda p: rng.normal(size=p.shape), params)
    x, labels = rng.normal(size=(7, 5)), rng.integers(2, size=7)
    e = EXPLAIN(MODEL, LOSS, params, state, x, labels)
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
    """One example, two weights, and the derivative with respect to the output."""
    return (*(rng.normal(size=shape) for shape in ((5,), (5, 4), (4, 3), (3,))),)


def chain_by_hand(x, w1, w2, dy):
    """`dx` of `serial` with a dense, a tanh, and a dense without biases."""
    return chain_backward(x, w1, np.zeros(4), w2, np.zeros(3), dy)


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
    return ((dy @ j3) @ j2) @ j1


def square(rng):
    """Inputs, weights that keep their shape, and the derivative with respect to the output."""
    return rng.normal(size=(6, 4)), rng.normal(size=(4, 4)), rng.normal(size=(6, 4))


def residual_by_hand(x, w, dy):
    """`dx` of a residual tanh(x w)."""
    block = pn.residual(pn.serial(pn.dense(4), pn.tanh))
    params = (pn.DenseParams(w, np.zeros(4)), ())
    return passes(block, params, x, dy, state=((), ()))[2]


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


def projected_by_hand(x, w, v, dy):
    """`dx` of tanh(x w) with the projection x v around it."""
    zeros = np.zeros(w.shape[1])
    block = pn.residual(pn.serial(pn.dense(w.shape[1]), pn.tanh), projection=pn.dense(v.shape[1]))
    params = (pn.DenseParams(w, zeros), ()), pn.DenseParams(v, zeros)
    return passes(block, params, x, dy, state=(((), ()), ()))[2]


@equation(
    "residual.projection",
    source="purenn.layers.parallel:branches.backward",
    line="return tuple(dparams), added(found) if found else None",
    by_purenn=projected_by_hand,
    inputs=lambda rng: tuple(rng.normal(size=shape) for shape in ((6, 4), (4, 3), (4, 3), (6, 3))),
)
def residual_projection(x, w, v, dy):
    return dy @ v.T + (dy * (1 - np.tanh(x @ w) ** 2)) @ w.T


def three_branches(rng):
    """An input, the weights of three layers, and the derivative with respect to the output."""
    return tuple(rng.normal(size=shape) for shape in ((6, 4), (4, 3), (4, 3), (4, 3), (6, 3)))


def of_branches(combine, *weights):
    """`(outputs, dys, dx)` of dense layers without biases, by their sizes and weights."""
    layer = pn.parallel(*(pn.dense(w.shape[1], b_init=None) for w in weights), combine=combine)
    params = tuple(map(pn.DenseParams, weights))

    def run(x, dy):
        return passes(layer, params, x, dy, state=((),) * len(weights))[1:]

    return run


def weights_by_hand(combine):
    """The derivatives of the weights, xᵀ dy_i, which show each dy_i."""
    return lambda x, *rest: [d.w for d in of_branches(combine, *rest[:-1])(x, rest[-1])[0]]


@equation(
    "parallel.product",
    source="purenn.layers.combine:shares",
    line="return [after[0], *map(mul, before, after[1:])]",
    by_purenn=weights_by_hand("product"),
    inputs=three_branches,
)
def parallel_product(x, u, v, w, dy):
    a, b, c = x @ u, x @ v, x @ w
    return [x.T @ (dy * b * c), x.T @ (dy * a * c), x.T @ (dy * a * b)]


def two_widths(rng):
    """An input, the weights of two layers of other widths, and the derivative of both outputs."""
    return tuple(rng.normal(size=shape) for shape in ((6, 4), (4, 2), (4, 3), (6, 5)))


@equation(
    "parallel.concat",
    source="purenn.layers.combine:shares",
    line="return jnp.split(dy, ends, axis=-1)",
    by_purenn=weights_by_hand("concat"),
    inputs=two_widths,
)
def parallel_concat(x, v, w, dy):
    return [x.T @ dy[:, :2], x.T @ dy[:, 2:]]


@equation(
    "parallel.dx",
    source="purenn.layers.parallel:branches.backward",
    line="own_dparams, dx = layers[i].backward(params[i], saved.caches[i], dys[i])",
    by_purenn=lambda x, *rest: of_branches("concat", *rest[:-1])(x, rest[-1])[1],
    inputs=two_widths,
)
def parallel_dx(x, v, w, dy):
    return dy[:, :2] @ v.T + dy[:, 2:] @ w.T


def stack(rng):
    """An input, the weights of three layers that keep the width, stacked, and dy."""
    return tuple(rng.normal(size=shape) for shape in ((6, 4), (3, 4, 4), (6, 4)))


def repeated_by_hand(x, w, dy):
    """`(dw, dx)` of three layers tanh(x w), run as one loop."""
    layer = pn.repeat(pn.serial(pn.dense(4, b_init=None), pn.tanh), 3)
    params = (pn.DenseParams(w), ())
    _, (dense, _), dx = passes(layer, params, x, dy, state=((), ()))
    return dense.w, dx


def repeated(x, w, dy):
    """The same in NumPy: each layer's dw, and dx."""
    xs, dws = [x], []
    for each in w:
        xs.append(np.tanh(xs[-1] @ each))
    for i in (2, 1, 0):
        dz = dy * (1 - xs[i + 1] ** 2)
        dws.append(xs[i].T @ dz)
        dy = dz @ w[i].T
    return np.stack(dws[::-1]), dy


@equation(
    "repeat.dx",
    source="purenn.layers.repeat:repeat.backward",
    line="dparams, dx = inner.backward(own_params, kept.cache(y), dy)",
    by_purenn=lambda *of: repeated_by_hand(*of)[1],
    inputs=stack,
)
def repeat_dx(x, w, dy):
    return repeated(x, w, dy)[1]


@equation(
    "repeat.dparams",
    source="purenn.layers.repeat:repeat.backward",
    line="lax.scan(one, (dy, saved.y), given, length=times, reverse=True)",
    by_purenn=lambda *of: repeated_by_hand(*of)[0],
    inputs=stack,
)
def repeat_dparams(x, w, dy):
    return repeated(x, w, dy)[0]
