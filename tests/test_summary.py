"""`summary`: the table of a model, without computing anything."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import pytest

import purenn as pn


def rows(text):
    """{first column: the row's last two columns as numbers}, in order."""
    lines = [line.split() for line in text.splitlines() if not line.startswith(("─", "*"))]
    return [(line[0], *(int(cell.replace(",", "")) for cell in line[-2:])) for line in lines[1:]]


def test_the_network_784_128_10():
    text = pn.summary(pn.serial(pn.rescale(), pn.flatten(), pn.mlp((128,), 10)), (28, 28))
    lines = text.splitlines()
    assert lines[0].split() == ["layer", "formula", "shape", "params", "FLOPs"]
    assert len({len(line) for line in lines}) == 1  # columns line up
    table = {name: (params, flops) for name, params, flops in rows(text)}
    assert table["dense(128)"] == (100_480, 2 * 784 * 128 + 128)
    assert table["dense(10)"] == (1_290, 2 * 128 * 10 + 10)
    assert table["total"][0] == 101_770
    assert table["total"][1] == sum(flops for name, (_, flops) in table.items() if name != "total")
    for line in ("S = X·0.003922 ", "F = flatten(S) ", "Z1 = F·W1 + b1 ", "Z2 = A1·W2 + b2 "):
        assert line in text
    assert "(28, 28)" in lines[2] and "(784,)" in lines[3] and "101,770" in lines[-1]


def test_the_network_784_16_16_10():
    text = pn.summary(pn.mlp((16, 16), 10), (784,))
    names, params, _ = zip(*rows(text), strict=True)
    assert names == ("dense(16)", "relu", "dense(16)", "relu", "dense(10)", "total")
    assert params == (12_560, 0, 272, 0, 170, 13_002)
    assert "*" not in text


@pytest.mark.parametrize(
    "model",
    [
        pn.serial(pn.dense(3), jnp.sin),
        pn.serial(pn.residual(pn.serial(pn.dense(3), jnp.sin))),
        pn.serial(pn.dense(3), pn.serial(pn.serial(jnp.sin))),
        pn.serial(pn.residual(jnp.sin)),
    ],
    ids=["function", "inside residual", "nested", "alone in residual"],
)
def test_a_part_that_is_not_by_hand_has_a_star(model):
    text = pn.summary(model, (3,))
    starred = [line.split("  ")[0] for line in text.splitlines() if "* " in line[:-1]]
    assert len(starred) == 2 and "sin" in starred[0] and starred[0].endswith("*")
    assert text.splitlines()[-1] == "* not derived by hand: jax.vjp differentiates this part"


def test_nothing_is_computed_or_allocated():
    wide = 10**7  # 400 terabytes of weights
    text = pn.summary(pn.serial(pn.dense(wide), pn.relu, pn.dense(wide)), (100,))
    assert f"{wide * 100 + wide + wide * wide + wide:,}" in text.splitlines()[-1]


def test_nesting_is_shown_flat():
    parts = (pn.dense(3), pn.batch_norm(), pn.relu, pn.dropout(0.5), pn.dense(2))
    flat = pn.summary(pn.serial(*parts), (4,))
    assert (
        pn.summary(pn.serial(parts[0], pn.serial(pn.serial(*parts[1:4]), parts[4])), (4,)) == flat
    )
    assert ("batch_norm", 6) in [row[:2] for row in rows(flat)]


def test_a_model_that_takes_integers_alone():
    def init(key, in_shape):
        return jnp.ones((10, 4)), ()

    embed = pn.Layer(
        init=init,
        forward=lambda table, state, x, *, train=False, key=None: (table[x], state, None),
        backward=lambda table, cache, dy: (table, None),
        name="embed",
        takes="integer",
    )
    text = pn.summary(pn.serial(embed, pn.flatten(), pn.dense(2)), (3,))
    assert ("embed", 40) in [row[:2] for row in rows(text)] and "(3, 4)" in text


def test_one_layer_or_op_is_a_model_too():
    assert rows(pn.summary(pn.dense(2), (3,))) == [("dense(2)", 8, 14), ("total", 8, 14)]
    assert "A = tanh(X)" in pn.summary(pn.tanh, (3,))


@pytest.mark.parametrize(
    ("model", "in_shape", "message"),
    [
        (pn.dense(2), 3, "summary: in_shape must be a tuple of whole numbers"),
        (3, (3,), "summary: model must be a layer, an op or a function, got 3"),
        (pn.dense, (3,), "is the function dense itself; call it"),
    ],
)
def test_wrong_calls_say_what_is_wrong(model, in_shape, message):
    with pytest.raises(TypeError, match=message):
        pn.summary(model, in_shape)


def test_integer_first_models_nest_and_odd_names_are_taken_as_they_are():
    class Params(NamedTuple):
        x: jax.Array  # a name that the formula has already

    embed = pn.Layer(
        lambda key, in_shape: (Params(jnp.ones((5, 3))), ()),
        lambda params, state, x, *, train=False, key=None: (params.x[x], state, x),
        lambda params, x, dy: (Params(jnp.zeros_like(params.x).at[x].add(dy)), None),
        takes="integer",
        name="embed{5}",
    )
    model = pn.serial(pn.serial(embed, pn.relu), pn.dense(2))
    assert "embed{5}(X)" in pn.summary(model, ())
