"""Mistakes planted in what `attention` calls: its own backward holds little of the maths."""

from importlib import import_module

import jax
import numpy as np
import pytest
from planted.mutants import mutants
from table import LAYERS, case, cotangent, error, functions

from purenn.layers import score_blocks
from purenn.layers.heads import Heads

attention = import_module("purenn.layers.attention")
# (whose attribute it is, its name): a method, or a function under the name that its caller uses
RULES = (
    (attention, "attend_backward"),
    (Heads, "made_backward"),
    (Heads, "mixed_backward"),
    (import_module("purenn.layers.heads"), "turned"),
)
# Not mistakes, each with its reason.
EQUIVALENT = {
    "turned: -2 → 2": "queries and keys have four axes",
    "turned: x.ndim - 2 → -2": "no axes are added: other axes broadcast by themselves",
    "turned: start + jnp.arange(time, dtype=jnp.int32) → jnp.arange(time, dtype=jnp.int32)": (
        "the start is 0 but for stepwise, which test_attention.py tests"
    ),
}


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        yield


def judged(row):
    """A function that tells whether the row's derivatives are those of its plain forward."""
    of = functions(row)
    v, rest = case(row, row.leading[0], np.random.default_rng(0))
    dy = cotangent(of.plain, v, rest, np.random.default_rng(1))
    y, pull = jax.vjp(lambda v: of.plain(v, rest), v)
    expected = y, *pull(dy)

    def is_right():
        y, cache = of.forward(v, rest)
        return error((y, of.backward(v, cache, dy)), expected) < 1e-9

    return is_right


@pytest.mark.parametrize(("owner", "function"), RULES, ids=lambda rule: str(rule).split(".")[-1])
def test_every_mutant_of_what_attention_calls_is_caught(monkeypatch, owner, function):
    # So that there are several, one of which is filled up, with keys at once and in a loop.
    monkeypatch.setattr(score_blocks, "CPU", score_blocks.Sizes(3, 2, 2))
    tests = [judged(row) for row in LAYERS if row.name.startswith("attention")]
    plain = getattr(owner, function)
    assert all(is_right() for is_right in tests)

    def caught(mutant):
        monkeypatch.setattr(owner, function, mutant)
        try:
            return not all(is_right() for is_right in tests)
        except Exception:
            return True

    changed = [(name, mutant) for name, mutant in mutants(plain) if name not in EQUIVALENT]
    assert len(changed) > 5
    assert [name for name, mutant in changed if not caught(mutant)] == []
