"""`summary`: the table of a model, without computing anything."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import purenn as pn
from purenn.core.text import columns

X = jnp.ones(4)  # a single example without its batch axis


def rows(text):
    """{first column: the row's last two columns as numbers}, in order."""
    lines = [line.split("  ") for line in text.splitlines() if not line.startswith(("─", "*"))]
    lines = [[cell.strip() for cell in line if cell] for line in lines]
    return [(line[0], *(int(cell.replace(",", "")) for cell in line[-2:])) for line in lines[1:]]


def test_the_network_784_128_10():
    text = pn.summary(pn.serial(pn.rescale(), pn.flatten(), pn.mlp((128,), 10)), (28, 28))
    lines = text.splitlines()
    assert lines[0].split() == ["layer", "formula", "shape", "params", "FLOPs"]
    assert len({len(line) for line in lines}) == 1  # columns line up
    table = {name: (params, flops) for name, params, flops in rows(text)}
    assert table["dense(128)"] == (100_480, 2 * 784 * 128 + 128)
    assert table["dense(10)"] == (1_290, 2 * 128 * 10 + 10)
    assert (table["relu"], table["flatten"]) == ((0, 128), (0, 0))
    assert table["rescale(0.003922)"] == (0, 784) and table["total"][0] == 101_770
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
    starred = [line.lstrip().split("  ")[0] for line in text.splitlines() if "* " in line[:-1]]
    assert len(starred) == 2 and starred[0] == "sin*"
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


# What textbooks count, of one example: written here once more, in numbers.
FLOPS = {
    "dense": (pn.dense(10), (128,), 2 * 128 * 10 + 10),
    "dense of rows": (pn.dense(10), (7, 128), 7 * (2 * 128 * 10 + 10)),
    "conv2d": (pn.conv2d(16), (28, 28, 1), 28 * 28 * 16 * (2 * 9 + 1)),
    "conv2d, strides": (pn.conv2d(16, (5, 3), strides=(2, 1), padding="VALID"), (9, 9, 4),
                        3 * 7 * 16 * (2 * 5 * 3 * 4 + 1)),
    "conv2d, groups": (pn.conv2d(8, groups=4, dilation=2), (5, 6, 8), 5 * 6 * 8 * (2 * 9 * 2 + 1)),
    "conv1d": (pn.conv1d(8, 5, strides=2), (9, 4), 5 * 8 * (2 * 5 * 4 + 1)),
    "conv2d_transpose": (pn.conv2d_transpose(8, 3, strides=2), (5, 6, 4),
                         5 * 6 * 4 * 2 * 9 * 8 + 10 * 12 * 8),
    "relu": (pn.relu, (128,), 128), "tanh": (pn.tanh, (128,), 128), "gelu": (pn.gelu, (4, 32), 128),
    "options": (partial(pn.leaky_relu, negative_slope=0.1), (128,), 128),
    "softmax": (pn.softmax, (10,), 30),
    "batch_norm": (pn.batch_norm(), (8, 8, 3), 4 * 8 * 8 * 3),
    "layer_norm": (pn.layer_norm(), (5, 8), 7 * 5 * 8),
    "group_norm": (pn.group_norm(2), (5, 8), 7 * 5 * 8),
    "rms_norm": (pn.rms_norm(), (5, 8), 4 * 5 * 8),
    "gated_dense": (pn.gated_dense(6), (5, 8), 5 * 6 * (2 * 2 * 8 + 2)),
    "gated_dense with biases": (
        pn.gated_dense(6, b_init=pn.initializers.zeros, activation=pn.softmax), (8,),
        6 * (2 * (2 * 8 + 1) + 1 + 3)),
    "embedding": (pn.embedding(20, 8), (5,), 0),
    "position_embedding": (pn.position_embedding(9), (5, 8), 5 * 8),
    "attention": (pn.attention(2), (7, 8), 7 * 4 * 2 * 8 * 8 + 2 * 7 * 7 * (4 * 4 + 4)),
    "causal": (pn.attention(2, causal=True, head_features=3), (7, 8),
               7 * 4 * 2 * 8 * 6 + 2 * 28 * (4 * 3 + 4)),
    "kv_heads": (pn.attention(4, kv_heads=2), (7, 8),
                 7 * 2 * 2 * (8 * 8 + 8 * 4) + 4 * 7 * 7 * (4 * 2 + 4)),
    "tied_embedding": (pn.tied_embedding(20, 8, pn.rms_norm()), (5,), 5 * (2 * 20 * 8 + 4 * 8)),
    "gru": (pn.gru(8), (5, 4), 5 * (2 * (4 + 8) * 24 + 24 + 8 + 64)),
    "lstm": (pn.lstm(8), (5, 4), 5 * (2 * (4 + 8) * 32 + 32 + 72)),
    "dropout": (pn.dropout(0.5), (9,), 0), "flatten": (pn.flatten(), (3, 3), 0),
    "rescale": (pn.rescale(), (3, 3), 9),
    "max_pool": (pn.max_pool((2, 2)), (8, 8, 3), 4 * 4 * 4 * 3),
    "avg_pool": (pn.avg_pool((3, 3), strides=(1, 1)), (8, 8, 3), 9 * 6 * 6 * 3),
    "global_avg_pool": (pn.global_avg_pool(), (8, 8, 3), 8 * 8 * 3),
    "residual": (pn.residual(pn.dense(8)), (8,), 8 + 2 * 8 * 8 + 8),
    "projection": (pn.residual(pn.dense(4), projection=pn.dense(4)), (8,), 4 + 2 * (2 * 8 * 4 + 4)),
    "parallel": (pn.parallel(pn.relu, pn.relu, pn.relu), (8,), (2 + 3) * 8),
    "product": (pn.parallel(pn.serial(), pn.dense(8), combine="product"), (8,), 8 + 2 * 64 + 8),
    "concat": (pn.parallel(pn.relu, pn.dense(3), combine="concat"), (8,), 8 + 2 * 8 * 3 + 3),
    "repeat": (pn.repeat(pn.residual(pn.dense(8)), 5), (8,), 5 * (8 + 2 * 64 + 8)),
    "twice": (pn.repeat(pn.repeat(pn.relu, 3), 2), (8,), 6 * 8),
    "recompute": (pn.recompute(pn.dense(8)), (8,), 2 * 8 * 8 + 8),
    "mixed_precision": (pn.mixed_precision(pn.dense(8)), (8,), 2 * 8 * 8 + 8),
    "by_hand": (pn.by_hand(pn.dense(8)), (8,), 2 * 8 * 8 + 8),
    "function": (jnp.sin, (5,), 5), "its sum": (lambda x: x.sum(-1, keepdims=True), (5,), 1),
    "nothing": (pn.serial(), (5,), 0),
}  # fmt: skip


@pytest.mark.parametrize("name", FLOPS)
def test_flops_are_what_textbooks_count(name):
    model, in_shape, flops = FLOPS[name]
    assert rows(pn.summary(model, in_shape))[-1][-1] == flops


def test_a_layer_and_an_op_of_your_own_have_one_per_value_or_what_they_state():
    double = partial(
        pn.Layer,
        lambda key, in_shape: ((), ()),
        lambda params, state, x, *, train=False, key=None: (x + x, state, None),
        lambda params, cache, dy: ((), 2 * dy),
        name="double",
    )
    cube = partial(pn.Op, lambda x: (x**3, x), lambda x, dy: 3 * x * x * dy, name="cube")
    stated = double(flops=lambda params, x, y: 5 * x.size), cube(flops=lambda x, y: 2 * y.size)
    assert [row[-1] for row in rows(pn.summary(pn.serial(double(), cube(), *stated), (2, 3)))] == [
        6, 6, 30, 12, 54,
    ]  # fmt: skip
    for count, message in ((1.5, "a whole number, got 1.5"), (-1, "at least 0, got -1")):
        wrong = double(flops=lambda params, x, y, count=count: count)
        with pytest.raises(
            (TypeError, ValueError), match=f"double: what flops returns must be {message}"
        ):
            pn.summary(wrong, (3,))
    with pytest.raises(TypeError, match="Layer: flops must be a function, got 3"):
        double(flops=3)
    with pytest.raises(TypeError, match="Op: flops must be a function, got 3"):
        cube(flops=3)
    with pytest.raises(TypeError, match="Layer: inner must be a tuple of layers, got a Layer"):
        double(inner=pn.dense(3))


def test_the_parts_of_a_serial_with_a_name_have_their_path():
    block = pn.residual(pn.serial(pn.dense(3), pn.tanh)).replace(name="block")
    encoder = pn.serial(pn.dense(3), block, pn.serial(pn.relu)).replace(name="encoder")
    text = pn.summary(pn.serial(pn.serial(encoder), pn.dense(2)), (4,))
    assert [name for name, *_ in rows(text)] == [
        "encoder / part 0: dense(3)",
        "encoder / part 1: block",
        "dense(3)",
        "tanh",
        "encoder / part 2: serial / part 0: relu",
        "dense(2)",
        "total",
    ]
    # As in the message of an error from there.
    with pytest.raises(ValueError, match="x has shape") as caught:
        encoder.apply((pn.DenseParams(jnp.ones((3, 3)), jnp.ones(3)), (), ()), ((), (), ()), X)
    assert caught.value.__notes__ == ["in encoder / part 0: dense(3)"]


def block(channels):
    conv = partial(pn.conv2d, channels)
    return pn.residual(pn.serial(conv(), pn.batch_norm(), pn.relu, conv(), pn.batch_norm()))


def total_of(model, in_shape):
    params, _ = jax.eval_shape(lambda: model.init(jax.random.key(0), in_shape))
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def test_the_layers_inside_another_stand_beneath_it():
    model = pn.serial(pn.conv2d(4), pn.relu, block(4), block(4), pn.flatten(), pn.dense(10))
    text = pn.summary(model, (6, 6, 1))
    lines = text.splitlines()
    names = [line[:18].rstrip() for line in lines[4:11]]
    inside = ["conv2d(4, (3, 3))", "batch_norm", "relu", "conv2d(4, (3, 3))", "batch_norm"]
    assert names == ["residual", *(f"  {name}"[:18] for name in inside), "residual"]
    for formula in (
        "R1 = A1 + N1.2 ", "Z1.1 = A1∗W1.1 + b1.1 ", "N1.2 = γ1.2⊙norm(Z1.2) + β1.2 ",
        "R1′ = R1 + N1.4 ", "Z1.3 = R1∗W1.3 + b1.3 ", "Z2 = F1·W2 + b2 ",
    ):  # fmt: skip
        assert formula in text, text
    *parts, total = rows(text)
    assert total == ("total", *(sum(row[i] for row in parts) for i in (1, 2)))
    assert total[1] == total_of(model, (6, 6, 1)) and parts[2] == ("residual", 0, 6 * 6 * 4)
    # The symbols of the other lines are those that explain has.
    loss, x, targets = pn.softmax_cross_entropy, jnp.ones((2, 6, 6, 1)), jnp.zeros(2, jnp.int32)

    def explained():
        params, state = model.init(jax.random.key(0), (6, 6, 1))
        return pn.explain(model, loss, params, state, x, targets)

    page = str(jax.eval_shape(explained))
    for line in lines[2:-2]:
        symbol = line.split(" = ")[0].split()[-1]
        assert f" {symbol} = " in page, symbol
    assert " R1′ = R1 + N1.4 " in page and " Z2 = F1·W2 + b2 " in page


def a_function_whose_name_somebody_chose_with_great_care_and_then_kept(x):
    return x


WIDE = {
    "a deep stack": (pn.serial(*[block(64), pn.relu] * 9), (8, 8, 64)),
    "nested": (
        pn.residual(
            pn.serial(
                pn.residual(pn.residual(pn.serial(pn.gelu, pn.dense(8)))),
                pn.recompute(pn.serial(pn.layer_norm(), pn.residual(pn.tanh))),
            )
        ),
        (8,),
    ),
    "long names": (
        pn.serial(
            pn.dense(10**6),
            a_function_whose_name_somebody_chose_with_great_care_and_then_kept,
            partial(pn.leaky_relu, negative_slope=np.float64(0.1234567890123456789)),
            pn.residual(a_function_whose_name_somebody_chose_with_great_care_and_then_kept),
            partial(jnp.clip, min=-1.2345678901234567, max=1.2345678901234567),
        ),
        (10**6,),
    ),
    "half precision": (pn.mixed_precision(pn.serial(*[block(64)] * 2), "float16"), (8, 8, 64)),
}


@pytest.mark.parametrize("name", WIDE)
def test_no_line_is_wider_than_a_page_and_the_totals_are_right(name):
    model, in_shape = WIDE[name]
    text = pn.summary(model, in_shape)
    assert max(map(columns, text.splitlines())) <= 100, text
    *parts, total = rows(text)
    assert total == ("total", *(sum(row[i] for row in parts) for i in (1, 2)))
    assert total[1] == total_of(model, in_shape)
    formulas = [line for line in text.splitlines() if " = " in line]
    assert len(formulas) == len(parts)
    if name == "long names":
        assert "\na_function_whose_name_…*  A1 = a_function_whose_n…  (1000000,) " in text
        assert " A1′′ = clip(…)(R1) " in text
    else:
        symbols = [line.split(" = ")[0].split()[-1] for line in formulas]
        assert "…" not in text and len(set(symbols)) == len(symbols)  # R′4 is the fifth of its name


def test_a_layer_with_stacked_parameters_is_one_row():
    one = pn.dense(4)

    def init(key, in_shape):
        return jax.vmap(lambda key: one.init(key, in_shape)[0])(jax.random.split(key, 5)), ()

    def forward(params, state, x, *, train=False, key=None):
        y, _ = jax.lax.scan(lambda x, p: (one.apply(p, (), x)[0], None), x, params)
        return y, state, x

    stack = pn.Layer(
        init, forward, lambda params, x, dy: (params, dy), name="stack",
        flops=lambda params, x, y: 5 * (2 * 4 * 4 + 4) * (y.size // 4),
    )  # fmt: skip
    assert rows(pn.summary(pn.serial(stack, pn.relu), (4,)))[0] == ("stack", 5 * 20, 180)
    # With the layer inside named as well, each number is still counted once.
    named = pn.Layer(stack.init, stack.forward, stack.backward, name="stack", inner=(one,))
    assert rows(pn.summary(named, (4,))) == [
        ("stack", 80, 4),
        ("dense(4)", 20, 36),
        ("total", 100, 40),
    ]
