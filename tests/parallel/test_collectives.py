"""What the compiled programs move between devices: gradients and statistics, and nothing else.

These are HLO's own lines, as JAX's partitioner wrote them: a collective that is not expected here
is time lost on every step.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P
from parallel.meshes import DEVICES, collectives, cut, mesh_of

import purenn as pn
from purenn.core.blocks import block_length
from purenn.distributed.mesh import create_on, data_mesh, state_sharding
from purenn.training.compiled import Spec, compiled, creator
from purenn.training.shuffle import steps_per_epoch

KEY = jax.random.key(0)
ADAM, LOSS = pn.adam(1e-3), pn.softmax_cross_entropy
NORMED = pn.serial(
    pn.rescale(), pn.flatten(), pn.dense(40), pn.batch_norm(), pn.relu, pn.dropout(0.3),
    pn.dense(7),
)  # fmt: skip
CONVOLVED = pn.serial(
    pn.rescale(), pn.conv2d(6), pn.relu, pn.max_pool(), pn.conv2d(5), pn.relu,
    pn.avg_pool((3, 3), strides=(1, 1)), pn.flatten(), pn.dropout(0.4), pn.dense(7),
)  # fmt: skip
MANY_CHANNELS = pn.serial(  # enough for Winograd's transforms, on one device
    pn.rescale(), pn.conv2d(32), pn.conv2d(32), pn.global_avg_pool(), pn.dense(7)
)
RECOMPUTED = pn.serial(
    pn.rescale(), pn.flatten(), pn.dense(9),
    pn.recompute(pn.serial(pn.layer_norm(), pn.gelu, pn.dropout(0.4), pn.dense(8))), pn.dense(7),
)  # fmt: skip
IMAGE, BATCH, BLOCKS = (8, 8, 1), 32, 8


WIDE = pn.serial(
    pn.rescale(),
    pn.flatten(),
    pn.dense(
        64,
        w_init=pn.initializers.sharded(pn.initializers.he_normal, P(None, "model")),
        b_init=pn.initializers.sharded(pn.initializers.zeros, P("model")),
    ),
    pn.relu,
    pn.dense(7, w_init=pn.initializers.sharded(pn.initializers.he_normal, P("model"))),
)


def parts_of(model, mesh, examples=203):
    """What `fit` compiles, and what with: an epoch's order, a chunk of steps, and one step."""
    devices, spec = data_mesh("", mesh), Spec(model, LOSS, ADAM, None)
    start = create_on(devices, creator(spec), KEY, IMAGE)
    sharding = state_sharding(devices, start)
    start, parts = sharding.put(start), compiled(spec, sharding)

    def rows(shape, dtype=jnp.int32):
        return jax.ShapeDtypeStruct(shape, dtype, sharding=devices.batch_sharding)

    def batch(count):
        return rows((count, *IMAGE), jnp.uint8), rows((count,))

    sizes, share = (examples, BATCH, BLOCKS), BATCH // BLOCKS
    held = batch(BLOCKS * block_length(examples, BLOCKS))
    order = rows((BLOCKS, steps_per_epoch("", *sizes), share))
    epoch, first, last = np.arange(3, dtype=np.int32)
    return start.params, {
        "order": (parts.order, (start.key, epoch, *sizes)),
        "chunk": (parts.chunk, (start, *held, order, first, last)),
        "step": (parts.step, (start, *batch(BATCH))),
    }


def compiled_parts(*given):
    params, parts = parts_of(*given)
    return params, {name: part.lower(*of).compile() for name, (part, of) in parts.items()}


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
@pytest.mark.parametrize("model", [NORMED, CONVOLVED, WIDE], ids=["normed", "convolved", "cut"])
def test_what_fit_compiles_lowers_for_accelerators(model, platform):
    mesh = mesh_of(2, 4) if model is WIDE else mesh_of(DEVICES)
    for name, (part, given) in parts_of(model, mesh)[1].items():
        exported = jax.export.export(part, platforms=[platform])(*given)
        assert exported.platforms == (platform,) and exported.nr_devices == DEVICES, name
        assert '{"data"}' in exported.mlir_module(), name


def floats(*sizes):
    return "all-reduce", sorted(("f32", size) for size in sizes)


# Batch norm's two means and its variance on the way there, and two sums on the way back.
NORMS = [floats(40), floats(40), floats(40), floats(40, 40)]


@pytest.mark.parametrize(
    ("model", "sizes", "others"),
    [
        (NORMED, (8,), NORMS),
        (NORMED, (2,), NORMS),  # devices that hold four blocks each
        (NORMED, (2, 4), NORMS),
        (CONVOLVED, (8,), []),
        (MANY_CHANNELS, (8,), []),
        (RECOMPUTED, (8,), []),
    ],
    ids=["normed", "two devices", "two axes", "convolved", "many channels", "recomputed"],
)
def test_a_step_adds_up_all_gradients_at_once_and_little_else(model, sizes, others, quickly):
    params, parts = compiled_parts(model, mesh_of(*sizes))
    gradients_and_loss = floats(*(leaf.size for leaf in jax.tree.leaves(params)), 1)
    expected = sorted([gradients_and_loss, *others])
    assert collectives(parts["order"]) == []
    assert collectives(parts["chunk"]) == expected
    assert collectives(parts["step"]) == expected


def test_no_step_moves_what_grows_with_the_number_of_examples(quickly):
    few, many = (compiled_parts(NORMED, mesh_of(DEVICES), count)[1] for count in (203, 20_000))
    for part, program in few.items():
        assert collectives(program) == collectives(many[part])
    # Each device holds and reads its own share alone.
    bytes_of = [
        program["chunk"].memory_analysis().argument_size_in_bytes for program in (few, many)
    ]
    assert bytes_of[1] - bytes_of[0] <= 1.01 * 20_000 / DEVICES * (math.prod(IMAGE) + 4 + 4)


def test_weights_cut_by_column_and_row_are_added_up_where_they_lie(quickly):
    params, parts = compiled_parts(WIDE, mesh_of(2, 4))
    held = cut(params)
    assert held == [(64, 16), (16,), (16, 7), (7,)]
    gradients_and_loss = floats(*map(math.prod, held), 1)  # over "data", each device its part
    outputs = floats(BATCH // 2 * 7)  # over "model": the products with the rows, of each example
    for part, finite in (("chunk", 9), ("step", 3)):  # looks at the parts of what is cut
        expected = [gradients_and_loss, outputs]
        expected.append(("all-reduce", [("pred", 1)] * finite))
        assert collectives(parts[part]) == sorted(expected)


def test_a_training_run_over_blocks_moves_gradients_alone(quickly):
    run = pn.training_run(RECOMPUTED, LOSS, ADAM, epochs=2, batch_size=BATCH, blocks=BLOCKS)
    rows = data_mesh("", mesh_of(DEVICES)).batch_sharding
    x = jax.ShapeDtypeStruct((200, *IMAGE), jnp.uint8, sharding=rows)
    targets = jax.ShapeDtypeStruct((200,), jnp.int32, sharding=rows)
    params = jax.eval_shape(run, KEY, x, targets)[0].params
    gradients_and_loss = floats(*(leaf.size for leaf in jax.tree.leaves(params)), 1)
    found = collectives(jax.jit(run).lower(KEY, x, targets).compile())
    assert found == [gradients_and_loss]
