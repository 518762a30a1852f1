"""Every layer and op on a mesh of devices: the numbers of one device, sharded as expected."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P
from parallel.meshes import AUTO, DEVICES, EXACT, EXPLICIT, apart, collectives, cut, laid, mesh_of
from table import (
    LAYERS,
    OPS,
    ROWS,
    LayerRow,
    as_dtype,
    case,
    cotangent,
    functions,
    jit_quickly,
    layer_arguments,
    names,
)  # fmt: skip

import purenn as pn

SHARDS = 4
BATCH = 16  # batch norm of one or two values has no derivative to compare
GROUPS = pytest.mark.parametrize("rows", [LAYERS, OPS], ids=["layers", "ops"])


def by_hand(row):
    """The row's functions, whose derivative in JAX is the hand-derived one."""
    part = "layer" if isinstance(row, LayerRow) else "op"
    return functions(row._replace(**{part: pn.by_hand(getattr(row, part))}))


def batch(row, rng, dtype):
    """`v`, `rest` and the cotangent of `y` for a batch, with a second leading axis if allowed.

    Also a tree with the `PartitionSpec` of each: the examples are sharded along "data".
    """
    if isinstance(row, LayerRow):
        v, rest = case(row, (BATCH, 3) if (2, 3) in row.leading else (BATCH,), rng, dtype)
    else:
        v, rest = case(row, (BATCH, *row.shapes[0][1:]), rng, dtype)
    given = v, rest, cotangent(functions(row).plain, v, rest, rng)
    spec = jax.tree.map(lambda a: P("data") if a.shape[:1] == (BATCH,) else P(), given)
    return given, spec


def by_formulas(row, v, rest, u):
    """The values of a row and its derivatives by hand."""
    y, cache = functions(row).forward(v, rest)
    found = {"forward": y, "dv": functions(row).backward(v, cache, u)}
    if isinstance(row, LayerRow):
        *given, key = layer_arguments(v, rest)
        found["state"] = row.layer.forward(*given, train=row.train, key=key)[1]
    return found


def by_jax(row, v, rest, u, rules=("grad", "by_hand")):
    """The same derivatives taken by `jax.grad`: JAX's own, and those of `by_hand`."""

    def derivative(f):
        return jax.grad(lambda v: jnp.sum(u * f.apply(v, rest)))(v)

    ways = {"grad": functions, "by_hand": by_hand}
    return {rule: derivative(ways[rule](row)) for rule in rules}


def too_far(got, expected, limit):
    """What differs by more than the limit, by row and name; a derivative has one name per rule."""
    distances = {
        f"{row} {what}": apart(value, expected[row].get(what, expected[row]["dv"]))
        for row, values in got.items()
        for what, value in values.items()
    }
    return {what: distance for what, distance in distances.items() if not distance <= limit}


def axes_of(tree):
    """The axes of the mesh along which each leaf is sharded, according to its type in a program."""
    return jax.tree.map(lambda a: "".join(filter(None, jax.typeof(a).sharding.spec)), tree)


@pytest.mark.parametrize("row", ROWS, ids=names(ROWS))
def test_on_an_explicit_mesh_each_gradient_is_sharded_like_its_argument(row, rng):
    mesh, (given, spec) = mesh_of(SHARDS, kind=EXPLICIT), batch(row, rng, jnp.float32)

    def program(v, rest, u):
        found = by_formulas(row, v, rest, u)
        assert axes_of(found["forward"]) == axes_of(u)
        assert not any(jax.tree.leaves(axes_of(found.get("state", ()))))
        for rule, dv in (("backward", found["dv"]), *by_jax(row, v, rest, u).items()):
            assert axes_of(dv) == axes_of(v), rule
        return ()

    with jax.set_mesh(mesh):
        v, rest, u = laid(mesh, given, spec)
        assert "data" in jax.tree.leaves(axes_of((v, rest)))
        jax.eval_shape(program, v, rest, u)


@pytest.mark.parametrize("dtype", EXACT, ids=lambda dtype: dtype.__name__)
@GROUPS
def test_on_an_explicit_mesh_the_numbers_are_those_of_one_device(rows, dtype, rng):
    with jax.enable_x64(dtype is np.float64):
        given, specs = zip(*(batch(row, rng, dtype) for row in rows), strict=True)

        def program(ways, given):
            pairs = list(zip(rows, given, strict=True))
            return {
                row.name: {k: a for way in ways for k, a in way(row, *of).items()}
                for row, of in pairs
            }

        expected = jit_quickly(partial(program, [by_formulas]))(given)
        # JAX's own derivatives are judged by its own tests; `by_hand` puts these in their place.
        hand = partial(by_jax, rules=("by_hand",))
        ways = [by_formulas, hand] if dtype is np.float64 else [by_formulas]
        mesh = mesh_of(SHARDS, kind=EXPLICIT)
        with jax.set_mesh(mesh):
            got = jit_quickly(partial(program, ways))(laid(mesh, given, specs))
    assert not too_far(got, expected, EXACT[dtype])


@pytest.mark.parametrize("name", ["max_pool-(3, 3)-(2, 1)", "avg_pool-(3, 2)-(2, 2)-SAME"])
def test_arrays_on_an_explicit_mesh_need_no_mesh_in_use(name, rng):
    # Outside a compiled program, an array's own type is all that tells of the mesh.
    (row,) = (row for row in LAYERS if row.name == name)
    given, spec = batch(row, rng, np.float32)
    got = by_formulas(row, *laid(mesh_of(SHARDS, kind=EXPLICIT), given, spec))
    assert apart(got, by_formulas(row, *given)) <= 1e-6
    assert axes_of(got["dv"]) == axes_of(laid(mesh_of(SHARDS, kind=EXPLICIT), given[0], spec[0]))


def shares(row, spec, v, rest, u):
    """The plain derivatives of each device's share of the examples, added up, without a mesh."""

    def split(a, s):
        return a.reshape(SHARDS, -1, *a.shape[1:]) if s == P("data") else a

    def together(a, s):
        return a.reshape(-1, *a.shape[2:]) if s == P("data") else a.sum(0)

    def derivative(v, rest, u):
        return jax.grad(lambda v: jnp.sum(u * functions(row).plain(v, rest)))(v)

    axes = jax.tree.map(lambda s: 0 if s == P("data") else None, spec)
    dv = jax.vmap(derivative, axes)(*jax.tree.map(split, (v, rest, u), spec))
    return {"dv": jax.tree.map(together, dv, spec[0])}


@GROUPS
def test_under_shard_map_each_rule_gives_the_sums_of_the_plain_derivatives(rows, rng, x64):
    given, specs = zip(*(batch(row, rng, jnp.float64) for row in rows), strict=True)
    triples = list(zip(rows, specs, given, strict=True))
    # The derivative of erf itself fails there on jax 0.12.
    rules = {
        row.name: ("by_hand",) if row.name == "gelu-exact" else ("grad", "by_hand") for row in rows
    }

    def on_each(given):
        found = {}
        for row, (v, rest, u) in zip(rows, given, strict=True):
            found[row.name] = by_jax(row, v, rest, u, rules[row.name])
            if isinstance(row, LayerRow):
                backpropagate = pn.value_and_grad(row.layer, lambda y, u: jnp.sum(u * y))
                *given, key = layer_arguments(v, rest)
                _, dparams = backpropagate(*given, u, key=key, train=row.train)
                found[row.name]["value_and_grad"] = dparams, *found[row.name]["by_hand"][1:]
        return found

    out_specs = {row.name: dict.fromkeys(rules[row.name], spec[0]) for row, spec, _ in triples}
    for row, spec, _ in triples:
        if isinstance(row, LayerRow):
            out_specs[row.name]["value_and_grad"] = spec[0]
    sharded = jax.shard_map(on_each, mesh=mesh_of(SHARDS), in_specs=(specs,), out_specs=out_specs)

    @jit_quickly
    def alone(given):
        return {row.name: shares(row, spec, *of) for row, spec, of in triples}

    assert not too_far(jit_quickly(sharded)(given), alone(given), 1e-12)


# A wide network with its first weights sharded by column and its second ones by row: what is
# between them is sharded along "model" too.

FIRST, SECOND = P(None, "model"), pn.DenseParams(P("model"), P())
CUT = {
    "its bias too": (pn.DenseParams(FIRST, P("model")), (), SECOND),
    "its bias replicated": (pn.DenseParams(FIRST, P()), (), SECOND),
}
WIDE = pn.serial(pn.dense(32), pn.gelu, pn.dense(3))


def wide_case(rng, dtype):
    params = jax.eval_shape(lambda: WIDE.init(jax.random.key(0), (6,)))[0]
    params, x, u = as_dtype(
        (
            jax.tree.map(lambda p: rng.normal(size=p.shape), params),
            rng.normal(size=(BATCH, 6)),
            rng.normal(size=(BATCH, 3)),
        ),
        dtype,
    )
    return params, x, u


@pytest.mark.parametrize("spec", CUT)
@pytest.mark.parametrize("kind", [AUTO, EXPLICIT], ids=["auto", "explicit"])
@pytest.mark.parametrize("dtype", EXACT, ids=lambda dtype: dtype.__name__)
def test_weights_sharded_by_column_and_row_have_gradients_sharded_like_them(spec, kind, dtype, rng):
    state = ((), (), ())

    def program(params, x, u):
        y, _, cache = WIDE.forward(params, state, x)
        backpropagate = pn.value_and_grad(WIDE, lambda y, u: jnp.sum(u * y))
        layer = pn.by_hand(WIDE)
        hand = jax.grad(lambda p, x: jnp.sum(u * layer.apply(p, state, x)[0]), argnums=(0, 1))
        return {
            "forward": y,
            "backward": WIDE.backward(params, cache, u),
            "by_hand": hand(params, x),
            "value_and_grad": backpropagate(params, state, x, u)[1],
        }

    with jax.enable_x64(dtype is np.float64):
        params, x, u = wide_case(rng, dtype)
        expected, mesh = jit_quickly(program)(params, x, u), mesh_of(2, 4, kind=kind)
        with jax.set_mesh(mesh):
            given = laid(mesh, (params, x, u), (CUT[spec], P("data"), P("data")))
            got = jit_quickly(program)(*given)
    assert apart(got, expected) <= EXACT[dtype]
    assert cut(given[0])[0] == (6, 8)
    assert cut(got["by_hand"][1]) == cut(given[1]) == [(BATCH // 2, 6)]
    if kind is EXPLICIT or spec == "its bias too":  # XLA may leave one sharded
        for grads in (got["backward"][0], got["by_hand"][0], got["value_and_grad"]):
            assert cut(grads) == cut(given[0])


# Layers whose inputs or outputs are sharded along "model" by feature, while other parameters of
# theirs are replicated: (layer, one example's shape, x's last axis, each parameter).

FEATURES = (
    (pn.dense(8), (6,), None, pn.DenseParams(FIRST, P())),
    (pn.dense(6), (8,), "model", SECOND),
    (pn.conv2d(8), (4, 4, 2), None, pn.Conv2dParams(P(None, None, None, "model"), P())),
    (pn.conv2d(8), (4, 4, 6), None, pn.Conv2dParams(P(None, None, None, "model"), P())),
    (pn.conv2d(6), (4, 4, 8), "model", pn.Conv2dParams(P(None, None, "model"), P())),
    (pn.gru(8), (3, 4), "model", pn.GruParams(FIRST, P(), P("model"), P())),
    (pn.lstm(8), (3, 4), None, pn.LstmParams(FIRST, FIRST, P())),
    (pn.batch_norm(), (8,), "model", pn.BatchNormParams(P(), P())),
    (pn.batch_norm(), (8,), "model", pn.BatchNormParams(P("model"), P("model"))),
    (pn.layer_norm(), (8,), "model", pn.LayerNormParams(P(), P())),
    (pn.rms_norm(), (8,), "model", pn.RmsNormParams(P())),
    (pn.rms_norm(), (8,), "model", pn.RmsNormParams(P("model"))),
    (pn.gated_dense(8), (6,), None, pn.GatedDenseParams(FIRST, FIRST)),
    (
        pn.gated_dense(6, b_init=pn.initializers.zeros),
        (8,),
        "model",
        pn.GatedDenseParams(P("model"), P("model"), P(), P()),
    ),
    (pn.position_embedding(4), (3, 8), "model", pn.PositionEmbeddingParams(P())),
    (pn.position_embedding(4), (3, 8), "model", pn.PositionEmbeddingParams(P(None, "model"))),
    (pn.recompute(pn.serial(pn.gelu, pn.dense(6))), (8,), "model", ((), SECOND)),
    (pn.recompute(pn.gelu), (8,), "model", ()),
    (pn.residual(pn.gelu, projection=pn.dense(8)), (8,), "model", ((), pn.DenseParams(P(), P()))),
    (pn.parallel(pn.serial(), pn.dense(8)), (8,), "model", ((), pn.DenseParams(FIRST, P("model")))),
    (pn.parallel(pn.gelu, pn.dense(8), combine="product"), (8,), "model", ((), SECOND)),
    (pn.parallel(pn.gelu, pn.tanh, combine="concat"), (8,), "model", ((), ())),
    (pn.parallel(pn.gelu, pn.dense(8), combine="concat"), (8,), "model", ((), SECOND)),
    (pn.repeat(pn.residual(pn.gelu), 3), (8,), "model", ()),
    (
        pn.repeat(pn.serial(pn.dense(8), pn.tanh), 3),
        (8,),
        "model",
        (pn.DenseParams(P(None, "model"), P()), ()),
    ),
    (
        pn.repeat(pn.residual(pn.serial(pn.dense(16), pn.gelu, pn.dense(8))), 3),
        (8,),
        None,
        (
            pn.DenseParams(P(None, None, "model"), P(None, "model")),
            (),
            pn.DenseParams(P(None, "model"), P()),
        ),
    ),
    (pn.max_pool(), (4, 4, 8), "model", ()),
    (pn.avg_pool((3, 3), strides=(1, 1)), (4, 4, 8), "model", ()),
    (pn.dropout(0.5), (8,), "model", ()),
    (pn.serial(pn.softmax), (8,), "model", ((),)),
)


@pytest.mark.parametrize(
    "case", FEATURES, ids=lambda case: f"{case[0]}, {case[2]}, {jax.tree.leaves(case[3])}"
)
def test_on_an_explicit_mesh_features_may_be_sharded_too(case):
    layer, in_shape, last, specs = case
    mesh, key = mesh_of(2, 4, kind=EXPLICIT), jax.random.key(1)
    params, state = layer.init(key, in_shape)

    def program(params, state, x):
        y, after, cache = layer.forward(params, state, x, train=True, key=key)
        assert axes_of(after) == axes_of(state)
        assert axes_of(layer.backward(params, cache, y)) == axes_of((params, x))
        of = pn.by_hand(layer).apply
        grads = jax.grad(
            lambda params, x: jnp.sum(of(params, state, x, train=True, key=key)[0]), argnums=(0, 1)
        )(params, x)
        assert axes_of(grads) == axes_of((params, x))

    with jax.set_mesh(mesh):
        x = jnp.zeros((BATCH, *in_shape))
        spec = P("data", *(None for _ in in_shape[1:]), last)
        jax.eval_shape(program, *(laid(mesh, *of) for of in ((params, specs), (state,), (x, spec))))


@pytest.mark.parametrize("kind", [AUTO, EXPLICIT], ids=["auto", "explicit"])
@pytest.mark.parametrize("spec", [P("model"), P(None, "model"), P(None, "data")], ids=str)
def test_a_table_may_be_sharded_by_token_or_by_feature(spec, kind, rng):
    layer = pn.embedding(8, 4)
    given = as_dtype((pn.EmbeddingParams(rng.normal(size=(8, 4))),), jnp.float32)
    given = *given, rng.integers(8, size=(BATCH, 3), dtype=np.int32)
    given[1][0] = 8, -1, 7  # two that are not tokens

    def program(params, x):
        y, _, cache = layer.forward(params, (), x)
        by_hand = jax.grad(lambda p: jnp.sum(jnp.cos(pn.by_hand(layer).apply(p, (), x)[0])))
        return y, layer.backward(params, cache, jnp.cos(y))[0], by_hand(params)

    expected = jit_quickly(program)(*given)
    assert np.isnan(expected[0]).sum() == 8 and np.isfinite(expected[1].w).all()
    mesh = mesh_of(2, 4, kind=kind)
    with jax.set_mesh(mesh):
        laid_out = laid(mesh, given, (pn.EmbeddingParams(spec), P("data")))
        got = jit_quickly(program)(*laid_out)
    np.testing.assert_array_equal(got[0], expected[0])
    assert apart(got[1:], expected[1:]) <= 1e-6
    if kind is EXPLICIT:
        assert axes_of(got[1]) == axes_of(got[2]) == axes_of(laid_out[0])


def test_on_an_explicit_mesh_the_classes_of_a_loss_may_be_sharded(rng):
    logits = rng.normal(size=(4, 8)).astype(np.float32)
    labels = np.array([0, 7, 3, 5])
    program = jax.jit(jax.value_and_grad(pn.softmax_cross_entropy))
    expected = program(logits, labels)
    mesh = mesh_of(2, 4, kind=EXPLICIT)
    with jax.set_mesh(mesh):
        given = laid(mesh, logits, P("data", "model")), laid(mesh, labels, P("data"))
        got = program(*given)
    assert axes_of(got[1]) == axes_of(given[0])
    assert apart(jax.tree.leaves(got), jax.tree.leaves(expected)) <= 1e-6


def test_many_runs_sharded_over_devices_are_the_runs_of_one_device(rng):
    model = pn.serial(pn.dense(4), pn.batch_norm(), pn.relu, pn.dropout(0.5), pn.dense(2))
    run = pn.training_run(model, pn.mse, pn.adam(1e-3), epochs=2, batch_size=4)
    x, targets = (jnp.asarray(rng.normal(size=(16, n)), jnp.float32) for n in (3, 2))
    keys = jax.random.split(jax.random.key(2), DEVICES)

    def runs(keys):
        train_state, losses = jax.vmap(lambda key: run(key, x, targets))(keys)
        return train_state._replace(key=jax.random.key_data(train_state.key)), losses

    mesh = mesh_of(DEVICES)
    sharded = jax.shard_map(runs, mesh=mesh, in_specs=P("data"), out_specs=P("data"))
    got, expected = jit_quickly(sharded)(keys), jit_quickly(runs)(keys)
    assert np.array_equal(got[0].key, expected[0].key)
    assert apart(got, expected) <= 1e-6
    assert all(shape[0] == 1 for shape in cut(got))

    outside = jit_quickly(runs, in_shardings=NamedSharding(mesh, P("data")))
    assert collectives(outside.lower(keys).compile()) == []


# The machines that run the tests have no accelerator; that a program lowers for one can be tested.


@GROUPS
@pytest.mark.parametrize("platform", ["cuda", "tpu"])
def test_every_row_lowers_for_accelerators_with_its_examples_sharded(rows, platform, rng):
    given, specs = zip(*(batch(row, rng, jnp.float32) for row in rows), strict=True)
    mesh = mesh_of(DEVICES)
    shardings = jax.tree.map(lambda spec: NamedSharding(mesh, spec), specs)

    def program(given):
        pairs = zip(rows, given, strict=True)
        return [(by_formulas(row, *of), by_jax(row, *of, ["by_hand"])) for row, of in pairs]

    lowered = jax.jit(program, in_shardings=(shardings,))
    exported = jax.export.export(lowered, platforms=[platform])(given)
    assert exported.platforms == (platform,) and exported.nr_devices == DEVICES
    text = exported.mlir_module()
    count = sum(spec == P("data") for spec in jax.tree.leaves(specs))
    assert text.count('sdy.sharding = #sdy.sharding<@mesh, [{"data"}') >= count > len(rows)
