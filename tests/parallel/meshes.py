"""Meshes of the eight CPU devices that the tests have, and what lies on them."""

import math
import re

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import purenn as pn
from purenn.core.keys import is_key

AUTO, EXPLICIT = AxisType.Auto, AxisType.Explicit
DEVICES = 8
WHOLE = P()
EXACT = {np.float32: 1e-6, np.float64: 1e-12}


def mesh_of(*sizes, kind=AUTO):
    """The first devices along "data"; with two sizes, along "data" and "model"."""
    names = ("data", "model")[: len(sizes)]
    devices = jax.devices()[: math.prod(sizes)]
    return jax.make_mesh(sizes, names, axis_types=(kind,) * len(sizes), devices=devices)


def laid(mesh, tree, spec=WHOLE):
    """A tree on a mesh: all leaves one way, or each as its own `PartitionSpec` says."""
    specs = jax.tree.map(lambda _: spec, tree) if isinstance(spec, P) else spec
    return jax.tree.map(lambda a, s: jax.device_put(a, NamedSharding(mesh, s)), tree, specs)


def apart(got, expected):
    """How far apart two trees are, as one vector: |a - b| / |b|, or |a - b| where b is zero."""
    assert jax.tree.structure(got) == jax.tree.structure(expected)
    pairs = list(zip(*map(jax.tree.leaves, (got, expected)), strict=True))
    assert all((a.shape, a.dtype) == (b.shape, b.dtype) for a, b in pairs), pairs
    pairs = [(np.asarray(a, np.float64), np.asarray(b, np.float64)) for a, b in pairs]
    assert all(np.isfinite(a).all() for a, _ in pairs)
    difference = math.sqrt(sum(float(((a - b) ** 2).sum()) for a, b in pairs))
    return difference / (math.sqrt(sum(float((b**2).sum()) for _, b in pairs)) or 1.0)


def numbers(tree):
    """A tree without PRNG keys, on the host."""
    leaves = jax.tree.leaves(tree)
    return [np.asarray(a) for a in leaves if not is_key(a)]


def cut(tree):
    """The shape that each device has of each array."""
    return [a.addressable_shards[0].data.shape for a in jax.tree.leaves(tree)]


def sharded_model(units, classes, cut=True):
    """Its first weights are cut by column along "model", the second ones by row; or none."""
    he_normal, zeros = pn.initializers.he_normal, pn.initializers.zeros

    def init(made, *spec):
        return pn.initializers.sharded(made, P(*spec)) if cut else made

    return pn.serial(
        pn.dense(units, w_init=init(he_normal, None, "model"), b_init=init(zeros, "model")),
        pn.relu,
        pn.dense(classes, w_init=init(he_normal, "model")),
    )


ARRAY = re.compile(r"(\w+)\[([\d,]*)\]")
COLLECTIVE = re.compile(
    r" = (.*?) "
    r"(all-reduce|all-gather|all-to-all|reduce-scatter|collective-permute|collective-broadcast)"
    r"(?:-start)?\("
)


def collectives(compiled):
    """What a compiled program moves between devices: each operation, and what it carries.

    That is `(dtype, how many)` of each array; turned or in one axis, it moves as much.
    """
    return sorted(
        (name, sorted((dtype, count(shape)) for dtype, shape in ARRAY.findall(carried)))
        for carried, name in COLLECTIVE.findall(compiled.as_text())
    )


def count(shape):
    return math.prod(int(size) for size in shape.split(",") if size)
