"""`by_hand`: JAX takes the hand-derived road, and never meets a silent zero on it."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import (
    LAYERS,
    LOSSES,
    OPS,
    LayerRow,
    case,
    error,
    functions,
    jit_quickly,
    layer_case,
    names,
    plain_batch_norm,
    plain_batch_norm_evaluated,
    shapes,
)

import purenn as pn

pytestmark = pytest.mark.usefixtures("quickly")


def with_rule(row):
    if isinstance(row, LayerRow):
        return row._replace(layer=pn.by_hand(row.layer))
    return row._replace(op=pn.by_hand(row.op))


def rules_in(function, *arguments):
    return str(jax.make_jaxpr(function)(*arguments)).count("custom_vjp_call[")


def wrong(x):
    """The forward of an op whose backward is wrong on purpose: it tells which road was taken."""
    return x**2, x


WRONG = pn.Op(wrong, lambda x, dy: 5 * x * dy, name="wrong")
X = jnp.asarray([[1.0, -2.0, 3.0]])


def test_hand_derived_road_is_really_taken():
    model = pn.serial(pn.by_hand(WRONG))
    for call, expected in (
        (WRONG, 2 * X),
        (pn.by_hand(WRONG), 5 * X),
        (lambda x: model.apply(((),), ((),), x)[0], 5 * X),
        (lambda x: pn.by_hand(pn.serial(WRONG)).apply(((),), ((),), x)[0], 5 * X),
        (lambda x: pn.by_hand(pn.residual(WRONG)).apply((), (), x)[0], 5 * X + 1),
    ):
        assert jax.grad(lambda x, call=call: call(x).sum())(X).tolist() == expected.tolist()


def test_rules_of_parts_are_unwrapped_by_the_rule_around_them():
    square = pn.serial(pn.Op(lambda x: (x**2, x), lambda x, dy: 2 * x * dy))
    wrong_rule = square.replace(apply=pn.by_hand(pn.serial(WRONG)).apply)
    params = state = (((),),)

    def grad(model, x):
        return jax.grad(lambda x: model.apply(params, state, x)[0].sum())(x)

    assert grad(pn.serial(wrong_rule), X).tolist() == (5 * X).tolist()
    unwrapped = pn.by_hand(pn.serial(wrong_rule))
    assert grad(unwrapped, X).tolist() == (2 * X).tolist()
    second = jax.jacfwd(partial(grad, unwrapped))(X)
    assert second[0, :, 0].tolist() == (2 * np.eye(3)).tolist()


def test_nested_rules_are_one_rule(rng):
    block = pn.residual(pn.by_hand(pn.serial(pn.by_hand(pn.dense(3)), pn.by_hand(pn.tanh))))
    loose = pn.serial(pn.by_hand(pn.dense(3)), block, pn.by_hand(pn.softmax))
    row = LayerRow("", loose, (3,), None)
    params, state, x, _ = layer_case(row, (2,), rng, jnp.float32)
    assert rules_in(lambda p: loose.apply(p, state, x)[0], params) == 3
    assert rules_in(lambda p: pn.by_hand(loose).apply(p, state, x)[0], params) == 1


@pytest.mark.parametrize("row", LOSSES, ids=names(LOSSES))
def test_derivative_by_soft_targets_and_weights_is_that_of_jax_and_labels_have_none(row, rng, x64):
    x, others = case(row, row.shapes[0], rng)
    if "weights" in row.name:  # with respect to a weight of 0, the derivative is one-sided
        others = others[0], others[1] + 0.5
    soft = tuple(i for i, a in enumerate(others, 1) if jnp.issubdtype(a.dtype, jnp.floating))

    @jit_quickly
    def judged(x, *others):
        rule, plain = (partial(f, **row.options) for f in (pn.by_hand(row.op), row.plain))
        alone = jax.grad(rule, argnums=soft)(x, *others) if soft else ()
        by_hand = jax.grad(rule, argnums=(0, *soft))(x, *others)
        of_plain = jax.grad(plain, argnums=(0, *soft))(x, *others)
        return (by_hand, alone), (of_plain, of_plain[1:])

    assert error(*judged(x, *others)) <= 1e-12


def batch_norm_case(rng):
    return layer_case(LayerRow("", pn.batch_norm(), (3,), None), (6,), rng)


def plain_statistics(state, x):
    mean, var = x.mean(0), x.var(0)
    return 0.9 * state.mean + 0.1 * mean, 0.9 * state.var + 0.1 * var


def test_derivative_by_the_running_statistics_in_evaluation_is_that_of_jax(rng, x64):
    params, state, x, _ = batch_norm_case(rng)
    dy = jnp.asarray(rng.normal(size=x.shape))
    rule = pn.by_hand(pn.batch_norm())

    def by_hand(*given):
        return jnp.vdot(dy, rule.apply(*given)[0])

    def plain(*given):
        return jnp.vdot(dy, plain_batch_norm_evaluated(*given, None))

    judged = jit_quickly(lambda *given: [jax.grad(f, (0, 1, 2))(*given) for f in (by_hand, plain)])
    assert error(*judged(params, state, x)) <= 1e-12


def test_derivative_through_and_by_the_running_statistics_in_training_is_that_of_jax(rng, x64):
    params, state, x, _ = batch_norm_case(rng)
    dy, dmean, dvar = jnp.asarray(rng.normal(size=x.shape)), *jnp.asarray(rng.normal(size=(2, 3)))
    rule = pn.by_hand(pn.batch_norm())

    def total(y, statistics):
        mean, var = statistics
        return jnp.vdot(dy, y) + jnp.vdot(dmean, mean) + jnp.vdot(dvar, var)

    def by_hand(params, state, x):
        return total(*rule.apply(params, state, x, train=True))

    def plain(params, state, x):
        return total(plain_batch_norm(params, state, x, None), plain_statistics(state, x))

    @jit_quickly
    def judged(*given):
        params, state, x = given
        alone = jax.grad(lambda x: dmean @ rule.apply(params, state, x, train=True)[1].mean)(x)
        return jax.grad(by_hand, (0, 1, 2))(*given), jax.grad(plain, (0, 1, 2))(*given), alone

    got, expected, alone = judged(params, state, x)
    assert error(got, expected) <= 1e-12
    assert error(got[1].mean, 0.9 * dmean) <= 1e-12
    assert error(alone, np.broadcast_to(0.1 / 6 * dmean, x.shape)) <= 1e-12


def test_derivatives_that_are_not_asked_for_cost_nothing(rng):
    params, state, x, _ = batch_norm_case(rng)
    rule = pn.by_hand(pn.batch_norm())

    def y(params, state, x):
        return rule.apply(params, state, x, train=True)[0].sum()

    def statistics(params, state, x):
        return rule.apply(params, state, x, train=True)[1].var.sum()

    def forwards(function, by):
        return str(jax.make_jaxpr(jax.grad(function, by))(params, state, x)).count("= rsqrt ")

    assert forwards(y, (0, 2)) == 1
    assert forwards(y, (0, 1, 2)) == 2
    assert forwards(statistics, 2) == 2
    targets = jnp.asarray(np.full((2, 3), 1 / 3, np.float32))
    loss = pn.by_hand(pn.softmax_cross_entropy)
    logs = [
        str(jax.make_jaxpr(jax.grad(loss, by))(jnp.ones((2, 3)), targets)).count("= log ")
        for by in (0, (0, 1))
    ]
    assert logs == [1, 2]


def counting_layer():
    """A layer of a user, with an integer in its state."""

    def forward(params, state, x, *, train=False, key=None):
        count, mean = state
        return params * x, (count + 1, mean + x.mean()), x

    return pn.Layer(
        init=lambda key, in_shape: (jnp.ones(()), (jnp.int32(0), jnp.zeros(()))),
        forward=forward,
        backward=lambda w, x, dy: ((dy * x).sum(), dy * w),
        name="counting",
    )


def test_integers_in_the_state_have_no_derivative_and_disturb_none():
    rule = pn.by_hand(counting_layer())
    state = (jnp.int32(3), jnp.asarray(0.5))

    def total(w, mean, x):
        y, (count, mean) = rule.apply(w, (state[0], mean), x)
        return y.sum() + 2 * mean, count

    (dw, dmean, dx), count = jax.jit(jax.grad(total, (0, 1, 2), has_aux=True))(
        jnp.asarray(4.0), state[1], X
    )
    assert (dw, dmean, count) == (2.0, 2.0, 4)
    assert np.allclose(dx, 4 + 2 / 3)


@pytest.mark.parametrize("make_key", [jax.random.key, jax.random.PRNGKey], ids=["typed", "raw"])
def test_integer_x_a_static_layer_and_both_kinds_of_key(make_key, rng):
    model = pn.serial(pn.flatten(), pn.rescale(), pn.dense(3), pn.dropout(0.5), pn.dense(2))
    params, state = model.init(make_key(0), (2, 2))
    x = jnp.asarray(rng.integers(256, size=(4, 2, 2)), jnp.uint8)
    labels = jnp.asarray([0, 1, 1, 0], jnp.int32)

    @partial(jax.jit, static_argnums=0)
    def grad(layer, params, key):
        def loss(params):
            y, _ = layer.apply(params, state, x, train=True, key=key)
            return pn.by_hand(pn.softmax_cross_entropy)(y, labels)

        return jax.grad(loss)(params)

    f = jit_quickly(pn.value_and_grad(model, pn.softmax_cross_entropy))
    _, expected = f(params, state, x, labels, key=make_key(3))
    got = grad(pn.by_hand(model), params, make_key(3))
    assert error(got, expected) <= 1e-6
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(got))


@pytest.mark.parametrize("row", [LAYERS[0], OPS[0], LOSSES[0]], ids=lambda row: row.name)
def test_forward_mode_straight_through_a_rule_is_rejected_by_jax(row, rng):
    v, rest = case(row, shapes(row)[0], rng, jnp.float32)
    apply = functions(with_rule(row)).apply
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(lambda v: apply(v, rest), (v,), (v,))


def test_plain_function_has_no_rule_to_install():
    with pytest.raises(TypeError, match="must be a Layer or an Op"):
        pn.by_hand(jnp.sin)
