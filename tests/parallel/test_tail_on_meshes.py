"""A step whose last parts run in chunks, on several devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P
from parallel.meshes import AUTO, EXPLICIT, collectives, laid, mesh_of
from table import error
from three_classes import CLASSES, FEATURES

import purenn as pn
from purenn.distributed.mesh import create_on, data_mesh, state_sharding
from purenn.training.compiled import Spec, compiled, creator

KEY, LOSS = jax.random.key(0), pn.softmax_cross_entropy
PLAIN = pn.serial(pn.dense(8), pn.layer_norm(), pn.gelu, pn.dense(CLASSES))


def of(tail=None):
    return jax.jit(pn.value_and_grad(PLAIN, LOSS, tail=tail))


@pytest.fixture
def given(data):
    return *PLAIN.init(KEY, (FEATURES,)), data[0][:16], data[1][:16]


@pytest.mark.parametrize("kind", [AUTO, EXPLICIT], ids=["auto", "explicit"])
@pytest.mark.parametrize("tail", [pn.Tail(4, 2), pn.Tail(8), pn.Tail(5, 1)], ids=repr)
def test_on_a_mesh_each_device_has_its_share_of_every_chunk(tail, kind, given):
    params, state, x, y = given
    mesh = mesh_of(4, kind=kind)
    with jax.set_mesh(mesh):
        sharded = laid(mesh, (jnp.asarray(x), jnp.asarray(y)), P("data"))
        program = of(tail).lower(*laid(mesh, (params, state)), *sharded).compile()
        got = program(*laid(mesh, (params, state)), *sharded)
    assert error(got, of()(params, state, x, y)) <= 1e-6
    if tail.rows % 4 == 0:  # gradients and the loss are added up, and no example moves
        assert {name for name, _ in collectives(program)} == {"all-reduce"}


def test_within_shard_map_gradients_are_added_up(given):
    params, state, x, y = given

    def run(tail):
        def local(params, x, y):
            (value, _), grads = pn.value_and_grad(PLAIN, LOSS, tail=tail)(params, state, x, y)
            return jax.lax.pmean(value, "data"), grads

        specs = {"in_specs": (P(), P("data"), P("data")), "out_specs": P()}
        return jax.jit(jax.shard_map(local, mesh=mesh_of(4), **specs))(params, x, y)

    expected = run(None)
    for tail in (pn.Tail(2, 1), pn.Tail(3)):
        assert error(run(tail), expected) <= 1e-6


def test_fit_on_a_mesh_moves_no_example(data):
    tail, adam = pn.Tail(8, 2), pn.adam(0.01)
    devices = data_mesh("", mesh_of(4))
    start = create_on(devices, creator(Spec(PLAIN, LOSS, adam, None)), KEY, (FEATURES,))
    sharding = state_sharding(devices, start)
    chunk = compiled(Spec(PLAIN, LOSS, adam, None, tail), sharding).chunk

    def sharded(shape, dtype):
        return jax.ShapeDtypeStruct(shape, dtype, sharding=devices.batch_sharding)

    x, y = sharded((64, FEATURES), jnp.float32), sharded((64,), jnp.int32)
    order = sharded((8, 4, 2), jnp.int32)
    given = sharding.put(start), x, y, order, np.int32(0), np.int32(4)
    assert {name for name, _ in collectives(chunk.lower(*given).compile())} == {"all-reduce"}

    options = {"epochs": 1, "batch_size": 16, "key": KEY, "blocks": 8, "progress": False}
    alone, _ = pn.fit(PLAIN, LOSS, adam, data, **options)
    together, _ = pn.fit(PLAIN, LOSS, adam, data, **options, tail=tail, mesh=mesh_of(4))
    assert error(together.params, alone.params) <= 1e-4
