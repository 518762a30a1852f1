"""Optimizers: against their formulas in float64 NumPy, against optax, and in low precision."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import lax
from table import error, jit_quickly, names

import purenn as pn

pytestmark = pytest.mark.usefixtures("quickly")

STEPS = 1000
STANDARD = partial(jax.numpy_dtype_promotion, "standard")  # optax mixes dtypes


# The formulas as the texts print them: each yields the parameter after every step.


def text_sgd(rate, w, grads):
    for t, g in enumerate(grads):
        w = w - rate(t) * g
        yield w


def text_momentum(rate, w, grads, *, fresh=0.1, nesterov=False):
    v = np.zeros_like(w)
    for t, g in enumerate(grads):
        v = 0.9 * v + fresh * g
        w = w - rate(t) * (0.9 * v + fresh * g if nesterov else v)
        yield w


def text_adam(rate, w, grads, *, decay=0.0):
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(grads):
        m = 0.9 * m + (1 - 0.9) * g
        v = 0.999 * v + (1 - 0.999) * g**2
        m_hat, v_hat = m / (1 - 0.9 ** (t + 1)), v / (1 - 0.999 ** (t + 1))
        shrink = rate(t) * decay * w if w.ndim >= 2 else 0  # weights, never biases
        w = w - rate(t) * m_hat / (np.sqrt(v_hat) + 1e-8) - shrink
        yield w


def text_rmsprop(rate, w, grads, *, momentum=0.0):
    v, u = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(grads):
        v = 0.9 * v + (1 - 0.9) * g**2
        u = momentum * u + rate(t) * g / np.sqrt(v + 1e-8)
        w = w - u
        yield w


def text_adagrad(rate, w, grads, *, momentum=0.0):
    s, u = np.full_like(w, 0.1), np.zeros_like(w)
    for t, g in enumerate(grads):
        s = s + g**2
        u = momentum * u + (1 - momentum) * g / np.sqrt(s + 1e-7)
        w = w - rate(t) * u
        yield w


def text_adamax(rate, w, grads):
    m, u = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(grads):
        m = 0.9 * m + (1 - 0.9) * g
        u = np.maximum(0.999 * u, np.abs(g))
        w = w - rate(t) / (1 - 0.9 ** (t + 1)) * m / (u + 1e-8)
        yield w


def weights_only(params):
    return jax.tree.map(lambda p: p.ndim >= 2, params)


class Row(NamedTuple):
    name: str
    make: Callable[[Any], pn.Optimizer]  # of a learning rate
    text: Callable[..., Any]
    theirs: Callable[[Any], Any] | None = None  # optax's
    quadratic: float = 0.01  # learning rates for the convergence tests
    rosenbrock: float = 1e-3
    low_precision: float = 1e-3  # so that no parameter outgrows float16


OPTIMIZERS = (
    Row("sgd", pn.sgd, text_sgd, optax.sgd),
    Row("momentum", pn.momentum, text_momentum),
    Row(
        "nesterov",
        partial(pn.momentum, nesterov=True),
        partial(text_momentum, nesterov=True),
    ),
    Row(
        "heavy-ball",
        partial(pn.momentum, average=False),
        partial(text_momentum, fresh=1.0),
        partial(optax.sgd, momentum=0.9),
        rosenbrock=2e-4,
    ),
    Row(
        "heavy-ball-nesterov",
        partial(pn.momentum, average=False, nesterov=True),
        partial(text_momentum, fresh=1.0, nesterov=True),
        partial(optax.sgd, momentum=0.9, nesterov=True),
        rosenbrock=2e-4,
    ),
    Row("adam", pn.adam, text_adam, optax.adam, rosenbrock=0.01, low_precision=0.1),
    Row(
        "adamw",
        partial(pn.adamw, weight_decay=0.05),
        partial(text_adam, decay=0.05),
        partial(optax.adamw, weight_decay=0.05, mask=weights_only),
        rosenbrock=0.01,
        low_precision=0.1,
    ),
    Row(
        "rmsprop-momentum",
        partial(pn.rmsprop, momentum=0.9),
        partial(text_rmsprop, momentum=0.9),
        partial(optax.rmsprop, momentum=0.9),
        quadratic=1e-3,
        low_precision=0.1,
    ),
    Row(
        "adagrad-momentum",
        partial(pn.adagrad, momentum=0.5),
        partial(text_adagrad, momentum=0.5),
        quadratic=1.0,
        rosenbrock=0.5,
        low_precision=0.5,
    ),
    Row("adamax", pn.adamax, text_adamax, optax.adamax, rosenbrock=0.01, low_precision=0.1),
)
every = pytest.mark.parametrize("row", OPTIMIZERS, ids=names(OPTIMIZERS))
FORMULAS = (
    *OPTIMIZERS,
    Row("rmsprop", pn.rmsprop, text_rmsprop, optax.rmsprop),
    Row("adagrad", pn.adagrad, text_adagrad, optax.adagrad),
)
KINDS = ("sgd", "nesterov", "adamw", "rmsprop-momentum", "adagrad-momentum", "adamax")
DISTINCT = [row for row in OPTIMIZERS if row.name in KINDS]  # one of each file
each_kind = pytest.mark.parametrize("row", DISTINCT, ids=names(DISTINCT))


def parameters(rng, dtype, lead=()):
    """A weight and a bias; with `lead`, as many gradients of them."""
    shapes = {"w": (3, 4), "b": [(4,)]}
    return jax.tree.map(
        lambda shape: jnp.asarray(rng.normal(size=(*lead, *shape)), dtype),
        shapes,
        is_leaf=lambda node: isinstance(node, tuple),
    )


def dtype_of(leaf):
    return leaf.dtype


def walk(optimizer, params, grads):
    """The parameters after every step along gradients that are given beforehand."""

    def step(carry, g):
        params, opt_state = carry
        updates, opt_state = optimizer.update(g, opt_state, params)
        params = pn.apply_updates(params, updates)
        return (params, opt_state), params

    return lax.scan(step, (params, optimizer.init(params)), grads)[1]


path = jax.jit(walk, static_argnums=0)


@pytest.mark.parametrize("row", FORMULAS, ids=names(FORMULAS))
@pytest.mark.parametrize("decayed", [False, True], ids=["number", "schedule"])
def test_a_thousand_steps_are_the_formulas_in_float64(row, decayed, rng, x64):
    params = parameters(rng, np.float64)
    grads = parameters(rng, np.float64, (STEPS,))
    rate = pn.inverse_time_decay(1e-3, 0.5, 100) if decayed else 1e-3
    text_rate = (lambda t: 1e-3 / (1 + 0.5 * (t // 100))) if decayed else (lambda t: 1e-3)
    expected = jax.tree.map(
        lambda w, g: np.stack(list(row.text(text_rate, np.asarray(w), np.asarray(g)))),
        params,
        grads,
    )
    assert error(path(row.make(rate), params, grads), expected) <= 1e-12


WITH_OPTAX = [row for row in FORMULAS if row.theirs]


@pytest.mark.parametrize("row", WITH_OPTAX, ids=names(WITH_OPTAX))
def test_a_thousand_steps_are_those_of_optax(row, rng):
    params = parameters(rng, np.float32)
    grads = parameters(rng, np.float32, (STEPS,))
    with STANDARD():
        theirs = path(row.theirs(1e-3), params, grads)
    for mine, other in zip(
        jax.tree.leaves(path(row.make(1e-3), params, grads)), jax.tree.leaves(theirs), strict=True
    ):
        assert np.abs(mine - other).max() <= 1e-6


@pytest.mark.parametrize("nesterov", [False, True])
def test_the_average_is_the_heavy_ball_at_a_tenth_of_the_learning_rate(nesterov, rng, x64):
    params, grads = parameters(rng, np.float64), parameters(rng, np.float64, (100,))
    average = path(pn.momentum(0.5, nesterov=nesterov), params, grads)
    ball = path(pn.momentum(0.05, average=False, nesterov=nesterov), params, grads)
    assert error(average, ball) <= 1e-13


@each_kind
def test_a_schedule_sees_an_int32_step_0_first(row, rng):
    seen = []

    def schedule(step):
        seen.append(int(step))
        assert step.dtype == jnp.int32
        return jnp.float32(0.1)

    optimizer = row.make(schedule)
    params = parameters(rng, np.float32)
    opt_state = optimizer.init(params)
    for _ in range(3):
        _, opt_state = optimizer.update(params, opt_state, params)
    assert seen == [0, 1, 2]


@each_kind
def test_a_learning_rate_can_be_traced_and_vmapped(row, rng):
    params, grads = parameters(rng, np.float32), parameters(rng, np.float32, (20,))
    rates = jnp.array([1e-3, 0.1], jnp.float32)
    both = jax.jit(jax.vmap(lambda rate: walk(row.make(rate), params, grads)))(rates)
    for i in range(2):
        alone = path(row.make(rates[i]), params, grads)
        assert error(jax.tree.map(lambda leaf, i=i: leaf[i], both), alone) <= 1e-6


@each_kind
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float32])
def test_a_hundred_steps_compile_once_and_keep_every_dtype(row, dtype, rng):
    optimizer = row.make(1e-3)
    params = parameters(rng, dtype)
    opt_state = optimizer.init(params)
    for leaf in jax.tree.leaves(opt_state):
        assert leaf.dtype == (jnp.int32 if leaf.ndim == 0 else jnp.float32)

    @jax.jit
    def step(params, opt_state, grads):
        updates, opt_state = optimizer.update(grads, opt_state, params)
        return pn.apply_updates(params, updates), opt_state

    after, after_state = params, opt_state
    for _ in range(100):
        after, after_state = step(after, after_state, params)
    assert step._cache_size() == 1  # a weak type or a changed dtype would make it two
    for tree, before in ((after, params), (after_state, opt_state)):
        assert jax.tree.map(dtype_of, tree) == jax.tree.map(dtype_of, before)


@every
@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_low_precision_gradients_of_every_size_neither_stall_nor_break(row, dtype, rng):
    # Sizes from 1e-8 to 6e4, for 2,000 steps: squares of the ends, a counter past 256 and
    # 0.999**2000 all leave what float16 or bfloat16 can hold.
    def sizes(leaf):
        size = np.exp(rng.uniform(np.log(1e-8), np.log(6e4), leaf.shape))
        return jnp.asarray(size * rng.choice([-1, 1], leaf.shape), dtype)

    params = parameters(rng, dtype)
    grads = jax.tree.map(sizes, parameters(rng, np.float32, (2000,)))
    optimizer = row.make(row.low_precision)

    def wide(tree):
        return jax.tree.map(lambda leaf: leaf.astype(jnp.float32), tree)

    def step(carry, g):
        params, low_state, wide_state = carry
        low, low_state = optimizer.update(g, low_state, params)
        expected, wide_state = optimizer.update(wide(g), wide_state, wide(params))
        after = pn.apply_updates(params, low)
        return (after, low_state, wide_state), (after, low, expected)

    start = (params, optimizer.init(params), optimizer.init(wide(params)))
    after, low, expected = jax.jit(partial(lax.scan, step))(start, grads)[1]
    for leaf in jax.tree.leaves(after):
        assert leaf.dtype == dtype
        leaf = np.asarray(leaf, np.float32)
        assert np.isfinite(leaf).all()
        assert (leaf[-200:].max(0) > leaf[-200:].min(0)).all()  # every element moves to the end
    for a, b in zip(jax.tree.leaves(low), jax.tree.leaves(expected), strict=True):
        # All the arithmetic is float32's: nothing but the last rounding is lost.
        b = np.asarray(b.astype(dtype), np.float32)
        assert (np.asarray(a, np.float32) == b).mean() > 0.999
        np.testing.assert_allclose(
            np.asarray(a, np.float32), b, rtol=float(jnp.finfo(dtype).eps), atol=1e-7
        )


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
@pytest.mark.parametrize("make", [pn.adam, pn.adamw])
def test_adam_under_a_constant_gradient_steps_by_the_learning_rate_forever(make, dtype):
    optimizer, params = make(0.125), {"w": jnp.zeros(3, dtype)}
    grads = {"w": jnp.full((2000, 3), 1e-3, dtype)}

    def step(opt_state, grads):
        updates, opt_state = optimizer.update(grads, opt_state, params)
        return opt_state, updates

    _, moved = lax.scan(step, optimizer.init(params), grads)
    np.testing.assert_allclose(np.asarray(moved["w"], np.float32), -0.125, rtol=2e-3)


@pytest.mark.parametrize("half", [jnp.float16, jnp.bfloat16])
@each_kind
def test_gradients_of_less_precision_than_the_parameters_are_rejected(row, half):
    optimizer, params = row.make(0.1), {"w": jnp.zeros(3)}
    low = {"w": jnp.zeros(3, half)}
    opt_state = optimizer.init(params)
    message = rf"grads\['w'\] is {jnp.dtype(half)}, expected the precision of .*, float32"
    with pytest.raises(TypeError, match=message):
        optimizer.update(low, opt_state, params)
    # More precision than the parameters have loses nothing.
    updates, _ = optimizer.update(params, optimizer.init(low), low)
    assert updates["w"].dtype == jnp.float32


def test_adamw_decays_weights_alone_and_needs_them(rng):
    params = parameters(rng, np.float32)
    optimizer = pn.adamw(0.1, weight_decay=0.5)
    nothing = jax.tree.map(jnp.zeros_like, params)
    updates, _ = optimizer.update(nothing, optimizer.init(params), params)
    np.testing.assert_allclose(updates["w"], -0.1 * 0.5 * params["w"], rtol=1e-6)
    np.testing.assert_array_equal(updates["b"][0], 0)
    with pytest.raises(ValueError, match="adamw: update needs params"):
        optimizer.update(nothing, optimizer.init(params))


def test_apply_updates_adds_and_keeps_the_dtype_of_each_parameter():
    params = {"w": jnp.ones((2, 2), jnp.bfloat16), "b": jnp.ones(2, jnp.float32)}
    updates = jax.tree.map(lambda p: jnp.full(p.shape, 0.5, jnp.float32), params)
    after = pn.apply_updates(params, updates)
    assert jax.tree.map(dtype_of, after) == jax.tree.map(dtype_of, params)
    assert all((leaf == 1.5).all() for leaf in jax.tree.leaves(after))


@pytest.mark.parametrize(
    ("updates", "says"),
    [
        ({"w": np.zeros(2)}, r"updates has \['w'\] where params has \['b'\]"),
        ({"b": np.zeros(3), "w": np.zeros(2)}, r"updates\['b'\] has shape \(3,\).*\(2,\)"),
        ([np.zeros(2), np.zeros(2)], r"updates has \[0\] where params has \['b'\]"),
    ],
)
def test_apply_updates_rejects_another_structure(updates, says):
    with pytest.raises(ValueError, match=f"apply_updates: {says}"):
        pn.apply_updates({"b": np.zeros(2), "w": np.zeros(2)}, updates)


# Clipping, and chains.

GRADS = {"w": jnp.array([[3.0, 0.0], [0.0, 0.0]]), "b": [jnp.array([0.0, -4.0])]}  # of norm 5


def clip(max_norm, grads):
    clip = pn.clip_by_global_norm(max_norm)
    return clip.update(grads, clip.init(grads))[0]


def clipped(max_norm, grads=GRADS):
    return jit_quickly(clip, static_argnums=0)(max_norm, grads)


def scaled(factor, tree=GRADS):
    return jax.tree.map(lambda leaf: leaf * factor, tree)


def test_clipping_scales_all_gradients_alike_and_only_long_ones():
    assert error(clipped(1.0), scaled(0.2)) <= 1e-7
    for bound in (5.0, 5.5, 1e30):  # as they are, bit for bit
        assert jax.tree.all(jax.tree.map(np.array_equal, clipped(bound), GRADS))
    assert not any(leaf.any() for leaf in jax.tree.leaves(clipped(0.0)))
    nothing = scaled(0.0)
    for bound in (0.0, 1.0):
        assert not any(leaf.any() for leaf in jax.tree.leaves(clipped(bound, nothing)))
    assert clipped(1.0, {"w": jnp.zeros((0, 3))})["w"].shape == (0, 3)
    assert clipped(1.0, ()) == ()


@pytest.mark.parametrize("size", [1e-18, 1e18, 1e20, 8e37])
def test_the_norm_is_right_where_its_square_overflows(size):
    # The last one's own norm is 4e38, which no float32 is.
    assert error(scaled(1 / size, clipped(size, scaled(size))), scaled(0.2)) <= 1e-6
    if size > 1:
        assert error(clipped(1.0, scaled(size)), scaled(0.2)) <= 1e-6


def test_clipping_a_gradient_that_is_not_finite_gives_nan_alone():
    for bad in (np.inf, -np.inf, np.nan):
        found = clipped(1.0, {"w": jnp.ones(3), "b": jnp.array([bad, 0.0])})
        assert all(np.isnan(leaf).all() for leaf in jax.tree.leaves(found))


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_clipping_in_low_precision_computes_in_float32(dtype):
    # Their squares overflow in float16, and the sum of so many stalls in bfloat16.
    grads = {"w": jnp.full(4096, 1000.0, dtype), "b": jnp.full(4096, 1000.0, jnp.float32)}
    found = clipped(1.0, grads)
    assert jax.tree.map(dtype_of, found) == jax.tree.map(dtype_of, grads)
    expected = 1 / np.sqrt(8192)
    np.testing.assert_allclose(found["b"], expected, rtol=1e-6)
    np.testing.assert_allclose(found["w"].astype(np.float32), expected, rtol=4e-3)


def test_clipping_in_float64_keeps_the_digits_of_the_widest(x64):
    grads = {"w": jnp.array([1e-9, 3.0]), "b": jnp.array([4.0], jnp.float32)}
    assert error(clipped(1.0, grads)["w"], grads["w"] / np.sqrt(25 + 1e-18)) <= 1e-15


@pytest.mark.parametrize("bound", [0.5, 100.0])
def test_the_derivative_of_clipping_is_that_of_its_formula(bound, rng, x64):
    g = jnp.asarray(rng.normal(size=7))

    def both(g):
        parts = clip(bound, {"a": g[:3], "b": g[3:].reshape(2, 2)})
        factor = jnp.minimum(1, bound / jnp.linalg.norm(g))
        return jnp.concatenate([parts["a"], parts["b"].ravel()]), g * factor

    mine, plain = jit_quickly(jax.jacobian(both))(g)
    assert error(mine, plain) <= 1e-12


def test_where_all_gradients_are_zero_the_derivative_of_clipping_is_the_identity(x64):
    @jit_quickly
    def derivatives(g):
        return jax.jacobian(clip, 1)(1.0, g), jax.hessian(clip, 1)(1.0, g)

    jacobian, hessian = derivatives(jnp.zeros(3))
    np.testing.assert_array_equal(jacobian, np.eye(3))
    np.testing.assert_array_equal(hessian, 0)


CHAINS = {
    "clip, adam": (
        lambda: pn.chain(pn.clip_by_global_norm(0.5), pn.adam(1e-3)),
        lambda: optax.chain(optax.clip_by_global_norm(0.5), optax.adam(1e-3)),
    ),
    "optax's clip, adamw": (
        lambda: pn.chain(optax.clip(0.5), pn.adamw(1e-3, weight_decay=0.1)),
        lambda: optax.chain(
            optax.clip(0.5), optax.adamw(1e-3, weight_decay=0.1, mask=weights_only)
        ),
    ),
    "in optax's chain": (
        lambda: optax.chain(pn.clip_by_global_norm(0.5), optax.scale(2.0), pn.sgd(0.1)),
        lambda: optax.chain(optax.clip_by_global_norm(0.5), optax.sgd(0.2)),
    ),
    "a chain in a chain, and what comes after": (
        lambda: pn.chain(pn.chain(pn.clip_by_global_norm(0.5), pn.sgd(0.1)), optax.scale(2.0)),
        lambda: optax.chain(optax.clip_by_global_norm(0.5), optax.sgd(0.2)),
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_is_optaxs_chain(name, rng):
    mine, theirs = (make() for make in CHAINS[name])
    params, grads = parameters(rng, np.float32), parameters(rng, np.float32, (20,))
    grads = scaled(jnp.linspace(0, 1, 20)[:, None, None], grads["w"]), grads["b"]
    grads = {"w": grads[0], "b": grads[1]}  # short ones and long ones
    with STANDARD():
        assert error(path(mine, params, grads), path(theirs, params, grads)) <= 1e-6


def test_the_state_of_a_chain_is_the_tuple_of_its_parts():
    optimizer = pn.chain(pn.clip_by_global_norm(1.0), optax.scale(1.0), pn.momentum(0.1))
    opt_state = optimizer.init(GRADS)
    assert [len(jax.tree.leaves(part)) for part in opt_state] == [0, 0, 3]
    for _ in range(2):
        _, opt_state = optimizer.update(GRADS, opt_state)
    assert opt_state[2].step == 2


# Where they end up.

HILLS = np.array([1.0, 10.0, 50.0], np.float32)  # of a quadratic with its lowest point at 1


def quadratic(w):
    return 0.5 * jnp.sum(HILLS * (w - 1) ** 2)


def rosenbrock(w):
    return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2


@every
@pytest.mark.parametrize(
    ("valley", "start", "steps"),
    [(quadratic, [3.0, -2.0, 0.5], 5_000), (rosenbrock, [-1.2, 1.0], 30_000)],
)
def test_every_optimizer_finds_the_lowest_point(row, valley, start, steps):
    optimizer = row.make(getattr(row, valley.__name__))
    start = jnp.array(start, jnp.float32)

    def step(_, carry):
        w, opt_state = carry
        updates, opt_state = optimizer.update(jax.grad(valley)(w), opt_state, w)
        return w + updates, opt_state

    end, _ = jax.jit(lambda: lax.fori_loop(0, steps, step, (start, optimizer.init(start))))()
    np.testing.assert_allclose(end, 1, atol=1e-2)


# With optax.

MODEL = pn.serial(pn.dense(4), pn.tanh, pn.dense(1))


def regression(rng):
    return rng.normal(size=(16, 3)).astype("float32"), rng.normal(size=(16, 1)).astype("float32")


def test_a_purenn_optimizer_goes_into_an_optax_chain(rng):
    params, grads = parameters(rng, np.float32), parameters(rng, np.float32, (50,))
    with STANDARD():
        clip = optax.clip_by_global_norm(0.5)
        mine = path(optax.chain(clip, pn.adamw(1e-3, weight_decay=0.1)), params, grads)
        theirs = optax.chain(clip, optax.adamw(1e-3, weight_decay=0.1, mask=weights_only))
        theirs = path(theirs, params, grads)
    assert error(mine, theirs) <= 1e-6


def test_an_optax_optimizer_trains_a_purenn_model(rng):
    data = regression(rng)
    fitted = []
    for optimizer in (optax.adam(1e-2), pn.adam(1e-2)):
        with STANDARD():
            train_state, history = pn.fit(
                MODEL,
                pn.mse,
                optimizer,
                data,
                epochs=3,
                batch_size=4,
                key=jax.random.key(1),
                progress=False,
            )
        fitted.append([*jax.tree.leaves(train_state.params), history[-1].loss])
    for theirs, mine in zip(*fitted, strict=True):
        np.testing.assert_allclose(theirs, mine, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("optimizer", "argument"),
    [
        (optax.lbfgs(), "grad"),
        (pn.chain(pn.clip_by_global_norm(1.0), optax.lbfgs()), "value_fn"),
        (optax.contrib.reduce_on_plateau(), "value"),
        (optax.chain(optax.sgd(0.1), optax.contrib.reduce_on_plateau()), "value"),
    ],
)
def test_an_optimizer_that_needs_more_than_gradients_is_rejected_by_name(optimizer, argument, rng):
    def one_step():
        train_state = pn.TrainState.create(MODEL, optimizer, jax.random.key(0), (3,))
        return pn.train_step(MODEL, pn.mse, optimizer)(train_state, *regression(rng))

    wanted = rf"^\S+: optimizer .* needs no extra arguments.*'{argument}'"
    with STANDARD(), pytest.raises(TypeError, match=wanted):
        jax.eval_shape(one_step)


def test_any_other_error_of_an_update_comes_as_it_is(rng):
    def update(grads, opt_state, params=None):
        raise TypeError("missing 1 required positional argument: 'x'")

    step = pn.train_step(MODEL, pn.mse, pn.Optimizer(lambda params: (), update))
    train_state = pn.TrainState.create(MODEL, pn.sgd(0.1), jax.random.key(0), (3,))
    with pytest.raises(TypeError, match="^missing 1 required positional argument: 'x'$"):
        step(train_state, *regression(rng))


# What bad input gets.


@pytest.mark.parametrize(
    ("make", "kind", "says"),
    [
        (lambda: pn.sgd(-0.1), ValueError, "sgd: expected 0 <= learning_rate"),
        (lambda: pn.adam(float("nan")), ValueError, "adam: .*learning_rate.* got nan"),
        (lambda: pn.sgd("fast"), TypeError, "sgd: learning_rate must be a number, got 'fast'"),
        (lambda: pn.sgd(True), TypeError, "sgd: learning_rate must be a number, got True"),
        (lambda: pn.adam(jnp.ones(2)), TypeError, "must be a number, got float32.2,.; vmap over"),
        (lambda: pn.sgd(jnp.float32(-1)), ValueError, "sgd: expected 0 <= learning_rate"),
        (lambda: pn.sgd(jnp.bool(True)), TypeError, "learning_rate must be a number"),
        (lambda: pn.momentum(0.1, 1.0), ValueError, "momentum: expected 0 <= beta < 1, got 1.0"),
        (lambda: pn.momentum(0.1, average=0.5), TypeError, "average must be True or False"),
        (lambda: pn.adam(0.1, beta2=1.0), ValueError, "adam: expected 0 <= beta2 < 1"),
        (lambda: pn.adam(0.1, epsilon=-1e-8), ValueError, "adam: expected 0 <= epsilon"),
        (lambda: pn.adamw(0.1, weight_decay=-1), ValueError, "adamw: expected 0 <= weight_decay"),
    ],
)
def test_optimizers_reject_what_is_not_a_number_of_theirs(make, kind, says):
    with pytest.raises(kind, match=says):
        make()


@each_kind
def test_optimizers_reject_integer_parameters_and_a_schedule_of_vectors(row):
    with pytest.raises(TypeError, match=r"params\['w'\] must be floating point, got int32"):
        row.make(0.1).init({"w": jnp.zeros(2, jnp.int32)})
    params = {"w": jnp.zeros((2, 2))}
    optimizer = row.make(lambda step: jnp.zeros(3))
    with pytest.raises(ValueError, match=r"schedule returned shape \(3,\), not a scalar"):
        optimizer.update(params, optimizer.init(params), params)


@pytest.mark.parametrize("row", DISTINCT[1:], ids=names(DISTINCT[1:]))
def test_gradients_of_another_model_are_rejected(row):
    optimizer = row.make(0.1)
    opt_state = optimizer.init({"w": jnp.zeros((2, 3))})
    grads = {"w": jnp.zeros((3, 2))}
    with pytest.raises(ValueError, match=r"grads\['w'\] has shape \(3, 2\)"):
        optimizer.update(grads, opt_state, grads)


@pytest.mark.parametrize(
    ("optimizer", "says"),
    [
        (pn.adam, "such as adam.*call it with a learning rate"),
        (0.1, "got 0.1"),
        (pn.dense(3), "must have init and update"),  # a layer has an init too
    ],
)
def test_what_is_not_an_optimizer_is_rejected_where_it_is_given(optimizer, says):
    with pytest.raises(TypeError, match=f"train_step: optimizer .*{says}"):
        pn.train_step(MODEL, pn.mse, optimizer)
