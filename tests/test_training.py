"""The state, one step, and `training_run`."""

import functools
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from table import error, jit_quickly, plain_dropout
from three_classes import CLASSES, EXAMPLES, FEATURES

import purenn as pn
from purenn.training.compiled import Spec, creator
from purenn.training.shuffle import epoch_order

pytestmark = pytest.mark.usefixtures("quickly")

OPTIMIZED = jax.jit  # as XLA compiles by default, for what is compared bit by bit
KEY = jax.random.key(0)
# Batch norm comes first: a bias before it has a derivative of exactly zero, whose rounding noise
# Adam would blow up into whole steps.
MODEL = pn.serial(pn.batch_norm(), pn.dense(5), pn.relu, pn.dropout(0.25), pn.dense(CLASSES))
PLAIN = pn.mlp((5,), CLASSES)
LOSS = pn.softmax_cross_entropy
ADAM = pn.adam(0.01)


def same(one, other):
    """Assert that two trees are equal, bit for bit."""
    chex.assert_trees_all_equal(one, other, strict=True)


order_of = jit_quickly(epoch_order, static_argnums=(2, 3))


def steps_of(model, optimizer, data, *, batch_size, epochs=1):
    """Take the steps of a run one by one: the state after them, and the loss of each."""
    step = pn.train_step(model, LOSS, optimizer)

    @jax.jit
    def step_of(train_state, x, targets, rows):
        return step(train_state, x[rows], targets[rows])

    train_state, losses = pn.TrainState.create(model, optimizer, KEY, (FEATURES,)), []
    for epoch in range(epochs):
        for rows in np.asarray(order_of(train_state.key, epoch, EXAMPLES, batch_size)):
            train_state, value = step_of(train_state, *data, rows)
            losses.append(value)
    return train_state, np.stack(losses)


# The state, and one step.


def test_a_new_state_counts_from_an_int32_0_and_splits_its_key():
    train_state = pn.TrainState.create(MODEL, ADAM, KEY, (FEATURES,))
    init_key, run_key = jax.random.split(KEY)
    params, state = MODEL.init(init_key, (FEATURES,))
    expected = pn.TrainState(params, state, ADAM.init(params), run_key, jnp.int32(0))
    same(train_state, expected)
    assert (train_state.step.dtype, train_state.step.shape) == (jnp.int32, ())


def test_the_initial_state_of_a_run_has_the_numbers_of_an_optimized_program():
    """It is compiled with less optimizing on a CPU, since it runs once.

    Not always its bits: for AVX-512, jax 0.12 computes the end of an array, which does not fill a
    vector, with its products and sums fused in another way: 9 of 450 numbers differ by 2e-7 of it.
    """
    model, in_shape = pn.serial(pn.conv2d(3), pn.relu, pn.flatten(), pn.dense(5)), (6, 5, 2)
    create = creator(Spec(model, LOSS, ADAM, None))
    optimized = OPTIMIZED(
        lambda key: pn.TrainState.create(model, ADAM, key, in_shape),
        compiler_options={"xla_backend_optimization_level": 3},
    )
    created, expected = create(KEY, in_shape).params, optimized(KEY).params
    chex.assert_trees_all_close(created, expected, rtol=1e-6, atol=0)


def test_step_t_is_one_of_plain_jax_under_fold_in_of_the_key_and_t(data):
    # The reference knows nothing of purenn's backward pass: autodiff, and the plain dropout
    # of the table. So it proves the key of the step too: fold_in(key, t), then part 1 of serial.
    x, targets = data
    model = pn.serial(pn.dense(8), pn.dropout(0.5), pn.dense(CLASSES))
    step = jax.jit(pn.train_step(model, LOSS, pn.sgd(0.5), penalty=pn.l2_penalty(0.1)))

    def reference(params, key, t):
        part_key = jax.random.fold_in(jax.random.fold_in(key, t), 1)
        hidden, _, out = params
        z = plain_dropout(0.5, (), (), x @ hidden.w + hidden.b, part_key)
        logits = z @ out.w + out.b
        log_p = jax.nn.log_softmax(logits)
        loss = -jnp.mean(jnp.take_along_axis(log_p, targets[:, None], 1))
        return loss + 0.1 / 2 * (jnp.sum(hidden.w**2) + jnp.sum(out.w**2))

    referee = jax.jit(jax.value_and_grad(reference))
    train_state = pn.TrainState.create(model, pn.sgd(0.5), KEY, (FEATURES,))
    for t in range(4):
        value, grads = referee(train_state.params, train_state.key, t)
        expected = jax.tree.map(lambda p, g: p - 0.5 * g, train_state.params, grads)
        before, (train_state, loss) = train_state, step(train_state, x, targets)
        np.testing.assert_allclose(loss, value, rtol=1e-6)
        assert error(train_state.params, expected) <= 1e-6
        same((train_state.key, train_state.step), (before.key, jnp.int32(t + 1)))
    assert step._cache_size() == 1


def test_a_step_runs_the_same_eagerly_and_jitted(data):
    # A loss of few operations: eagerly, each of them is compiled by itself.
    x, targets = data[0], np.eye(CLASSES, dtype=np.float32)[data[1]]
    step = pn.train_step(PLAIN, pn.mse, pn.sgd(0.1))
    train_state = pn.TrainState.create(PLAIN, pn.sgd(0.1), KEY, (FEATURES,))
    eager, value = step(train_state, x, targets)
    jitted, same_value = jax.jit(step)(train_state, x, targets)
    assert error((eager.params, value), (jitted.params, same_value)) <= 1e-6


# A whole run.


@pytest.mark.parametrize(
    "optimizer",
    [pn.sgd(0.3), pn.momentum(0.3, nesterov=True), pn.adamw(0.01), optax.adam(0.01)],
    ids=["sgd", "momentum", "adamw", "optax"],  # adam's state is adamw's
)
def test_a_run_is_its_steps_however_the_loop_carries_the_weights(optimizer, data):
    # Wide weights, narrow ones, and kernels, which the loop turns and flattens and a step does not.
    model = pn.serial(
        lambda x: x.reshape(-1, 3, 2, 1),
        pn.conv2d(4),
        pn.flatten(),
        pn.mlp((40,), CLASSES),
    )
    x, targets = jnp.asarray(data[0]), jnp.asarray(data[1])
    with jax.numpy_dtype_promotion("standard"):  # optax mixes dtypes
        run = jax.jit(pn.training_run(model, LOSS, optimizer, epochs=1, batch_size=10))
        after, losses = run(KEY, x, targets)
        train_state, values = steps_of(model, optimizer, (x, targets), batch_size=10)
    assert error((after.params, losses[0]), (train_state.params, values)) <= 1e-5
    chex.assert_trees_all_equal_shapes_and_dtypes(after, train_state)


@pytest.mark.parametrize(("examples", "batch_size"), [(70, 10), (23, 5), (8, 8)])
def test_every_epoch_is_another_permutation_decided_by_the_key(examples, batch_size):
    def order(key, epoch):
        rows = np.asarray(order_of(key, epoch, examples, batch_size))
        assert rows.shape == (examples // batch_size, batch_size)
        assert len(np.unique(rows)) == rows.size and rows.min() >= 0 and rows.max() < examples
        return rows

    orders = [order(jax.random.key(k), epoch) for k in (0, 1) for epoch in (0, 1, 2)]
    assert len({rows.tobytes() for rows in orders}) == len(orders)
    np.testing.assert_array_equal(order(jax.random.key(0), 1), orders[1])


def test_an_incomplete_last_batch_is_dropped_but_its_examples_come_in_other_epochs():
    seen = [set(np.ravel(order_of(KEY, epoch, 13, 5))) for epoch in range(10)]
    assert all(len(rows) == 10 for rows in seen) and set.union(*seen) == set(range(13))


@pytest.fixture(scope="module")
def two_epochs(data):
    """A run with 23 steps per epoch and one example left over."""
    run = OPTIMIZED(pn.training_run(MODEL, LOSS, ADAM, epochs=2, batch_size=3))
    result = run(KEY, *data)
    same(result, run(KEY, *data))  # bit for bit the same again
    return result


def test_a_run_is_its_steps_one_after_the_other(two_epochs, data):
    final, losses = two_epochs
    assert losses.shape == (2, 23) and losses.dtype == jnp.float32 and final.step == 46
    train_state, values = steps_of(MODEL, ADAM, data, batch_size=3, epochs=2)
    np.testing.assert_allclose(losses.ravel(), values, atol=1e-5)
    assert error(final.params, train_state.params) <= 1e-5


def fit(data, epochs=2, **options):
    options = {"batch_size": 3, "key": KEY, "progress": False} | options
    return pn.fit(MODEL, LOSS, ADAM, data, epochs=epochs, **options)


def test_fit_and_train_are_training_run(two_epochs, data, monkeypatch):
    monkeypatch.setattr(jax, "jit", OPTIMIZED)
    # 23 steps per epoch are more than one chunk.
    expected, losses = two_epochs
    got, history = fit(data)
    same((got.key, got.step), (expected.key, expected.step))
    assert error((got.params, got.state), (expected.params, expected.state)) <= 1e-5
    np.testing.assert_allclose([h.loss for h in history], losses.mean(1), rtol=1e-6)
    again, again_history = fit(data)
    same(again, got)
    assert [h.loss for h in again_history] == [h.loss for h in history]
    *_, last = pn.train(MODEL, LOSS, ADAM, data, epochs=2, batch_size=3, key=KEY)
    same(last.train_state, got)

    # It continues from a state exactly where that stopped.
    half, first = fit(data, epochs=1)
    kept = jax.tree.map(jnp.copy, half)
    rest, second = fit(data, epochs=1, train_state=half, key=None)
    same(rest, got)
    assert [h.loss for h in first + second] == [h.loss for h in history]
    assert [h.epoch for h in first + second] == [1, 2]
    same(half, kept)  # what was given is still there: nothing was donated


def test_a_wrapped_update_is_not_taken_for_the_one_it_wraps(data):
    # `wraps` copies every attribute of adam's update, and this one depends on the shapes.
    adam = pn.adam(0.01)

    @functools.wraps(adam.update)
    def update(grads, opt_state, params):
        updates, opt_state = adam.update(grads, opt_state, params)
        decay = lambda u, p: u - 0.1 * p if p.ndim > 1 else u  # noqa: E731
        return jax.tree.map(decay, updates, params), opt_state

    decayed = pn.Optimizer(adam.init, update)
    run = jax.jit(pn.training_run(PLAIN, LOSS, decayed, epochs=1, batch_size=10))
    after, _ = run(KEY, *data)
    train_state, _ = steps_of(PLAIN, decayed, data, batch_size=10)
    assert error(after.params, train_state.params) <= 1e-5


def test_no_epochs_give_the_initial_state(data):
    run = pn.training_run(PLAIN, LOSS, ADAM, epochs=0, batch_size=32)
    train_state, losses = run(KEY, *data)
    same(train_state, pn.TrainState.create(PLAIN, ADAM, KEY, (FEATURES,)))
    assert losses.shape == (0, 2)


def test_runs_vmapped_over_keys_and_learning_rates_are_the_single_runs(data):
    def run(key, rate):
        return pn.training_run(PLAIN, LOSS, pn.adam(rate), epochs=2, batch_size=10)(key, *data)

    keys, rates = jax.random.split(KEY, 2), jnp.array([0.003, 0.03], jnp.float32)
    over_rates = jax.vmap(run, in_axes=(None, 0))
    many, losses = jax.jit(jax.vmap(over_rates, in_axes=(0, None)))(keys, rates)
    assert losses.shape == (2, 2, 2, 7)
    single = jax.jit(run)
    for i in range(2):
        for j in range(2):
            alone, alone_losses = single(keys[i], rates[j])
            params = jax.tree.map(lambda leaf, i=i, j=j: leaf[i, j], many.params)
            np.testing.assert_allclose(losses[i, j], alone_losses, atol=1e-6)
            assert error(params, alone.params) <= 1e-6


def test_training_run_rejects_what_does_not_fit():
    with pytest.raises(ValueError, match="epochs must be at least 0"):
        pn.training_run(PLAIN, LOSS, ADAM, epochs=-1, batch_size=4)
    with pytest.raises(ValueError, match="training_run: batch_size is 13, but x holds 12"):
        pn.training_run(PLAIN, LOSS, ADAM, epochs=1, batch_size=13)(
            KEY, np.zeros((12, FEATURES), np.float32), np.zeros(12, np.int32)
        )


# Real digits.

MNIST = Path(__file__).parent.parent / "examples" / "data" / "mnist"


@pytest.fixture(scope="module")
def digits():
    (x, y), _ = pn.load_mnist(MNIST)
    return x[:2000], y[:2000]


def images(*hidden):
    return pn.serial(pn.rescale(), pn.flatten(), pn.mlp(hidden, 10))


PINNED = {
    # hidden, optimizer, batch size: the losses of the first and the last step, and the mean
    "784-128-10": ((128,), pn.adam(1e-3), 128, (2.392461, 1.07005, 1.709984)),
    "784-16-16-10": ((16, 16), pn.sgd(0.1), 32, (2.311243, 0.77852, 1.461615)),
}


@pytest.mark.parametrize(("hidden", "optimizer", "size", "pinned"), PINNED.values(), ids=PINNED)
def test_an_epoch_of_each_network_has_the_pinned_losses(hidden, optimizer, size, pinned, digits):
    run = jax.jit(pn.training_run(images(*hidden), LOSS, optimizer, epochs=1, batch_size=size))
    train_state, losses = run(KEY, *digits)
    np.testing.assert_allclose([losses[0, 0], losses[0, -1], losses.mean()], pinned, rtol=1e-4)
    same((train_state, losses), run(KEY, *digits))  # deterministic, to the bit


def test_an_mlp_memorises_twenty_digits(digits):
    x, y = digits[0][:20], digits[1][:20]
    run = jax.jit(pn.training_run(images(32), LOSS, pn.adam(0.01), epochs=100, batch_size=20))
    train_state, losses = run(KEY, x, y)
    assert losses[0, 0] > 2 and losses[-1, 0] < 0.01
    loss, accuracy = pn.evaluate(images(32), LOSS, train_state.params, train_state.state, x, y)
    assert loss < 0.01 and accuracy == 1


def test_a_state_that_changes_its_shape_is_rejected():
    """And not by the loop that carries it."""

    def forward(params, state, x, *, train=False, key=None):
        return x * params, jnp.zeros(3), x

    scale = pn.Layer(
        lambda key, in_shape: (jnp.ones(in_shape), ()),
        forward,
        lambda params, x, dy: (jnp.sum(dy * x, axis=0), dy * params),
    )
    step = pn.train_step(scale, pn.mse, pn.sgd(0.1))
    train_state = pn.TrainState.create(scale, pn.sgd(0.1), jax.random.key(0), (2,))
    with pytest.raises(ValueError, match="the model's new state has"):
        step(train_state, jnp.ones((4, 2)), jnp.ones((4, 2)))


def test_a_step_may_be_given_a_state_with_batch_norm_to_donate():
    """No array is in it twice."""
    model = pn.serial(pn.batch_norm(), pn.dense(2))
    step = jax.jit(pn.train_step(model, pn.softmax_cross_entropy, ADAM), donate_argnums=0)
    train_state = pn.TrainState.create(model, ADAM, KEY, (3,))
    train_state, _ = step(train_state, jnp.ones((4, 3)), jnp.arange(4) % 2)
    assert int(train_state.step) == 1
