"""Training steps by hand, compiled for a TPU, cost no more than by `jax.grad` of the same forward.

What XLA estimates is compared; `report.py` prints it.
"""

import jax
import numpy as np
import pytest
from models import MODELS, arguments, by_grad_of_apply, by_hand
from programs import compile_for
from table import error, to_jax

MARGIN = 1.05
# Of these, XLA takes most of a minute to compile a larger batch.
BATCH = {"cnn": 32, "gpt": 4}


@pytest.mark.parametrize("name", sorted(MODELS, key=lambda name: name not in BATCH))
def test_a_step_by_hand_costs_no_more_than_by_jax_grad(name, tpu):
    model = MODELS[name]
    given = arguments(model, BATCH.get(name, model.batch))
    ours, theirs = (compile_for(tpu, of(model), *given) for of in (by_hand, by_grad_of_apply))
    assert ours.products == model.products <= theirs.products
    assert ours.without_estimate <= theirs.without_estimate
    assert 0 < ours.estimate <= MARGIN * theirs.estimate


@pytest.mark.parametrize("name", [name for name in MODELS if name != "norms"])  # draws masks
def test_the_networks_in_plain_jax_are_the_same(name, rng):
    model = MODELS[name]
    state, x, _ = arguments(model, 2)
    params = jax.tree.map(lambda p: to_jax(0.1 * rng.normal(size=p.shape), p.dtype), state.params)
    x = to_jax(rng.integers(65, size=x.shape), x.dtype)
    y, _ = jax.jit(model.layer.apply)(params, state.state, x)
    plain_y, _ = jax.jit(model.plain)(params, state.state, x, None)
    assert np.ptp(y) > 0.1
    assert error(y, plain_y) <= 1e-5
