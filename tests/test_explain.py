"""`explain`: the page for a person, and the same numbers as `value_and_grad`."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import as_dtype, error

import purenn as pn
from purenn.layers.dense import DenseParams

pytestmark = pytest.mark.usefixtures("quickly")

PAGE = """\
m = 2, targets [0 1]; loss softmax_cross_entropy = 1.922
FORWARD
 X                (2,2) [[1 2] [3 -1]]
 Z1 = X·W1 + b1   (2,3) [[1 1 1] [3 -4 .5]]
 A1 = relu(Z1)    (2,3) [[1 1 1] [3 0 .5]]   1 of 6 off
 Z2 = A1·W2 + b2  (2,2) [[1.5 .5] [3.25 -.25]]
 A2 = softmax(Z2) (2,2) [[.731 .269] [.971 .029]]
BACKWARD (the texts' dZ is m times these)
 dZ2 = (A2-Y)/m   (2,2) [[-.134 .134] [.485 -.485]]
 dW2 = A1ᵀ·dZ2    (3,2) [[1.322 -1.322] [-.134 .134] [.108 -.108]]
 db2 = Σ rows dZ2 (2,)  [.351 -.351]
 dA1 = dZ2·W2ᵀ    (2,3) [[-.134 .134 -.134] [.485 -.485 .485]]
 dZ1 = dA1⊙(Z1>0) (2,3) [[-.134 .134 -.134] [.485 0 .485]]
 dW1 = Xᵀ·dZ1     (2,3) [[1.322 .134 1.322] [-.754 .269 -.754]]
 db1 = Σ rows dZ1 (3,)  [.351 .134 .351]
A step of 0.1 lowers the loss: 1.922 → 1.159"""

TWO_LAYERS = pn.serial(pn.dense(3), pn.relu, pn.dense(2))


def worked(dtype=jnp.float32):
    """The worked example: params, state, x, targets."""
    first = DenseParams(np.array([[1, -1, 0.5], [0, 1, 0.5]]), np.array([0, 0, -0.5]))
    last = DenseParams(np.array([[1, 0], [0, 1], [0.5, -0.5]]), np.zeros(2))
    x = np.array([[1.0, 2], [3, -1]])
    params, x = as_dtype(((first, (), last), x), dtype)
    return params, ((), (), ()), x, np.array([0, 1], np.int32)


def explain_worked(**options):
    return pn.explain(TWO_LAYERS, pn.softmax_cross_entropy, *worked(), **options)


def test_the_worked_example_is_the_page():
    assert str(explain_worked()).splitlines() == PAGE.splitlines()


def test_explain_jits_and_still_prints_the_page():
    params, state, x, targets = worked()

    @jax.jit
    def compiled(params):
        return pn.explain(TWO_LAYERS, pn.softmax_cross_entropy, params, state, x, targets)

    assert str(compiled(params)) == PAGE
    # Inside a compiled program there are no numbers to print, and that is no error.
    pages = []

    def printing(params):
        e = pn.explain(TWO_LAYERS, pn.softmax_cross_entropy, params, state, x, targets)
        pages.append(str(e))
        return e.value

    jax.eval_shape(printing, params)
    assert "dW1 = Xᵀ·dZ1     (2,3) (traced)" in pages[0] and "A step" not in pages[0]


def test_explain_maps_over_parameters_and_is_differentiable():
    params, state, x, targets = worked()
    two = jax.tree.map(lambda p: jnp.stack([p, 2 * p]), params)
    f = partial(pn.explain, TWO_LAYERS, pn.softmax_cross_entropy)
    mapped = jax.vmap(lambda p: f(p, state, x, targets))(two)
    alone = f(jax.tree.map(lambda p: 2 * p, params), state, x, targets)
    assert error(jax.tree.map(lambda a: a[1], mapped.grads), alone.grads) < 1e-6
    by_jax = jax.grad(lambda p: f(p, state, x, targets).value)(params)
    assert error(explain_worked().grads, by_jax) < 1e-6


def test_values_are_looked_up_by_symbol_in_any_case():
    e = explain_worked()
    assert e["dW1"] is e["dw1"] is e[0].dparams.w
    assert e["x"] is e[0].x and e["A1"] is e[1].y and e["dZ2"] is e[2].dy
    assert len(e) == 3 and e[-1].dparams.b is e["db2"]
    with pytest.raises(
        KeyError,
        match="dW3 is no value of this one; there are X, Z1, A1, Z2, A2, dZ2, dW2, db2, dA1",
    ):
        e["dW3"]


NESTED = pn.serial(
    pn.rescale(),
    pn.flatten(),
    pn.serial(pn.dense(4), pn.serial(pn.batch_norm(), pn.relu)),
    pn.dropout(0.5),
    pn.residual(pn.serial(pn.dense(4), pn.tanh)),
    jnp.sin,
    pn.dense(2),
)


@pytest.fixture(scope="module")
def nested():
    params, state = NESTED.init(jax.random.key(0), (2, 2))
    x = np.random.default_rng(0).integers(256, size=(5, 2, 2), dtype=np.uint8)
    return params, state, x, np.array([[0, 1]] * 5, np.float32), jax.random.key(3)


@pytest.mark.parametrize("penalty", [None, pn.l2_penalty(0.1)], ids=["plain", "penalty"])
@pytest.mark.parametrize("train", [True, False], ids=["train", "evaluate"])
def test_the_numbers_are_those_of_value_and_grad(train, penalty, nested, x64):
    params, state, x, targets, key = nested
    params, state, targets = as_dtype((params, state, targets), jnp.float64)
    x = jnp.asarray(x / 255)  # uint8 would make float32 of it
    rest = {"key": key, "train": train}
    f = pn.value_and_grad(NESTED, pn.mse, penalty=penalty)
    (value, _), grads = f(params, state, x, targets, **rest)
    e = pn.explain(NESTED, pn.mse, params, state, x, targets, penalty=penalty, **rest)
    assert error(e.grads, grads) <= 1e-12 and e.value == value
    assert jax.tree.structure(e.grads) == jax.tree.structure(params)
    after = jax.tree.map(lambda p, g: p - 0.1 * g, params, grads)
    assert error(e.value_after, f(after, state, x, targets, **rest)[0][0]) <= 1e-12
    assert e.value_after < e.value


def test_every_kind_of_part_has_its_line(nested):
    params, state, x, targets, key = nested
    page = str(pn.explain(NESTED, pn.mse, params, state, x, targets, key=key))
    for line in (
        "m = 5, n = 10 outputs in all, targets [[0 1] [0 1] [0 1] [0 1] [0 1]]; loss mse",
        " X                                                    (5,2,2) from ",
        " S = X·0.003922 ",
        " F = flatten(S) ",
        " N1 = γ1⊙norm(Z1) + β1 ",
        " D1 = A1⊙mask/0.5 ",
        " R1 = D1 + serial(dense(4), tanh)(D1) ",
        " A1′ = sin(R1) ",
        " dZ2 = 2(Z2-Y)/n ",
        " dR1 = jax.vjp of sin, at dA1′ ",
        " dR1[0].w ",
        " dD1 = dR1 + the layer's own dx ",
        " dA1 = dD1⊙mask/0.5 ",
        " dγ1 = Σ rows dN1⊙x̂ ",
        " dZ1 = γ1/σ⊙(dN1 less its mean and its part along x̂)",
        " dF = dZ1·W1ᵀ ",
    ):
        assert line in page, (line, page)
    assert "dX" not in page and "off" in page


def test_evaluation_prints_the_formulas_of_evaluation(nested):
    params, state, x, targets, _ = nested
    e = pn.explain(NESTED, pn.mse, params, state, x, targets, train=False)
    for line in ("train=False", " D1 = A1 ", " dA1 = dD1 ", " dZ1 = γ1/σ⊙dN1 "):
        assert line in str(e)
    assert error(e["D1"], e["A1"]) == 0 and e["dgamma1"] is e["dγ1"]


def test_an_integer_x_has_no_derivative(nested):
    params, state, x, targets, key = nested
    e = pn.explain(NESTED, pn.mse, params, state, x, targets, key=key)
    assert e[0].x.dtype == jnp.uint8 and e[0].dx is None and e[1].dx is not None


def test_the_penaltys_share_is_marked_where_there_is_one():
    plain, e = explain_worked(), explain_worked(penalty=pn.l2_penalty(0.1))
    lines = str(e).splitlines()
    assert lines[0].endswith("loss softmax_cross_entropy = 2.222, of which penalty .3")
    marked = [line.split(" = ")[0].strip() for line in lines if "+ the penalty's" in line]
    assert marked == ["dW2", "dW1"]
    assert error(e["dW1"], plain["dW1"] + 0.1 * worked()[0][0].w) < 1e-6


def test_a_raw_and_a_typed_key_drop_the_same(nested):
    params, state, x, targets, key = nested
    f = partial(pn.explain, NESTED, pn.mse, params, state, x, targets)
    assert error(f(key=key)["D1"], f(key=jax.random.key_data(key))["D1"]) == 0


@pytest.mark.parametrize(
    ("loss", "last", "lines"),
    [
        (pn.binary_cross_entropy, pn.sigmoid, ["dA1 = ((1-Y)/(1-A1) - Y/A1)/n", "dZ1 = dA1⊙A1"]),
        (pn.sigmoid_binary_cross_entropy, None, ["A1 = sigmoid(Z1)", "dZ1 = (A1-Y)/n"]),
        (pn.sigmoid_binary_cross_entropy, pn.tanh, ["A1′ = sigmoid(A1)", "dA1 = (A1′-Y)/n"]),
        (lambda p, t: jnp.mean(jnp.abs(p - t)), None, ["dZ1 = <lambda>.backward"]),
    ],
)
def test_losses_print_their_formulas(loss, last, lines):
    model = pn.serial(pn.dense(1), *([last] if last else []))
    params, state = model.init(jax.random.key(0), (3,))
    x, targets = np.ones((4, 3), np.float32), np.array([[0], [1], [1], [0]], np.float32)
    e = pn.explain(model, loss, params, state, x, targets)
    assert all(line in str(e) for line in lines), e
    assert len(e.named()) == len(set(e.named())) == str(e).count("\n") - 3


def test_large_arrays_are_shown_as_norms():
    model = pn.dense(5)
    params, state = model.init(jax.random.key(0), (6,))
    x, labels = np.ones((20, 6), np.float32), np.arange(20, dtype=np.int32) % 5
    page = str(pn.explain(model, pn.softmax_cross_entropy, params, state, x, labels))
    assert page.startswith("m = 20, targets from 0 to 4; ")
    assert " X                (20,6) norm 10.954, from 1 to 1" in page
    assert max(map(len, page.splitlines())) < 100


def test_a_layer_with_names_that_differ_in_case_is_looked_up_by_case():
    class Params(NamedTuple):
        a: jax.Array

    layer = pn.Layer(
        lambda key, in_shape: (Params(jnp.full(in_shape, 2.0)), ()),
        lambda params, state, x, *, train=False, key=None: (x * params.a, state, x),
        lambda params, x, dy: (Params(jnp.sum(dy * x, axis=0)), dy * params.a),
    )
    model = pn.serial(pn.dense(2), layer, pn.relu)
    params, state = model.init(jax.random.key(0), (3,))
    e = pn.explain(model, pn.mse, params, state, jnp.ones((4, 3)), jnp.zeros((4, 2)))
    names = e.named()
    assert {"dA1", "da1"} <= set(names)
    assert e["dA1"] is names["dA1"] and e["da1"] is names["da1"]
