"""Schedules: against numbers worked out on paper."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.example_libraries import optimizers

import purenn as pn

LAST_STEP = 2**31 - 1  # of an int32 counter

SCHEDULES = {
    "inverse_time_decay": (
        # 0.1 / (1 + 0.5 · epoch), ten steps an epoch: it changes between epochs, not within one.
        pn.inverse_time_decay(0.1, 0.5, 10),
        {0: 0.1, 9: 0.1, 10: 0.1 / 1.5, 19: 0.1 / 1.5, 20: 0.05, 100: 0.1 / 6},
    ),
    "inverse_time_decay-none": (pn.inverse_time_decay(0.1, 0, 1), {0: 0.1, LAST_STEP: 0.1}),
    "exponential_decay": (
        # It halves every ten steps, and goes on doing so.
        pn.exponential_decay(1.0, 0.5, 10),
        {0: 1.0, 5: 0.7071067812, 10: 0.5, 30: 0.125, 100: 0.0009765625, LAST_STEP: 0.0},
    ),
    "cosine_decay": (
        # (1 + cos 36°) / 2, (1 + cos 90°) / 2, (1 + cos 144°) / 2
        pn.cosine_decay(1.0, 10),
        {0: 1.0, 2: 0.9045084972, 5: 0.5, 8: 0.0954915028, 10: 0.0, 11: 0.0, LAST_STEP: 0.0},
    ),
    "cosine_decay-final": (
        pn.cosine_decay(1.0, 10, final=0.2),
        {0: 1.0, 5: 0.6, 10: 0.2, LAST_STEP: 0.2},
    ),
    "polynomial_decay": (
        pn.polynomial_decay(1.0, 10),
        {0: 1.0, 3: 0.7, 9: 0.1, 10: 0.0, 11: 0.0, LAST_STEP: 0.0},
    ),
    "polynomial_decay-square": (
        # 0.2 + 0.8 · 0.9², 0.8 · 0.5², 0.8 · 0.1²
        pn.polynomial_decay(1.0, 10, final=0.2, power=2),
        {0: 1.0, 1: 0.848, 5: 0.4, 9: 0.208, 10: 0.2, LAST_STEP: 0.2},
    ),
    "polynomial_decay-rise": (pn.polynomial_decay(0.0, 4, 1.0), {0: 0.0, 1: 0.25, 4: 1.0}),
    "polynomial_decay-none": (pn.polynomial_decay(1.0, 4, power=0), {0: 1.0, 3: 1.0, 4: 0.0}),
    "piecewise_constant": (
        # A boundary is the first step of the next value.
        pn.piecewise_constant((10, 20), [1.0, 0.5, 0.25]),
        {0: 1.0, 9: 1.0, 10: 0.5, 19: 0.5, 20: 0.25, LAST_STEP: 0.25},
    ),
    "piecewise_constant-arrays": (
        pn.piecewise_constant(np.array([LAST_STEP]), jnp.array([0.5, 0.25])),
        {0: 0.5, LAST_STEP - 1: 0.5, LAST_STEP: 0.25},
    ),
    "piecewise_constant-one": (pn.piecewise_constant((), (0.5,)), {0: 0.5, LAST_STEP: 0.5}),
    "linear_warmup": (
        pn.linear_warmup(1.0, 4),
        {0: 0.25, 1: 0.5, 2: 0.75, 3: 1.0, 4: 1.0, LAST_STEP: 1.0},
    ),
    "linear_warmup-one-step": (pn.linear_warmup(0.3, 1), {0: 0.3, 1: 0.3}),
    "linear_warmup-cosine": (
        # The cosine begins at step 4, where the warm-up has reached its peak.
        pn.linear_warmup(pn.cosine_decay(1.0, 10), 4),
        {0: 0.25, 3: 1.0, 4: 1.0, 6: 0.9045084972, 9: 0.5, 14: 0.0, LAST_STEP: 0.0},
    ),
    "linear_warmup-piecewise": (
        pn.linear_warmup(pn.piecewise_constant((10,), (0.1, 0.05)), 5),
        {0: 0.02, 4: 0.1, 14: 0.1, 15: 0.05},
    ),
    "linear_warmup-inverse_time": (
        pn.linear_warmup(pn.inverse_time_decay(0.1, 0.5, 10), 5),
        {0: 0.02, 4: 0.1, 5: 0.1, 14: 0.1, 15: 0.1 / 1.5},
    ),
}


@pytest.mark.parametrize(("schedule", "numbers"), SCHEDULES.values(), ids=SCHEDULES)
def test_schedules_give_the_numbers_of_their_formulas(schedule, numbers, x64):
    steps = jnp.array(list(numbers), jnp.int32)
    expected = np.array(list(numbers.values()))
    np.testing.assert_allclose(jax.jit(jax.vmap(schedule))(steps), expected, atol=1e-10)
    np.testing.assert_allclose([schedule(step) for step in numbers], expected, atol=1e-10)


@pytest.mark.parametrize(("schedule", "numbers"), SCHEDULES.values(), ids=SCHEDULES)
def test_schedules_are_float32_scalars_of_an_int32_step(schedule, numbers):
    for step, expected in numbers.items():
        rate = schedule(jnp.int32(step))
        assert (rate.shape, rate.dtype) == ((), jnp.float32)
        np.testing.assert_allclose(rate, expected, rtol=1e-6, atol=1e-7)


OTHERS = {  # an equal schedule of another library
    "optax, piecewise": (
        pn.piecewise_constant((10, 20), (1.0, 0.5, 0.05)),
        optax.piecewise_constant_schedule(1.0, {10: 0.5, 20: 0.1}),
    ),
    "JAX's example libraries, piecewise": (  # there the value changes after a boundary
        pn.piecewise_constant((10, 20), (1.0, 0.5, 0.05)),
        optimizers.piecewise_constant((9, 19), (1.0, 0.5, 0.05)),
    ),
    "optax, polynomial": (
        pn.polynomial_decay(1.0, 20, 0.1, 1.5),
        optax.polynomial_schedule(1.0, 0.1, 1.5, 20),
    ),
}


@pytest.mark.parametrize(("mine", "theirs"), OTHERS.values(), ids=OTHERS)
def test_schedules_of_other_libraries_have_the_same_numbers(mine, theirs):
    steps = jnp.arange(25)
    with jax.numpy_dtype_promotion("standard"):
        np.testing.assert_allclose(jax.vmap(mine)(steps), jax.vmap(theirs)(steps), rtol=2e-6)


@pytest.mark.parametrize(
    ("make", "kind", "says"),
    [
        (lambda: pn.inverse_time_decay(-1, 0.5, 10), ValueError, "0 <= initial, got -1"),
        (lambda: pn.inverse_time_decay(0.1, -0.5, 10), ValueError, "0 <= decay_rate, got -0.5"),
        (lambda: pn.inverse_time_decay(0.1, 0.5, 0), ValueError, "steps_per_epoch must be at lea"),
        (lambda: pn.inverse_time_decay(0.1, 0.5, 7.5), TypeError, "steps_per_epoch must be a who"),
        (lambda: pn.exponential_decay(0.1, -1, 10), ValueError, "0 <= decay_rate, got -1"),
        (lambda: pn.exponential_decay(0.1, 0.5, 0), ValueError, "decay_steps must be at least 1"),
        (lambda: pn.exponential_decay("a", 0.5, 1), TypeError, "initial must be a number, got 'a'"),
        (lambda: pn.cosine_decay(0.1, -3), ValueError, "decay_steps must be at least 1, got -3"),
        (lambda: pn.cosine_decay(0.1, 10, -1), ValueError, "0 <= final, got -1"),
        (lambda: pn.cosine_decay(float("inf"), 10), ValueError, "0 <= initial, got inf"),
        (lambda: pn.polynomial_decay(0.1, 0), ValueError, "decay_steps must be at least 1, got 0"),
        (lambda: pn.polynomial_decay(0.1, 9, 0, -1), ValueError, "0 <= power, got -1"),
        (lambda: pn.piecewise_constant(9, (1, 2)), TypeError, "boundaries must be a sequence"),
        (lambda: pn.piecewise_constant((9,), (1,)), ValueError, "got 1 values and 1 boundaries"),
        (lambda: pn.piecewise_constant((9, 9), (1, 2, 3)), ValueError, "must be more than .*, 9"),
        (lambda: pn.piecewise_constant((0,), (1, 2)), ValueError, r"boundaries.0. must be at lea"),
        (lambda: pn.piecewise_constant((1.5,), (1, 2)), TypeError, "must be a whole number"),
        (lambda: pn.piecewise_constant((9,), (1, -2)), ValueError, r"0 <= values.1., got -2"),
        (lambda: pn.linear_warmup(0.1, 0), ValueError, "warmup_steps must be at least 1, got 0"),
        (lambda: pn.linear_warmup(-0.1, 5), ValueError, "0 <= peak, got -0.1"),
        (lambda: pn.linear_warmup(None, 5), TypeError, "peak must be a number, got None"),
    ],
)
def test_schedules_reject_what_is_not_a_number_of_theirs(make, kind, says):
    with pytest.raises(kind, match=says):
        make()
