"""Every hand-derived rule against JAX's derivative of a plain forward, element by element."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import jit
from table import (
    LAYERS,
    OPS,
    ROWS,
    LayerRow,
    as_dtype,
    case,
    cotangent,
    dtypes,
    error,
    functions,
    jit_quickly,
    layer_case,
    names,
    shapes,
)

import purenn as pn

pytestmark = pytest.mark.usefixtures("quickly")


@pytest.mark.parametrize("row", ROWS, ids=names(ROWS))
def test_value_and_derivatives_are_those_of_the_plain_forward(row, rng, x64):
    f = functions(row)
    cases = [(*case(row, shape, rng), shape) for shape in shapes(row)]
    given = [(v, rest, cotangent(f.plain, v, rest, rng)) for v, rest, _ in cases]

    @jit_quickly
    def judged(given):
        results = []
        for v, rest, dy in given:
            y, cache = f.forward(v, rest)
            plain_y, plain_vjp = jax.vjp(lambda v, rest=rest: f.plain(v, rest), v)
            apply_y, apply_vjp = jax.vjp(lambda v, rest=rest: f.apply(v, rest), v)
            by_hand = y, f.backward(v, cache, dy)
            results += [(by_hand, (plain_y, *plain_vjp(dy)), (apply_y, *apply_vjp(dy)))]
        return results

    for (v, _, shape), result in zip(cases, judged(given), strict=True):
        by_hand, of_plain, of_apply = result
        assert error(by_hand, of_plain) <= 1e-12, shape
        assert error(by_hand, of_apply) <= 1e-12, shape
        assert jax.tree.structure(by_hand[1]) == jax.tree.structure(v)
        assert dtypes(by_hand[1]) == dtypes(v)


@pytest.mark.parametrize("row", LAYERS, ids=names(LAYERS))
def test_layer_agrees_with_finite_differences(row):
    # Jitted, since eagerly each operation is a program to compile; within other programs, too,
    # where `jit_quickly` is not allowed.
    forward = jit(row.layer.forward, static_argnames="train")
    layer = row.layer.replace(forward=forward, backward=jit(row.layer.backward))
    report = pn.check_gradients(layer, in_shape=row.in_shape, batch=3, train=row.train)
    assert report.ok, report
    params, _ = jax.eval_shape(lambda: row.layer.init(jax.random.key(0), row.in_shape))
    assert len(report.leaves) == len(jax.tree.leaves(params)) + 1  # and x


@pytest.mark.parametrize("row", OPS, ids=names(OPS))
def test_op_agrees_with_finite_differences(row, rng, x64):
    x, others = case(row, row.shapes[0], rng)
    report = pn.check_gradients(row.op, x, *others, **row.options)
    assert report.ok, report
    assert len(report.leaves) == len(jax.tree.leaves(x))


BOUNDS = {jnp.float32: 1e-5, jnp.bfloat16: 2e-2, jnp.float16: 2e-2}


@pytest.mark.parametrize("row", ROWS, ids=names(ROWS))
def test_low_precision_is_float64_on_the_same_inputs_rounded(row, rng, x64):
    f = functions(row)
    drawn = case(row, shapes(row)[0], rng)
    dy = cotangent(f.plain, *drawn, rng)
    low = [as_dtype(drawn, dtype) for dtype in BOUNDS]
    low = [(v, rest, dy.astype(jax.eval_shape(f.apply, v, rest).dtype)) for v, rest in low]
    high = as_dtype([given[:2] for given in low], jnp.float64)

    @jit_quickly
    def judged(low, high):
        results = []
        for (v, rest, dy), rounded in zip(low, high, strict=True):
            y, cache = f.forward(v, rest)
            right_y, vjp = jax.vjp(lambda v, rest=rounded[1]: f.plain(v, rest), rounded[0])
            by_hand = y, f.backward(v, cache, dy)
            results += [(by_hand, (right_y, *vjp(dy.astype(jnp.float64))))]
        return results

    for (dtype, bound), (v, *_), result in zip(BOUNDS.items(), low, judged(low, high), strict=True):
        by_hand, expected = result
        assert error(by_hand, expected) <= bound, dtype
        assert dtypes(by_hand[1]) == dtypes(v)
        if isinstance(row, LayerRow):
            assert by_hand[0].dtype == dtype


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
def test_gradients_of_a_whole_model_are_those_of_jax(name, rng, x64):
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


def refuse(*arguments, **options):
    raise AssertionError("autodiff was called")


@pytest.fixture
def no_autodiff(monkeypatch):
    for name in ("vjp", "grad", "value_and_grad", "linearize", "jvp", "jacrev", "jacfwd"):
        monkeypatch.setattr(jax, name, refuse)


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
