"""Optimizers whose gradients are sharded: the numbers of one device, the norm that of all."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P
from parallel.meshes import AUTO, DEVICES, EXPLICIT, apart, cut, laid, mesh_of, sharded_model
from table import jit_quickly

import purenn as pn

OPTIMIZERS = {
    "clip, sgd": pn.chain(pn.clip_by_global_norm(0.5), pn.sgd(0.1)),
    "rmsprop": pn.rmsprop(0.1, momentum=0.9),
    "adagrad": pn.adagrad(0.1, momentum=0.9),
    "clip, adamax": pn.chain(pn.clip_by_global_norm(0.5), pn.adamax(0.1)),
}
SHAPES = {"w": (8, 4), "v": (8, 3), "b": (3,)}
SPECS = {"w": P("data", "model"), "v": P("data"), "b": P()}


def arrays(rng):
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}


def two_updates(params, grads):
    """The parameters after two steps of each optimizer, and its state."""
    found = {}
    for name, optimizer in OPTIMIZERS.items():
        after, opt_state = params, optimizer.init(params)
        for _ in range(2):
            updates, opt_state = optimizer.update(grads, opt_state, after)
            after = pn.apply_updates(after, updates)
        found[name] = after, opt_state
    return found


@pytest.mark.parametrize("kind", [AUTO, EXPLICIT], ids=["auto", "explicit"])
def test_sharded_gradients_are_clipped_by_the_norm_of_all(kind, rng):
    params, grads = arrays(rng), arrays(rng)
    expected = jit_quickly(two_updates)(params, grads)
    mesh = mesh_of(2, 2, kind=kind)
    with jax.set_mesh(mesh):
        found = jit_quickly(two_updates)(laid(mesh, params, SPECS), laid(mesh, grads, SPECS))
    assert apart(found, expected) <= 1e-6
    for params, _ in found.values():
        assert cut(params) == [(3,), (4, 3), (4, 2)]  # as they were: b, v, w


def test_under_shard_map_the_norm_is_that_of_the_summed_gradient(rng):
    optimizer = pn.chain(pn.clip_by_global_norm(1e-3), pn.adamax(0.1))
    model, loss = pn.dense(3), pn.mse
    x = rng.normal(size=(16, 4)).astype(np.float32)
    y = rng.normal(size=(16, 3)).astype(np.float32)
    start = pn.TrainState.create(model, optimizer, jax.random.key(0), (4,))
    step = pn.train_step(model, loss, optimizer)

    def mean_of_shards(predictions, targets):
        return jax.lax.pmean(loss(predictions, targets), "data")

    whole = pn.train_step(model, mean_of_shards, optimizer)
    spec = P(), P("data"), P("data")
    mapped = jax.shard_map(whole, mesh=mesh_of(4), in_specs=spec, out_specs=P())
    expected, found = (jit_quickly(f)(start, x, y)[0] for f in (step, mapped))
    assert apart((found.params, found.opt_state), (expected.params, expected.opt_state)) <= 1e-6


@pytest.mark.parametrize("kind", ["replicated", "sharded"])
def test_fit_that_clips_is_the_same_on_any_number_of_devices(kind, rng, quickly):
    # On one device the loop carries small parameters packed, on a mesh one by one.
    x = rng.normal(size=(64, 6)).astype(np.float32)
    fit = partial(
        pn.fit,
        loss=pn.softmax_cross_entropy,
        optimizer=OPTIMIZERS["clip, adamax"],
        data=(x, np.arange(64) % 4),
        epochs=2,
        batch_size=16,
        key=jax.random.key(1),
        progress=False,
    )
    mesh = mesh_of(2, 4) if kind == "sharded" else mesh_of(DEVICES)
    expected, _ = fit(sharded_model(8, 4, cut=False), blocks=DEVICES)
    found, _ = fit(sharded_model(8, 4, cut=kind == "sharded"), mesh=mesh)
    if kind == "sharded":
        assert cut(found.params)[0] == (6, 2)
    found, expected = ((s.params, s.opt_state) for s in (found, expected))
    assert apart(jax.tree.map(jnp.asarray, found), expected) <= 1e-5
