"""Optimizers and schedules know the call that made them."""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import purenn as pn
from purenn.optimizers.describe import described, is_elementwise

COSINE = "cosine_decay(initial=0.003, decay_steps=4290, final=0.0)"

DESCRIBED = {
    "sgd(learning_rate=0.1)": pn.sgd(0.1),
    "momentum(learning_rate=0.1, beta=0.9, average=True, nesterov=True)": pn.momentum(
        0.1, nesterov=True
    ),
    f"adam(learning_rate={COSINE}, beta1=0.9, beta2=0.999, epsilon=1e-08)": pn.adam(
        pn.cosine_decay(0.003, 4290)
    ),
    "adamw(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08, weight_decay=0.0)": pn.adamw(
        jnp.float32(1e-3), weight_decay=0.0
    ),
    "adamw(learning_rate=0.001, beta1=0.8, beta2=0.999, epsilon=1e-08, weight_decay=0.1)": pn.adamw(
        1e-3, np.float32(0.8), weight_decay=0.1
    ),
    f"sgd(learning_rate=linear_warmup(peak={COSINE}, warmup_steps=10))": pn.sgd(
        pn.linear_warmup(pn.cosine_decay(0.003, 4290), 10)
    ),
    "sgd(learning_rate=exponential_decay(initial=0.1, decay_rate=0.5, decay_steps=9))": pn.sgd(
        pn.exponential_decay(0.1, 0.5, 9)
    ),
    "sgd(learning_rate=inverse_time_decay(initial=0.1, decay_rate=0.5, steps_per_epoch=9))": pn.sgd(
        pn.inverse_time_decay(0.1, 0.5, 9)
    ),
    "rmsprop(learning_rate=0.1, decay=0.9, epsilon=1e-08, momentum=0.5)": pn.rmsprop(
        0.1, momentum=0.5
    ),
    "adagrad(learning_rate=0.1, initial_accumulator_value=0.1, epsilon=1e-07, momentum=0.0)": (
        pn.adagrad(0.1)
    ),
    "adamax(learning_rate=0.1, beta1=0.9, beta2=0.999, epsilon=1e-08)": pn.adamax(0.1),
    "clip_by_global_norm(max_norm=1.0)": pn.clip_by_global_norm(jnp.float32(1)),
    "chain(clip_by_global_norm(max_norm=1.0), chain(sgd(learning_rate=0.1)))": pn.chain(
        pn.clip_by_global_norm(1), pn.chain(pn.sgd(0.1))
    ),
    "chain(optax.transforms._clipping.clip, sgd(learning_rate=0.1))": pn.chain(
        optax.clip(1.0), pn.sgd(0.1)
    ),
    "sgd(learning_rate=polynomial_decay(initial=0.1, decay_steps=9, final=0.0, power=1.0))": pn.sgd(
        pn.polynomial_decay(0.1, 9)
    ),
    "sgd(learning_rate=piecewise_constant(boundaries=(9,), values=(0.1, 0.05)))": pn.sgd(
        pn.piecewise_constant(np.array([9]), jnp.array([0.1, 0.05]))
    ),
    "sgd(learning_rate=<lambda>)": pn.sgd(lambda step: 0.1),
}


@pytest.mark.parametrize("words", DESCRIBED)
def test_optimizers_and_schedules_are_described_by_the_call_that_made_them(words):
    assert described(DESCRIBED[words]) == words


def test_a_description_is_of_a_function_and_not_of_what_wraps_it():
    adam = pn.adam(0.1)

    @functools.wraps(adam.update)
    def update(grads, opt_state, params=None):
        return adam.update(grads, opt_state, params)

    assert described(pn.Optimizer(adam.init, update)) is None
    assert not is_elementwise(pn.Optimizer(adam.init, update))
    schedule = pn.cosine_decay(0.1, 9)
    wrapped = functools.wraps(schedule)(lambda step: 2 * schedule(step))
    assert described(pn.sgd(wrapped)) == "sgd(learning_rate=<lambda>)"
    stranger = type("Stranger", (), {"description": "its own"})()
    for other in (optax.adam(0.1), optax.chain(optax.clip(1.0), adam), stranger, None, 3):
        assert described(other) is described(pn.Optimizer(None, other)) is None


def test_a_traced_rate_is_called_so():
    said = []
    jax.vmap(lambda rate: said.append(described(pn.sgd(rate))) or rate)(jnp.ones(2))
    assert said == ["sgd(learning_rate=a traced number)"]
    jax.vmap(lambda v: said.append(repr(pn.piecewise_constant((9,), v))) or v)(jnp.ones((2, 2)))
    assert said[1].endswith("values=(a traced number, a traced number))")


def test_a_schedule_and_an_update_have_the_signature_of_their_function():
    assert str(inspect.signature(pn.cosine_decay(0.1, 9))).startswith("(step")
    names = list(inspect.signature(pn.adam(0.1).update).parameters)
    assert names == ["grads", "opt_state", "params"]


def test_updates_that_mix_elements_are_not_called_elementwise():
    assert all(map(is_elementwise, (pn.sgd(0.1), pn.momentum(0.1), pn.adam(0.1))))
    assert all(map(is_elementwise, (pn.rmsprop(0.1), pn.adagrad(0.1), pn.adamax(0.1))))
    assert is_elementwise(pn.adamw(0.1, weight_decay=0.0))
    clip = pn.clip_by_global_norm(1.0)  # one factor for all elements, whatever their shapes
    assert is_elementwise(pn.chain(clip, pn.adam(0.1)))
    assert not is_elementwise(pn.chain(clip, pn.adamw(0.1)))
    assert not is_elementwise(pn.chain(optax.clip(1.0), pn.adam(0.1)))
    for other in (pn.adamw(0.1), optax.adam(0.1), None):
        assert not is_elementwise(other)
