"""What a forward keeps for its backward, and what a compiled step then needs, in bytes."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import ACTIVATIONS, LAYERS, LayerRow, case, functions

import purenn as pn

BATCH, FEATURES, BYTES = 16, 32, 4
KEY = jax.random.key(0)
KEPT = {  # beyond what goes in and what comes out, which are there anyway
    "dense": 0,
    "dropout": 8,
    "dropout-evaluated": 0,
    "batch_norm": 3 * FEATURES * BYTES,
    "batch_norm-evaluated": FEATURES * BYTES,
    "layer_norm": 3 * BATCH * BYTES,
    "rms_norm": BATCH * BYTES,
    "gated_dense": 2 * BATCH * 3 * BYTES,  # a and h, of 3 units
    "recompute": 0,
} | {row.name: 0 for row in ACTIVATIONS}


@pytest.mark.parametrize("name", KEPT)
def test_a_cache_holds_what_goes_in_or_comes_out_and_a_few_statistics(name, rng):
    (row,) = (row for row in LAYERS + ACTIVATIONS if row.name == name)
    if isinstance(row, LayerRow):
        row, shape = row._replace(in_shape=(FEATURES,)), (BATCH,)
    else:
        shape = (BATCH, FEATURES)
    v, rest = case(row, shape, rng, jnp.float32)
    traced = jax.make_jaxpr(functions(row).forward)(v, rest).jaxpr
    y, *cache = traced.outvars
    new = {var for var in cache if var is not y and var not in traced.invars}
    assert sum(var.aval.size * var.aval.dtype.itemsize for var in new) == KEPT[name]


# Of a whole step, by XLA's own count, since what is computed again it sometimes keeps after all.


def blocks(activation):
    return [(pn.batch_norm(), activation, pn.dropout(0.1), pn.dense(64)) for _ in range(6)]


def flat(activation):
    return pn.serial(*(part for block in blocks(activation) for part in block))


def temporary(model, by_jax=False):
    x = jax.ShapeDtypeStruct((1024, 64), jnp.float32)
    targets = jax.ShapeDtypeStruct((1024,), jnp.int32)
    params, state = jax.eval_shape(lambda: model.init(jax.random.key(0), (64,)))

    def loss(params, state, x, targets):
        y, state = model.apply(params, state, x, train=True, key=jax.random.key(1))
        return pn.softmax_cross_entropy(y, targets), state

    f = partial(pn.value_and_grad(model, pn.softmax_cross_entropy), key=jax.random.key(1))
    f = jax.value_and_grad(loss, has_aux=True) if by_jax else f
    compiled = jax.jit(f).lower(params, state, x, targets).compile()
    return compiled.memory_analysis().temp_size_in_bytes


@pytest.mark.parametrize("activation", [pn.gelu, pn.silu], ids=repr)
def test_a_step_takes_less_memory_than_by_autodiff_and_recomputed_still_less(activation):
    by_jax = temporary(flat(activation), by_jax=True)
    assert temporary(flat(activation)) <= 0.75 * by_jax
    again = pn.serial(*(pn.recompute(pn.serial(*block)) for block in blocks(activation)))
    assert temporary(again) <= 0.6 * by_jax


def test_many_blocks_in_a_loop_take_the_memory_of_separate_ones_and_of_one_more():
    def block():
        return pn.residual(pn.serial(pn.layer_norm(), pn.dense(256), pn.gelu, pn.dense(64)))

    one = 1024 * (64 + 64 + 256 + 256) * BYTES  # what the backward of a block needs
    for times in (2, 24):
        separate = temporary(pn.serial(*(block() for _ in range(times))))
        assert separate >= times * one
        assert temporary(pn.repeat(block(), times)) <= separate + one
    assert temporary(pn.repeat(pn.recompute(block()), 24)) <= 0.2 * separate


# Parts of a model in chunks of the batch.


def temporary_of_step(model, shape, targets, tail, optimizer=None):
    """What `value_and_grad`, or a step with an optimizer, needs besides what goes in and out."""
    x = jax.ShapeDtypeStruct(shape, jnp.float32)
    if optimizer is None:
        f = partial(pn.value_and_grad(model, pn.softmax_cross_entropy, tail=tail), key=KEY)
        given = jax.eval_shape(lambda: model.init(KEY, shape[1:]))
    else:
        f = pn.train_step(model, pn.softmax_cross_entropy, optimizer, tail=tail)
        given = jax.eval_shape(lambda: (pn.TrainState.create(model, optimizer, KEY, shape[1:]),))
    compiled = jax.jit(f).lower(*given, x, targets).compile()
    return compiled.memory_analysis().temp_size_in_bytes


def test_the_logits_of_a_large_head_do_not_exist_at_the_same_time():
    # A head of 512 x 50,257, on 2,048 rows, whose logits are 412 MB.
    model = pn.serial(pn.dense(512), pn.gelu, pn.dense(50_257))
    labels = jax.ShapeDtypeStruct((2048,), jnp.int32)
    of = partial(temporary_of_step, model, (2048, 512), labels)
    adam, tail = pn.adam(1e-3), pn.Tail(rows=512, parts=1)
    assert of(tail, adam) <= 0.05 * of(None, adam)
    # The derivative of the weights, 103 MB, and the logits of one chunk, as many.
    at_once = of(None)
    assert of(tail) <= 0.3 * at_once
    assert of(pn.Tail(rows=128, parts=1)) <= 0.19 * at_once


def test_of_eight_microbatches_the_activations_of_one_exist():
    block = pn.layer_norm(), pn.gelu, pn.dropout(0.1), pn.dense(64)
    model = pn.serial(*(part for _ in range(8) for part in block))
    labels = jax.ShapeDtypeStruct((4096,), jnp.int32)
    of = partial(temporary_of_step, model, (4096, 64), labels)
    assert of(pn.Tail(rows=512)) <= 0.2 * of(None)


# Which multiplications and additions become one instruction, rounded once, depends on what XLA
# fuses into a loop, and a value that is kept for later may end one. Without fusion jit gives
# the same bits, whatever is kept.
unfused = partial(jax.jit, compiler_options={"xla_disable_hlo_passes": "fusion"})


@pytest.mark.parametrize("run", [lambda f: f, unfused], ids=["eager", "jit"])
def test_recompute_is_its_layer_bit_for_bit(run, rng):
    inner = pn.serial(pn.flatten(), pn.rescale(), *blocks(pn.gelu)[0])
    x = rng.integers(256, size=(5, 3, 2), dtype="uint8")
    params, state = inner.init(jax.random.key(0), x.shape[1:])

    def all_of_it(layer, x):
        y, new_state, cache = layer.forward(params, state, x, train=True, key=jax.random.key(1))
        return y, new_state, layer.backward(params, cache, jnp.cos(y))

    results = [run(partial(all_of_it, layer))(x) for layer in (inner, pn.recompute(inner))]
    jax.tree.map(np.testing.assert_array_equal, *results)
