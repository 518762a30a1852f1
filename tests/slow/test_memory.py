"""What a forward keeps for its backward, and what a compiled step then needs, in bytes."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import ACTIVATIONS, LAYERS, LayerRow, case, functions

import purenn as pn

BATCH, FEATURES, BYTES = 16, 32, 4
KEPT = {  # beyond what goes in and what comes out, which are there anyway
    "dense": 0,
    "dropout": 8,
    "dropout-evaluated": 0,
    "batch_norm": 3 * FEATURES * BYTES,
    "batch_norm-evaluated": FEATURES * BYTES,
    "layer_norm": 3 * BATCH * BYTES,
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
