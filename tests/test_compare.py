"""`compare`: a learner's own values against the explanation, with the mistake in words."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import jit_quickly

import purenn as pn
from purenn.inspect.explanation import Explanation

pytestmark = pytest.mark.usefixtures("quickly")

M = 8
MODEL = pn.serial(pn.dense(3), pn.relu, pn.dense(2))


def answers(dtype):
    with jax.enable_x64(True):
        rng = np.random.default_rng(1)
        shapes, state = jax.eval_shape(lambda: MODEL.init(jax.random.key(0), (4,)))
        params = jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape), dtype), shapes)
        x, labels = jnp.asarray(rng.normal(size=(M, 4)), dtype), np.arange(M) % 2
        explain = jit_quickly(pn.explain, static_argnums=(0, 1))
        return params, explain(MODEL, pn.softmax_cross_entropy, params, state, x, labels)


PARAMS, E = answers(np.float64)


def learner(params, x, labels):
    """The texts' columns are examples, and their dZ is not divided by m; here in NumPy, rows."""
    (w1, b1), _, (w2, b2) = params
    z1 = x @ w1 + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ w2 + b2
    a2 = np.exp(z2) / np.exp(z2).sum(1, keepdims=True)
    dz2 = (a2 - np.eye(2)[labels]) / len(x)
    da1 = dz2 @ w2.T
    dz1 = da1 * (z1 > 0)
    return {
        "Z1": z1,
        "A1": a1,
        "Z2": z2,
        "A2": a2,
        "dZ2": dz2,
        "dW2": a1.T @ dz2,
        "db2": dz2.sum(0),
        "dA1": da1,
        "dZ1": dz1,
        "dW1": x.T @ dz1,
        "db1": dz1.sum(0),
    }


def mine(e=E, params=PARAMS):
    to_numpy = jax.tree.map(lambda a: np.asarray(a, np.float64), (params, e[0].x))
    return learner(*to_numpy, np.asarray(e.end.targets))


def test_right_values_pass():
    report = pn.compare(mine(), E)
    assert report.ok and report.worst < 1e-12
    assert str(report).splitlines()[0] == "OK  11 of 11" and str(report).count(" ok") == 11


def test_float64_numpy_passes_against_a_float32_explanation():
    params, e = answers(np.float32)
    report = pn.compare(mine(e, params), e)
    assert report.ok and 0 < report.worst < 1e-5
    wrong = {"dW1": mine(e, params)["dW1"] * 1.0001}
    assert not pn.compare(wrong, e).ok
    assert pn.compare(wrong, e, tolerance=1e-3).ok


def test_the_mistakes_are_told_in_words():
    right = mine()
    dw2 = right["dW2"].copy()
    dw2[2, 1] *= 1.01
    wrong = {
        "dz": M * right["dZ2"],
        "dw1": right["dW1"].T,
        "db1": right["dZ1"].sum(),
        "dw2": dw2,
        "da1": right["dA1"],
    }
    assert str(pn.compare(wrong, E)).splitlines() == [
        "FAIL  4 of 5",
        " dz  yours = 8 × referee everywhere: the 1/m is missing (m = 8)",
        " dw1 shape (3, 4), expected (4, 3): yours is the transpose",
        " db1 shape (), expected (3,): a sum without axis=0?",
        f" dw2 1 of 6 elements differ; worst (2, 1): yours {dw2[2, 1]:.6g}, "
        f"referee {right['dW2'][2, 1]:.6g}",
        " da1 ok",
    ]


def test_the_texts_layout_is_named_the_transpose():
    """Columns are examples there, b is a column, and dZ is m times purenn's."""
    right = mine()
    columns = {name: right[name].T for name in ("Z1", "A1", "dW1")}
    columns |= {"dZ1": M * right["dZ1"].T, "db1": right["db1"][:, None]}
    messages = {leaf.name: leaf.message for leaf in pn.compare(columns, E).leaves}
    for name in ("Z1", "A1", "dW1"):
        assert messages[name].endswith("yours is the transpose"), messages[name]
    assert messages["dZ1"].endswith(
        "yours is the transpose; and then yours = 8 × referee everywhere: "
        "the 1/m is missing (m = 8)"
    )
    assert messages["db1"].endswith("an extra axis of 1, or a missing one (keepdims?)")


def test_another_of_the_values_is_recognized():
    (leaf,) = pn.compare({"dZ1": mine()["dA1"]}, E).leaves
    assert leaf.message == "yours is dA1: two values swapped?"


def test_a_forward_value_that_is_constant_is_not_called_a_sum():
    (leaf,) = pn.compare({"Z1": np.ones((M, 3))}, E).leaves
    assert leaf.message == "every element is 1"


@pytest.mark.parametrize(
    ("name", "is_called"),
    [("DW1", "dW1"), ("z2", "Z2"), ("dz", "dZ2"), ("a2", "A2"), ("DZ1", "dZ1")],
)
def test_names_go_in_any_case_and_dz_is_the_last_layers(name, is_called):
    assert pn.compare({name: mine()[is_called]}, E).ok


def test_a_number_may_be_left_out_where_one_value_has_the_name():
    model = pn.serial(pn.dense(2), pn.batch_norm())
    params, state = jax.jit(lambda: model.init(jax.random.key(0), (3,)))()
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    explain = jax.jit(pn.explain, static_argnums=(0, 1))
    e = explain(model, pn.mse, params, state, x, np.zeros((4, 2), np.float32))
    values = {"dw": e["dW1"], "dgamma": e["dγ1"], "dbeta1": e["dβ1"], "Z": e[0].y, "dN1": e[1].dy}
    assert pn.compare(values, e).ok
    # db is truly zero before batch norm: judged absolutely, so a rounding of zero is right.
    assert pn.compare({"db": np.full(2, 1e-9)}, e).ok
    assert "should be zero" in str(pn.compare({"db": np.full(2, 0.1)}, e))


def test_wrong_calls_say_what_is_wrong():
    with pytest.raises(KeyError, match=r"dW3 is not a value of this one; there are X, Z1, A1"):
        pn.compare({"dW3": 0}, E)
    with pytest.raises(
        KeyError, match="dw is not a value of this one; which of dW2, dW1"
    ):  # two layers have one
        pn.compare({"dw": mine()["dW1"]}, E)
    with pytest.raises(TypeError, match="mine must be a dict of arrays, got list"):
        pn.compare([1, 2], E)
    with pytest.raises(TypeError, match="explanation must be what explain returned, got dict"):
        pn.compare({}, {})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "is missing: got None"),
        ("abc", "is not an array: got a str"),
        (np.full((4, 3), np.nan), "12 of 12 elements are not finite"),
        ([[0.0] * 3] * 4, "is zero everywhere"),
    ],
)
def test_what_is_no_answer_is_reported_not_raised(value, message):
    assert isinstance(E, Explanation)
    (leaf,) = pn.compare({"dW1": value}, E).leaves
    assert not leaf.ok and leaf.message == message
