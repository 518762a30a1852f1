"""Mistakes planted mechanically in every correct backward: `check_gradients` must catch them all.

Two kinds. *Result* mutants change what the backward returns; *source* mutants are the backward with
one place of its source changed. A mutant is caught when the report fails or when it raises. The
referee is found once a case, and grades every mutant of it, as `check_gradients` would.
"""

import inspect
from collections import Counter
from importlib import import_module
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from planted.mutants import mutants
from table import LAYERS, OPS, LayerRow, layer_input, names, op_case

import purenn as pn
from purenn.inspect import cases

pytestmark = pytest.mark.usefixtures("quickly")

checker = import_module("purenn.inspect.check_gradients")
TOLERANCE = 1e-9

# Not mistakes, each with its reason: the function is the same, so there is nothing to catch.
FACTOR = "the factor is 1; it only makes the derivative of invalid input NaN"
EQUIVALENT = {
    f"{loss}_backward: {product} * {factor} → {product}{rest}": FACTOR
    for loss, product, factor in (
        ("binary_cross_entropy", "dp.astype(dy.dtype)", "saved.factor"),
        ("sigmoid_binary_cross_entropy", "dz.astype(dy.dtype)", "saved.factor"),
        ("categorical_cross_entropy", "da.astype(dy.dtype)", "factor"),
    )
    for rest in ("", f" / {factor}")
} | {
    "categorical_cross_entropy_backward: 1 → 1.01": "never chosen: only so that 0 divides nothing",
}


class Asked(NamedTuple):
    """A case with its referee."""

    part: Any
    case: Any
    referee: Any

    def caught(self, backward):
        """Whether a backward is caught, and how."""
        part = self.part.replace(backward=backward)
        try:
            yours = self.case.by_hand(self.referee.dy, backward=part.backward)
        except Exception:
            return "raised"
        report = checker.grade(self.referee, yours, TOLERANCE)
        return "" if report.ok else "reported"


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        yield


@pytest.fixture(scope="module")
def tally():
    counts = Counter()
    yield counts
    kinds = {kind for kind, _ in counts}
    for kind in sorted(kinds):
        caught = counts[kind, "reported"] + counts[kind, "raised"]
        total = sum(count for (k, _), count in counts.items() if k == kind)
        print(f"\n{kind}: {caught} of {total} caught, {counts[kind, 'raised']} by raising")


def ask(row, shape, seed):
    """One of a row's cases, by the shape (of the leading axes for a layer) and a seed."""
    rng = np.random.default_rng(seed)
    if isinstance(row, LayerRow):
        x = layer_input(row, shape, rng)
        case = cases.layer_case(row.layer, (x,), None, 0, row.train, jax.random.key(seed), rng)
        return Asked(row.layer, case, checker.ask(case, rng))
    arguments = op_case(row, shape, rng)
    if isinstance(arguments[0], jax.Array) and row.op in ACTIVATIONS:
        near = arguments[0].reshape(-1).at[0].set(0.005)  # just right of the kink
        arguments = (near.reshape(shape), *arguments[1:])
    case = cases.op_case(row.op, arguments, row.options)
    return Asked(row.op, case, checker.ask(case, rng))


ACTIVATIONS = (pn.relu, pn.leaky_relu, pn.sigmoid, pn.tanh, pn.gelu, pn.silu, pn.softplus)
ROWS = (*LAYERS, *OPS)


def part_of(row):
    return row.layer if isinstance(row, LayerRow) else row.op


def shapes_of(row):
    """The plainest shape, and one with two leading axes, which tells axis -1 from axis 1."""
    shapes = row.leading if isinstance(row, LayerRow) else row.shapes
    longest = max(shapes, key=len)
    return [shapes[0], longest] if len(longest) > len(shapes[0]) else [shapes[0]]


# Result mutants.


def spoiled(leaves, i, m, rng):
    """(name, leaves) of every result mutant of leaf i; none that equals what it was made from."""
    d = np.asarray(leaves[i])
    one = d.copy()
    place = rng.choice(np.flatnonzero(d)) if d.any() else 0
    one.flat[place] = one.flat[place] * 1.01 if d.any() else 0.01
    mutants = {
        "sign": -d,
        "one element 1 % off": one,
        "times m": d * m,
        "by m": d / m,
        "doubled": 2 * d,
        "transposed": d.T,
        "summed, ()": d.sum(),
        "summed, broadcast": np.full(d.shape, d.sum()),
        "zeroed": 0 * d,
        "missing": None,
    }
    for j in range(i):
        if np.shape(leaves[j]) == d.shape:
            mutants[f"swapped with {j}"] = np.asarray(leaves[j])
    zero = np.abs(d).max(initial=0) < 1e-12
    for name, mutant in mutants.items():
        same = mutant is not None and mutant.shape == d.shape
        if same and (np.array_equal(mutant, d) or (zero and np.abs(mutant).max() < 1e-12)):
            continue
        changed = [*leaves[:i], mutant, *leaves[i + 1 :]]
        if name.startswith("swapped"):
            changed[int(name.split()[-1])] = d
        yield name, changed


@pytest.mark.parametrize("row", ROWS, ids=names(ROWS))
def test_every_spoiled_result_is_reported(row, tally):
    asked = ask(row, shapes_of(row)[0], seed=len(row.name))
    leaves = asked.case.by_hand(asked.referee.dy)
    control = checker.grade(asked.referee, leaves, TOLERANCE)
    assert control.ok, control
    rng, missed = np.random.default_rng(3), []
    for i in range(len(leaves)):
        for name, changed in spoiled(leaves, i, asked.referee.m, rng):
            ok = checker.grade(asked.referee, changed, TOLERANCE).ok
            tally["result", "missed" if ok else "reported"] += 1
            missed += [(asked.referee.names[i], name)] if ok else []
    assert not missed


# Source mutants.


def rules():
    """The rows by the backward that they share: a mutant need only be caught by one of them."""
    groups = {}
    for row in ROWS:
        code = inspect.unwrap(part_of(row).functions.backward).__code__
        groups.setdefault((code.co_filename, code.co_firstlineno), []).append(row)
    return list(groups.values())


def clipped(row, monkeypatch):
    """A probability loss with its clip at 0.2, so that many elements lie beyond it."""
    module = import_module(row.op.functions.backward.__module__)
    monkeypatch.setattr(module, "CLIP", 0.2)
    p = np.array([[0.1, 0.201, 0.699], [0.195, 0.802, 0.003], [0.79, 0.1, 0.11]])
    if row.op is pn.binary_cross_entropy:
        p, targets = np.append(p, [[0.805, 0.95, 0.3]], axis=0), np.full((4, 3), 0.4)
    else:
        targets = np.full((3, 3), [0.5, 0.2, 0.3])
    case = cases.op_case(row.op, (jnp.asarray(p), jnp.asarray(targets)), {})
    return Asked(row.op, case, checker.ask(case, np.random.default_rng(5)))


def in_blocks(row, monkeypatch):
    """A recurrent layer whose few steps are two blocks, so that derivatives are added up."""
    module = import_module("purenn.layers.recurrent")
    monkeypatch.setattr(module, "LEAST", 2)
    monkeypatch.setattr(module, "MOST", 2)
    return ask(row, (3,), 5)


@pytest.mark.parametrize("rows", rules(), ids=lambda rows: rows[0].name)
def test_every_mutant_of_the_source_is_caught(rows, tally, monkeypatch):
    ways = {}

    def try_on(one):
        plain = one.part.functions.backward
        assert not one.caught(plain)  # the original passes
        # Made anew for each part, whose options are in the variables around its backward.
        for name, backward in mutants(plain):
            if name not in EQUIVALENT:
                ways[name] = ways.get(name) or one.caught(backward)
        return all(ways.values())

    every = ((row, shape, seed) for row in rows for seed, shape in enumerate(shapes_of(row)))
    done = any(try_on(ask(*one)) for one in every)  # until all are caught
    if not done and rows[0].name in ("binary_cross_entropy", "categorical_cross_entropy"):
        try_on(clipped(rows[0], monkeypatch))
    if not done and rows[0].name in ("gru", "lstm"):
        try_on(in_blocks(rows[0], monkeypatch))
    missed = [name for name, way in ways.items() if not way]
    tally.update(("source", way or "missed") for way in ways.values())
    assert not missed


# The mistakes that the texts plant, by their own names, through the public functions.


def soft(cache, dy):
    return dy * cache * (1 - cache)


def no_statistics(params, saved, dy):
    x_hat = (saved.x - saved.mean) * saved.inv_std
    dgamma, dbeta = jnp.sum(dy * x_hat, 0), jnp.sum(dy, 0)
    return type(params)(dgamma, dbeta), dy * params.gamma * saved.inv_std


def fixed(layer, mistake):
    """The layer with a backward made from its own plain one."""
    return layer.replace(backward=mistake(layer.functions.backward))


def dense_with(**wrong):
    return fixed(
        pn.dense(3),
        lambda right: (
            lambda p, x, dz: (
                right(p, x, dz)[0]._replace(**{k: f(x, dz) for k, f in wrong.items()}),
                right(p, x, dz)[1],
            )
        ),
    )


NO_AXIS = dense_with(b=lambda x, dz: jnp.sum(dz))
LOST_TRANSPOSE = fixed(pn.dense(3), lambda right: lambda p, x, dz: (right(p, x, dz)[0], dz @ p.w))
UNSCALED = fixed(
    pn.dropout(0.4), lambda right: lambda p, seeds, dy: ((), right(p, seeds, dy)[1] * 0.6)
)
UNMASKED = fixed(pn.dropout(0.4), lambda right: lambda p, seeds, dy: ((), dy / 0.6))
CONSTANTS = pn.batch_norm().replace(backward=no_statistics)
ELEMENTWISE = pn.softmax.replace(backward=soft)
SUM_OF_SQUARES = pn.mse.replace(backward=lambda saved, dy: 2 * saved.error * dy)
DECAYED_BIASES = pn.l2_penalty(0.5).replace(
    backward=lambda params, dy: jax.tree.map(lambda w: 0.5 * w * dy, params)
)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("layer", "leaf", "message"),
    [
        (NO_AXIS, "db", "shape (), expected (3,): a sum without axis=0?"),
        (LOST_TRANSPOSE, "dx", "12 of 12 elements differ"),
        (UNSCALED, "dx", "yours = 0.6 × referee everywhere"),
        (UNMASKED, "dx", "elements differ"),
        (CONSTANTS, "dx", "12 of 12 elements differ"),
    ],
    ids=["db without axis", "lost transpose", "no scale", "no mask", "no mean and variance"],
)
def test_the_texts_mistakes_in_a_layer_are_named(layer, leaf, message, seed):
    key = jax.random.key(seed)
    report = pn.check_gradients(layer, in_shape=(3,), seed=seed, key=key)
    (wrong,) = [line for line in report.leaves if not line.ok]
    assert wrong.name == leaf and message in wrong.message


def test_the_texts_mistakes_in_an_op_are_named(rng):
    x, t = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    (softmax,) = pn.check_gradients(ELEMENTWISE, x).leaves
    assert "12 of 12 elements differ" in softmax.message
    (mse,) = pn.check_gradients(SUM_OF_SQUARES, x, t).leaves
    assert mse.message.endswith("the 1/n over every element is missing (n = 12)")
    w, b = pn.check_gradients(DECAYED_BIASES, [x, t[0]]).leaves
    assert w.ok and b.message.startswith("should be zero, yours is up to ")
