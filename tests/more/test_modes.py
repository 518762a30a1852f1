"""Every layer and op in every mode of JAX, and lowered for every platform."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from table import (
    DISTINCT,
    FIRST,
    LAYERS,
    MADE_OF_OTHERS,
    OPS,
    ROWS,
    VARIANTS,
    case,
    cotangent,
    error,
    functions,
    jit_quickly,
    layer_arguments,
    names,
    shapes,
    to_jax,
)

import purenn as pn

PLATFORMS = ("cpu", "cuda", "tpu")
OBJECTS = list({repr(p): p for p in [r.layer for r in LAYERS] + [r.op for r in OPS]}.values())


def stack(trees):
    return jax.tree.map(lambda *leaves: to_jax(np.stack(leaves)), *trees)


ONCE = [row for row in DISTINCT if row.name not in VARIANTS]
# Eagerly, each operation is a program to compile: one row of each layer, and each op.
EAGERLY = [
    row.name
    for row in ONCE
    if (row in OPS or row in FIRST or row.name.endswith("-evaluated"))
    and row.name not in MADE_OF_OTHERS
]


@pytest.mark.parametrize("row", ONCE, ids=names(ONCE))
def test_jit_is_eager_and_vmap_and_scan_are_loops_that_pass_the_cache_on(row, rng):
    f = functions(row)
    cases = [case(row, shapes(row)[0], rng, jnp.float32) for _ in range(3)]
    rest = cases[0][1]
    vs = [v for v, _ in cases]
    dys = [cotangent(f.plain, v, rest, rng) for v in vs]

    @jax.jit
    def alone(v, dy):
        y, cache = f.forward(v, rest)
        return f.apply(v, rest), y, f.backward(v, cache, dy)

    loop = [alone(v, dy) for v, dy in zip(vs, dys, strict=True)]
    if row.name in EAGERLY:
        y, cache = f.forward(vs[0], rest)
        assert error(loop[0], (y, y, f.backward(vs[0], cache, dys[0]))) <= 1e-6

    # The forward in one program, the backward in another: the caches cross both ways.
    @jit_quickly
    def forward(vs):
        scanned = jax.lax.scan(lambda _, v: (None, f.forward(v, rest)), None, vs)[1]
        return (
            jax.vmap(lambda v: f.apply(v, rest))(vs),
            scanned,
            jax.vmap(lambda v: f.forward(v, rest))(vs),
        )

    @jit_quickly
    def backward(vs, scanned, mapped, dys):
        of_scan = jax.vmap(f.backward)(vs, scanned, dys)
        return of_scan, jax.lax.scan(
            lambda _, given: (None, f.backward(*given)), None, (vs, mapped, dys)
        )[1]

    vs, dys = stack(vs), stack(dys)
    applied, (scanned_y, scanned), (mapped_y, mapped) = forward(vs)
    of_scan, of_vmap = backward(vs, scanned, mapped, dys)
    apply_y, y, dv = stack(loop)
    assert error((applied, scanned_y, mapped_y), (apply_y, y, y)) <= 1e-6
    assert error((of_scan, of_vmap), (dv, dv)) <= 1e-6


@pytest.mark.parametrize("row", ONCE, ids=names(ONCE))
def test_forward_mode_is_reverse_mode_transposed(row, rng, x64):
    f = functions(row)
    v, rest = case(row, shapes(row)[0], rng)
    u = cotangent(f.plain, v, rest, rng)
    t = jax.tree.map(lambda leaf: to_jax(rng.normal(size=leaf.shape)), v)

    @jit_quickly
    def judged(v, t, u):
        _, along = jax.jvp(lambda v: f.apply(v, rest), (v,), (t,))
        _, vjp = jax.vjp(lambda v: f.apply(v, rest), v)
        return jnp.vdot(u, along), sum(map(jnp.vdot, *map(jax.tree.leaves, (vjp(u)[0], t))))

    assert error(*judged(v, t, u)) <= 1e-12


@pytest.mark.parametrize("row", FIRST, ids=names(FIRST))
def test_the_hessian_of_each_layer_and_op_is_symmetric(row, rng, x64):
    f = functions(row)
    v, rest = case(row, shapes(row)[0], rng)
    u = cotangent(f.plain, v, rest, rng)
    flat, unravel = ravel_pytree(v)

    @jit_quickly
    def hessian(flat, u):
        return jax.hessian(lambda flat: jnp.vdot(u, f.apply(unravel(flat), rest)))(flat)

    found = hessian(flat, u)
    assert error(found, found.T) <= 1e-12


@pytest.mark.parametrize("thing", OBJECTS, ids=repr)
def test_layers_and_ops_are_values_compared_by_identity_and_no_pytrees(thing):
    assert jax.tree.leaves(thing) == [thing]
    assert thing != thing.replace()
    assert len({thing, thing, thing.replace()}) == 2


@pytest.mark.parametrize("row", ROWS, ids=names(ROWS))
def test_objects_themselves_go_into_jit_checkpoint_and_eval_shape(row, rng):
    v, rest = case(row, shapes(row)[0], rng, jnp.float32)
    if row in LAYERS:
        call, options = row.layer.apply, {"train": row.train}
        *given, key = layer_arguments(v, rest)
        first = 2 if row.vocabulary is None else 0
        options_of_call = {"key": key}
    else:
        call, options, given, first = row.op, row.options, (v, *rest), 0
        options_of_call = {}
    expected = jax.eval_shape(partial(call, **options, **options_of_call), *given)
    jitted = jax.jit(call, static_argnames=tuple(options)) if options else jax.jit(call)
    recomputed = jax.checkpoint(partial(call, **options) if options else call)
    assert jax.eval_shape(partial(jitted, **options, **options_of_call), *given) == expected

    def scalar(*given):
        y = recomputed(*given, **options_of_call)
        return jnp.sum(y[0] if row in LAYERS else y)

    def grad(*given):
        return jax.grad(scalar, argnums=first)(*given)

    shapes_of = partial(jax.tree.map, jnp.shape)
    assert shapes_of(jax.eval_shape(grad, *given)) == shapes_of(given[first])
    if row not in LAYERS and not options:
        assert jax.eval_shape(call, *given) == expected


def test_static_layer_and_op_compile_once_for_each_object():
    traced = []

    @partial(jax.jit, static_argnums=(0, 1))
    def run(layer, op, params, x):
        traced.append(layer)
        return op(layer.apply(params, (), x)[0])

    one, other = pn.dense(2), pn.dense(2)
    params, _ = one.init(jax.random.key(0), (3,))
    x = jnp.ones((4, 3))
    for layer, op in ((one, pn.relu), (one, pn.relu), (other, pn.relu), (one, pn.tanh)):
        run(layer, op, params, x)
    assert traced == [one, other, one]


@pytest.mark.parametrize("rows", [LAYERS, OPS], ids=["layers", "ops"])
def test_apply_and_backward_of_every_row_lower_for_every_platform(rows, rng):
    cases = [case(row, shapes(row)[0], rng, jnp.float32) for row in rows]

    def everything(cases):
        results = []
        for row, (v, rest) in zip(rows, cases, strict=True):
            f = functions(row)
            y, cache = f.forward(v, rest)
            results += [(f.apply(v, rest), f.backward(v, cache, jnp.ones_like(y)))]
        return results

    exported = jax.export.export(jax.jit(everything), platforms=PLATFORMS)(cases)
    assert exported.platforms == PLATFORMS
    shapes_in = [jnp.shape(leaf) for v, _ in cases for leaf in jax.tree.leaves(v)]
    assert len(exported.out_avals) == len(shapes_in) + len(rows)


@pytest.mark.parametrize("make_key", [jax.random.key, jax.random.PRNGKey], ids=["typed", "raw"])
def test_train_step_lowers_for_every_platform_and_runs_as_exported(make_key, rng):
    model = pn.serial(
        pn.flatten(), pn.rescale(), pn.dense(3), pn.batch_norm(), pn.relu, pn.dropout(0.5),
        pn.dense(2),
    )  # fmt: skip
    optimizer = pn.adam(1e-2)
    step = jax.jit(
        pn.train_step(model, pn.softmax_cross_entropy, optimizer, penalty=pn.l2_penalty(0.1))
    )
    train_state = pn.TrainState.create(model, optimizer, make_key(0), (2, 2))
    x = jnp.asarray(rng.integers(256, size=(4, 2, 2)), jnp.uint8)
    targets = jnp.asarray([0, 1, 1, 0], jnp.int32)
    exported = jax.export.export(step, platforms=PLATFORMS)(train_state, x, targets)
    assert exported.platforms == PLATFORMS
    (got, value), (expected, right) = (f(train_state, x, targets) for f in (exported.call, step))
    assert got.key is not None and got.key.dtype == train_state.key.dtype
    assert error((got._replace(key=()), value), (expected._replace(key=()), right)) <= 1e-6
