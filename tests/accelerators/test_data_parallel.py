"""On four chips of a TPU, a step adds up all gradients and the loss at once, and sends no more."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from models import LOSS, MODELS, OPTIMIZER, arguments, by_hand
from parallel.meshes import collectives

import purenn as pn
from purenn.distributed.mesh import data_mesh, state_sharding
from purenn.training.compiled import Spec, compiled
from purenn.training.shuffle import steps_per_epoch

BATCH, BLOCKS, EXAMPLES = 32, 8, 200
CONVOLVED = pn.serial(
    pn.rescale(), pn.conv2d(6), pn.relu, pn.max_pool(), pn.conv2d(5), pn.relu,
    pn.avg_pool((3, 3), strides=(1, 1)), pn.flatten(), pn.dense(7),
)  # fmt: skip
NETWORKS = {
    "dense": MODELS["784-128-10"],
    "convolved": MODELS["784-128-10"]._replace(layer=CONVOLVED, in_shape=(8, 8, 1)),
}


@pytest.fixture(params=NETWORKS)
def model(request):
    return NETWORKS[request.param]


@pytest.fixture(scope="module")
def mesh(tpus):
    return Mesh(np.array(tpus), ("data",), axis_types=(AxisType.Auto,))


def on(mesh, tree, *axis):
    """The shapes of a tree that lies on the mesh, replicated or sharded over its axis."""
    sharding = NamedSharding(mesh, P(*axis))
    return jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=sharding), tree)


def assert_adds_up_gradients_and_loss(lowered, train_state):
    sizes = [1, *(leaf.size for leaf in jax.tree.leaves(train_state.params))]
    expected = "all-reduce", sorted(("f32", size) for size in sizes)
    assert collectives(lowered.compile()) == [expected]


def test_a_step_adds_up_gradients_and_loss_at_once(model, mesh):
    train_state, *batch = arguments(model, BATCH)
    lowered = jax.jit(by_hand(model)).lower(on(mesh, train_state), *on(mesh, batch, "data"))
    assert_adds_up_gradients_and_loss(lowered, train_state)


def test_so_does_each_step_of_the_loop_of_fit(model, mesh):
    train_state, *examples = arguments(model, EXAMPLES)
    sharding = state_sharding(data_mesh("", mesh), train_state)
    parts = compiled(Spec(model.layer, LOSS, OPTIMIZER, None), sharding, static_length=True)
    steps = steps_per_epoch("", EXAMPLES, BATCH, BLOCKS)
    order = jax.ShapeDtypeStruct((BLOCKS, steps, BATCH // BLOCKS), jnp.int32)
    on_mesh = on(mesh, train_state), *on(mesh, (*examples, order), "data")
    lowered = jax.jit(parts.chunk, static_argnums=5).lower(*on_mesh, np.int32(0), steps)
    assert_adds_up_gradients_and_loss(lowered, train_state)


def test_so_does_each_step_of_a_training_run(mesh):
    model = NETWORKS["convolved"]
    run = pn.training_run(model.layer, LOSS, OPTIMIZER, epochs=2, batch_size=BATCH, blocks=BLOCKS)
    train_state, *examples = arguments(model, EXAMPLES)
    key = on(mesh, jax.eval_shape(jax.random.key, 0))
    lowered = jax.jit(run).lower(key, *on(mesh, examples, "data"))
    assert_adds_up_gradients_and_loss(lowered, train_state)
