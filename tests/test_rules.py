"""Every hand-derived rule against JAX's derivative of a plain forward, element by element."""

import sys
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import jit
from table import (
    ALIKE,
    LAYERS,
    OPS,
    ROWS,
    VARIANTS,
    LayerRow,
    as_dtype,
    case,
    cotangent,
    dtypes,
    error,
    functions,
    jit_quickly,
    layer_case,
    layer_input,
    names,
    shape_of_each_rank,
    shapes,
    to_jax,
)

import purenn as pn

pytestmark = pytest.mark.usefixtures("quickly")


@pytest.fixture(scope="module", params=ROWS, ids=names(ROWS))
def row(request):
    """Each row of the table. Being of the module, it keeps the tests of one row together."""
    return request.param


BOUNDS = {jnp.float32: 1e-5, jnp.bfloat16: 2e-2, jnp.float16: 2e-2}


class Judged(NamedTuple):
    """What the tests of one row compare: values and derivatives, each a tuple `(y, dv)`."""

    vs: list[Any]  # what is differentiated, for a shape of each rank
    by_hand: list[Any]
    by_jax: list[Any]  # of the plain forward
    apply_by_jax: Any  # at the first shape
    low_vs: list[Any]  # for each dtype in BOUNDS, at the first shape
    low: list[Any]
    exact: list[Any]  # of the plain forward in float64, on the same inputs


@pytest.fixture(scope="module")
def judged(row):
    """All of it from one compiled program."""
    f, rng = functions(row), np.random.default_rng(0)

    def by_hand(v, rest, dy):
        y, cache = f.forward(v, rest)
        return y, f.backward(v, cache, dy)

    def by_jax(function, v, rest, dy):
        y, vjp = jax.vjp(lambda v: function(v, rest), v)
        return y, *vjp(dy)

    @jit_quickly
    def program(given, low, rounded):
        first = jax.tree.map(lambda *leaves: jnp.stack(leaves), given[0], *rounded)
        first = jax.lax.map(lambda one: by_jax(f.plain, *one), first)  # compiled once for all
        first = [jax.tree.map(lambda a, i=i: a[i], first) for i in range(1 + len(rounded))]
        return (
            [by_hand(*one) for one in given],
            [first[0], *(by_jax(f.plain, *one) for one in given[1:])],
            by_jax(f.apply, *given[0]),
            [by_hand(*one) for one in low],
            first[1:],
        )

    with jax.enable_x64(True):
        given = []
        for shape in shape_of_each_rank(row):
            v, rest = case(row, shape, rng)
            given += [(v, rest, cotangent(f.plain, v, rest, rng))]
        v, rest, dy = given[0]
        low = [as_dtype((v, rest), dtype) for dtype in BOUNDS]
        low = [(*one, to_jax(dy, jax.eval_shape(f.apply, *one).dtype)) for one in low]
        rounded = [as_dtype(one, jnp.float64) for one in low]
        double = program(given, low, rounded)
    return Judged([v for v, *_ in given], *double[:3], [v for v, *_ in low], *double[3:])


def test_value_and_derivatives_are_those_of_the_plain_forward(row, judged):
    for v, got, expected in zip(judged.vs, judged.by_hand, judged.by_jax, strict=True):
        assert error(got, expected) <= 1e-12
        assert jax.tree.structure(got[1]) == jax.tree.structure(v)
        assert dtypes(got[1]) == dtypes(v)
    assert error(judged.apply_by_jax, judged.by_jax[0]) <= 1e-12


def test_in_every_shape_y_has_the_plain_one_and_each_derivative_its_own(row, rng):
    f = functions(row)

    def derivative(v, rest):
        y, cache = f.forward(v, rest)
        return y, f.apply(v, rest), f.backward(v, cache, y)

    for shape in shapes(row):
        v, rest = case(row, shape, rng, jnp.float32)
        y = jax.eval_shape(f.plain, v, rest)
        chex.assert_trees_all_equal_shapes_and_dtypes(
            jax.eval_shape(derivative, v, rest), (y, y, v)
        )


def lines_run(row):
    """The lines of purenn that a row's functions run while JAX traces them."""
    f, lines, package = functions(row), set(), str(Path(pn.__file__).parent)
    v, rest = case(row, shapes(row)[0], np.random.default_rng(0), jnp.float32)

    def note(frame, event, argument):
        if frame.f_code.co_filename.startswith(package):
            lines.add((frame.f_code.co_filename, frame.f_lineno))
            return note
        return None

    def everything(v, rest):
        y, cache = f.forward(v, rest)
        return f.apply(v, rest), f.backward(v, cache, y)

    jax.clear_caches()  # what is jitted in purenn and was traced before would run no line
    before = sys.gettrace()
    sys.settrace(note)
    try:
        jax.eval_shape(everything, v, rest)
    finally:
        sys.settrace(before)
    return lines


def test_rows_that_are_said_to_be_alike_run_the_same_lines():
    by_name = {row.name: row for row in ROWS}
    lines = {name: lines_run(by_name[name]) for name in {*ALIKE, *ALIKE.values()}}
    for name, other in ALIKE.items():
        assert lines[name] and lines[name] == lines[other], name
    assert len({frozenset(each) for each in lines.values()}) == len({*ALIKE.values()})


def test_low_precision_is_float64_on_the_same_inputs_rounded(row, judged):
    low = zip(BOUNDS.items(), judged.low_vs, judged.low, judged.exact, strict=True)
    for (dtype, bound), v, got, expected in low:
        assert error(got, expected) <= bound, dtype
        assert dtypes(got[1]) == dtypes(v)
        if isinstance(row, LayerRow):
            assert got[0].dtype == dtype


# Variants of these are judged by JAX's derivative alone, above.
DIFFERENCED = [row for row in LAYERS if row.name not in (*ALIKE, *VARIANTS)]


@pytest.mark.parametrize("row", DIFFERENCED, ids=names(DIFFERENCED))
def test_layer_agrees_with_finite_differences(row):
    # Jitted, since eagerly each operation is a program to compile; within other programs, too,
    # where `jit_quickly` is not allowed.
    forward = jit(row.layer.forward, static_argnames="train")
    layer = row.layer.replace(forward=forward, backward=jit(row.layer.backward))
    x = layer_input(row, (3,), np.random.default_rng(0))
    report = pn.check_gradients(layer, x, train=row.train)
    assert report.ok, report
    params, _ = jax.eval_shape(lambda: row.layer.init(jax.random.key(0), row.in_shape))
    of_x = row.vocabulary is None
    assert len(report.leaves) == len(jax.tree.leaves(params)) + of_x


@pytest.mark.parametrize("row", OPS, ids=names(OPS))
def test_op_agrees_with_finite_differences(row, rng, x64):
    x, others = case(row, row.shapes[0], rng)
    report = pn.check_gradients(row.op, x, *others, **row.options)
    assert report.ok, report
    assert len(report.leaves) == len(jax.tree.leaves(x))


@pytest.mark.parametrize("row", LAYERS, ids=names(LAYERS))
def test_layer_without_a_cotangent_gives_no_dx_and_zero_dparams(row, rng):
    params = layer_case(row, (4,), rng, jnp.bfloat16).params
    dparams, dx = row.layer.backward(params, None, None)
    assert dx is None
    assert jax.tree.structure(dparams) == jax.tree.structure(params)
    assert dtypes(dparams) == dtypes(params)
    assert error(dparams, jax.tree.map(jnp.zeros_like, params)) == 0


@pytest.mark.parametrize("row", OPS, ids=names(OPS))
def test_op_without_a_cotangent_gives_none(row):
    assert row.op.backward(None, None) is None


@pytest.mark.parametrize(
    "layer",
    [pn.rescale(), pn.flatten(), pn.serial(pn.flatten(), pn.rescale(), pn.dense(2))],
    ids=lambda layer: layer.name,
)
def test_integer_x_has_no_dx(layer):
    x = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)
    params, state = layer.init(jax.random.key(0), (3, 2))
    y, _, cache = layer.forward(params, state, x)
    dy = np.ones(y.shape, y.dtype) if y.dtype == jnp.float32 else y
    dparams, dx = layer.backward(params, cache, dy)
    assert dx is None
    if dparams:  # the dense layer still learns
        assert error(dparams[2].w, x.reshape(4, 6).T.astype(np.float32) / 255 @ dy) <= 1e-6


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_derivative_at_zero_is_0_of_relu_and_the_slope_of_leaky_relu(dtype):
    x = jnp.asarray([0.0, -0.0], dtype)
    leaky = partial(pn.leaky_relu, negative_slope=0.25)
    _, cache = pn.leaky_relu.forward(x, negative_slope=0.25)
    for call, dx, expected in (
        (pn.relu, pn.relu.backward(pn.relu.forward(x)[1], jnp.ones_like(x)), 0),
        (leaky, pn.leaky_relu.backward(cache, jnp.ones_like(x)), 0.25),
    ):
        by_jax = jax.grad(lambda x, call=call: call(x).sum())(x)
        assert dx.tolist() == by_jax.tolist() == [expected, expected]


@pytest.mark.parametrize("op", [pn.relu, pn.leaky_relu], ids=repr)
def test_relu_does_not_hide_a_nan(op):
    assert np.isnan(op(jnp.asarray([jnp.nan]))).all()


def wide_model():
    block = pn.residual(pn.serial(pn.dense(6), pn.silu))
    return pn.serial(
        pn.dense(6), pn.batch_norm(), pn.relu, pn.dropout(0.3), block, pn.dense(4), pn.softmax
    )


MODELS = {
    "mlp": (pn.mlp((8,), 4), pn.softmax_cross_entropy, None),
    "two hidden layers": (pn.mlp((6, 5), 4, activation=pn.gelu), pn.softmax_cross_entropy, None),
    "everything": (wide_model(), pn.categorical_cross_entropy, pn.l2_penalty(0.1)),
    "functions": (
        pn.serial(pn.dense(5), jnp.cos, pn.dense(4)),
        lambda y, t: jnp.mean(jnp.cosh(y - 0.1 * t[:, None].astype(y.dtype))),
        lambda params: sum(jnp.sum(p**4) for p in jax.tree.leaves(params)),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_gradients_of_a_model_are_those_of_jax(name, rng, x64):
    model, loss, penalty = MODELS[name]
    row = LayerRow(name, model, (12,), None)
    params, state, x, key = layer_case(row, (9,), rng)
    targets = jnp.asarray(rng.integers(4, size=9), jnp.int32)

    def value(params):
        y, new_state = model.apply(params, state, x, train=True, key=key)
        return loss(y, targets) + (0 if penalty is None else penalty(params)), new_state

    @jit_quickly
    def judged(params):
        f = pn.value_and_grad(model, loss, penalty=penalty)
        by_hand = f(params, state, x, targets, key=key)
        return by_hand, jax.value_and_grad(value, has_aux=True)(params)

    assert error(*judged(params)) <= 1e-12


def fail(*arguments, **options):
    raise AssertionError("autodiff was called")


@pytest.fixture
def no_autodiff(monkeypatch):
    for name in ("vjp", "grad", "value_and_grad", "linearize", "jvp", "jacrev", "jacfwd"):
        monkeypatch.setattr(jax, name, fail)


def test_value_and_grad_calls_no_autodiff(no_autodiff, rng):
    model, loss, penalty = MODELS["everything"]
    params, state, x, key = layer_case(LayerRow("", model, (12,), None), (9,), rng, jnp.float32)
    targets = jnp.zeros(9, jnp.int32)
    f = pn.value_and_grad(model, loss, penalty=penalty)
    _, grads = jax.eval_shape(f, params, state, x, targets, key=key)
    assert dtypes(grads) == dtypes(params)
    f = pn.value_and_grad(model, loss, penalty=lambda params: params[0].b.sum())
    with pytest.raises(AssertionError, match="autodiff"):  # which a plain function does need
        jax.eval_shape(f, params, state, x, targets, key=key)


def test_op_with_options_stays_by_hand_in_serial(no_autodiff, rng):
    model = pn.serial(pn.dense(3), partial(pn.leaky_relu, negative_slope=0.3))
    assert "*" not in pn.summary(model, (5,))
    assert "cos*" in pn.summary(MODELS["functions"][0], (5,))
    params, state, x, _ = layer_case(LayerRow("", model, (5,), None), (4,), rng, jnp.float32)
    y, _, cache = model.forward(params, state, x)
    (dense, _), _ = model.backward(params, cache, jnp.ones_like(y))
    z = np.asarray(x @ params[0].w + params[0].b)
    assert error(y, np.where(z > 0, z, 0.3 * z)) <= 1e-6
    assert error(dense.b, np.where(z > 0, 1, 0.3).sum(0)) <= 1e-6
