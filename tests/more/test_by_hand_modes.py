"""`by_hand` of each layer and op under `vmap`, `scan` and `jacfwd`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from table import (
    DISTINCT,
    FIRST,
    VARIANTS,
    case,
    cotangent,
    error,
    functions,
    jit_quickly,
    names,
    shapes,
)
from test_by_hand import rules_in, with_rule

pytestmark = pytest.mark.usefixtures("quickly")

# What a rule's other options change is in the functions that it calls, not in the rule.
ONCE = [
    row
    for row in DISTINCT
    if row.name not in VARIANTS and (row in FIRST or row.name.endswith("-evaluated"))
]


@pytest.mark.parametrize("row", ONCE, ids=names(ONCE))
def test_grad_under_vmap_and_scan_is_by_hand_and_jacfwd_of_it_is_plain_jax(row, rng, x64):
    f, rule = functions(row), functions(with_rule(row))
    (one, rest), (two, _) = (case(row, shapes(row)[0], rng) for _ in range(2))
    dy = cotangent(f.plain, one, rest, rng)
    vs = jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), one, two)
    flat, unravel = ravel_pytree(one)

    @jit_quickly
    def judged(vs, flat, rest, dy):
        def grad(v):
            return jax.grad(lambda v: jnp.vdot(dy, rule.apply(v, rest)))(v)

        def by_hand(v):
            return f.backward(v, f.forward(v, rest)[1], dy)

        def forward_over_reverse(apply):
            return jax.jacfwd(jax.grad(lambda flat: jnp.vdot(dy, apply(unravel(flat), rest))))(flat)

        scanned = jax.lax.scan(lambda _, v: (None, grad(v)), None, vs)[1]
        second = forward_over_reverse(rule.apply), forward_over_reverse(f.plain)
        return (jax.vmap(grad)(vs), scanned), jax.vmap(by_hand)(vs), second

    first, by_hand, (second, of_plain) = judged(vs, flat, rest, dy)
    assert error(first, (by_hand, by_hand)) <= 1e-12
    assert error(second, of_plain) <= 1e-12
    assert rules_in(lambda v: rule.apply(v, rest), one) == 1
