"""`explain`: the page for a person, and the same numbers as `value_and_grad`."""

import re
from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import as_dtype, error

import purenn as pn
from purenn.core.notation import Notation
from purenn.core.text import columns
from purenn.inspect.chain import Symbolist, chain
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


def compiled(model, loss=pn.mse, **options):
    """`explain` as one program, which compiles faster than each of its operations on its own."""
    return jax.jit(partial(pn.explain, model, loss, **options))


WORKED = partial(pn.explain, TWO_LAYERS, pn.softmax_cross_entropy)


@cache
def explain_worked():
    return compiled(TWO_LAYERS, pn.softmax_cross_entropy)(*worked())


def test_the_worked_example_is_the_page_compiled_or_not():
    assert str(explain_worked()).splitlines() == PAGE.splitlines()
    assert str(WORKED(*worked())) == PAGE


def test_inside_a_compiled_program_the_page_has_no_numbers():
    pages = []

    def printing(params, *rest):
        e = WORKED(params, *rest)
        pages.append(str(e))
        return e.value

    jax.eval_shape(printing, *worked())
    assert "dW1 = Xᵀ·dZ1     (2,3) (traced)" in pages[0] and "A step" not in pages[0]


def test_explain_maps_over_parameters_and_is_differentiable():
    params, *rest = worked()
    two = jax.tree.map(lambda p: np.stack([p / 2, p]), params)
    mapped, by_jax = jax.jit(
        lambda two, params: (
            jax.vmap(lambda p: WORKED(p, *rest).grads)(two),
            jax.grad(lambda p: WORKED(p, *rest).value)(params),
        )
    )(two, params)
    assert error(jax.tree.map(lambda a: a[1], mapped), explain_worked().grads) < 1e-6
    assert error(explain_worked().grads, by_jax) < 1e-6


def test_values_are_looked_up_by_symbol_in_any_case():
    e = explain_worked()
    assert e["dW1"] is e["dw1"] is e[0].dparams.w
    assert e["x"] is e[0].x and e["A1"] is e[1].y and e["dZ2"] is e[2].dy
    assert len(e) == 3 and e[-1].dparams.b is e["db2"]
    with pytest.raises(
        KeyError,
        match="dW3 is not a value of this one; there are X, Z1, A1, Z2, A2, dZ2, dW2, db2, dA1",
    ):
        e["dW3"]


NESTED = pn.serial(
    pn.rescale(),
    pn.flatten(),
    pn.serial(pn.dense(4), pn.serial(pn.batch_norm(), pn.relu)),
    pn.dropout(0.5),
    pn.residual(pn.serial(pn.dense(4), pn.recompute(pn.tanh))),
    jnp.sin,
    pn.dense(2),
)


@cache
def nested():
    params, state = jax.jit(lambda: NESTED.init(jax.random.key(0), (2, 2)))()
    x = np.random.default_rng(0).integers(256, size=(5, 2, 2), dtype=np.uint8)
    return params, state, x, np.array([[0, 1]] * 5, np.float32)


@cache
def explain_nested(train=True):
    return compiled(NESTED, train=train)(*nested(), key=jax.random.key(3) if train else None)


@pytest.mark.parametrize("penalty", [None, pn.l2_penalty(0.1)], ids=["plain", "penalty"])
@pytest.mark.parametrize("train", [True, False], ids=["train", "evaluate"])
def test_the_numbers_are_those_of_value_and_grad(train, penalty, x64):
    params, state, x, targets = nested()
    params, state, targets = as_dtype((params, state, targets), jnp.float64)
    x = x / 255  # uint8 would make float32 of it

    @jax.jit
    def both(params):
        rest = {"key": jax.random.key(3), "train": train}
        f = pn.value_and_grad(NESTED, pn.mse, penalty=penalty)
        (value, _), grads = f(params, state, x, targets, **rest)
        after = jax.tree.map(lambda p, g: p - 0.1 * g, params, grads)
        e = pn.explain(NESTED, pn.mse, params, state, x, targets, penalty=penalty, **rest)
        return value, grads, f(after, state, x, targets, **rest)[0][0], e

    value, grads, value_after, e = both(params)
    assert error(e.grads, grads) <= 1e-12 and error(e.value, value) <= 1e-12
    assert jax.tree.structure(e.grads) == jax.tree.structure(params)
    assert error(e.value_after, value_after) <= 1e-12 and e.value_after < e.value
    # What the layers inside computed on their own is what the layer around them made of it.
    ((dense, tanh),) = e[6].inner
    assert error(dense.dparams, e[6].dparams[0]) <= 1e-12 and error(e[6].y, e[6].x + tanh.y) == 0
    assert error(e[6].dx, e[6].dy + dense.dx) <= 1e-12 and error(tanh.inner[0][0].y, tanh.y) == 0


def test_every_kind_of_part_has_its_line():
    page = str(explain_nested())
    for line in (
        "m = 5, n = 10 outputs in all, targets [[0 1] [0 1] [0 1] [0 1] [0 1]]; loss mse",
        " X          ",
        " S = X·0.003922 ",
        " F = flatten(S) ",
        " N1 = γ1⊙norm(Z1) + β1 ",
        " D1 = A1⊙mask/0.5 ",
        " Z1.1 = D1·W1.1 + b1.1 ",
        " A1.1.0 = tanh(Z1.1) ",
        " R1.1 = A1.1.0 ",
        " R1 = D1 + R1.1 ",
        " A1′ = sin(R1) ",
        " dZ2 = 2(Z2-Y)/n ",
        " dR1 = jax.vjp of sin, at dA1′ ",
        " dR1.1 = dR1 ",
        " dA1.1.0 = dR1.1 ",
        " dZ1.1′ = dA1.1.0⊙(1-A1.1.0²) ",
        " dZ1.1 = dZ1.1′ ",
        " dW1.1 = D1ᵀ·dZ1.1 ",
        " db1.1 = Σ rows dZ1.1 ",
        " dD1′ = dZ1.1·W1.1ᵀ ",
        " dD1 = dR1 + dD1′ ",
        " dA1 = dD1⊙mask/0.5 ",
        " dγ1 = Σ rows dN1⊙x̂ ",
        " dZ1 = γ1/σ⊙(dN1 - mean(dN1) - x̂⊙mean(dN1⊙x̂)) ",
        " dF = dZ1·W1ᵀ ",
    ):
        assert line in page, (line, page)
    assert "dX" not in page and "off" in page
    shapes = re.findall(r"^( .+?) \([\d,]+\) ", page, re.MULTILINE)
    assert len({columns(left) for left in shapes}) == 1  # the hat of x̂ takes no column


def test_evaluation_prints_the_formulas_of_evaluation():
    e = explain_nested(train=False)
    for line in ("train=False", " D1 = A1 ", " dA1 = dD1 ", " dZ1 = γ1/σ⊙dN1 "):
        assert line in str(e)
    assert error(e["D1"], e["A1"]) == 0 and e["dgamma1"] is e["dγ1"]


def test_an_integer_x_has_no_derivative():
    e = explain_nested()
    assert e[0].x.dtype == jnp.uint8 and e[0].dx is None and e[1].dx is not None


def test_the_penaltys_share_is_marked_where_there_is_one():
    plain = explain_worked()
    e = compiled(TWO_LAYERS, pn.softmax_cross_entropy, penalty=pn.l2_penalty(0.1))(*worked())
    lines = str(e).splitlines()
    assert lines[0].endswith("loss softmax_cross_entropy = 2.222, of which penalty .3")
    marked = [line.split(" = ")[0].strip() for line in lines if "+ the penalty's" in line]
    assert marked == ["dW2", "dW1"]
    assert error(e["dW1"], plain["dW1"] + 0.1 * worked()[0][0].w) < 1e-6


def test_a_raw_and_a_typed_key_drop_the_same():
    raw = compiled(NESTED)(*nested(), key=jax.random.key_data(jax.random.key(3)))
    assert error(raw["D1"], explain_nested()["D1"]) == 0


def traced(model, loss, x, targets=None, penalty=None):
    """The explanation of a model whose numbers do not matter: none is computed."""

    def explained(x):
        params, state = model.init(jax.random.key(0), x.shape[1:])
        y = jnp.zeros_like(model.apply(params, state, x)[0]) if targets is None else targets
        return pn.explain(model, loss, params, state, x, y, penalty=penalty)

    return jax.eval_shape(explained, x)


@pytest.mark.parametrize(
    ("loss", "last", "lines"),
    [
        (pn.binary_cross_entropy, pn.sigmoid, ["dA1 = ((1-Y)/(1-A1) - Y/A1)/n", "dZ1 = dA1⊙A1"]),
        (pn.sigmoid_binary_cross_entropy, None, ["A1 = sigmoid(Z1)", "dZ1 = (A1-Y)/n"]),
        (pn.sigmoid_binary_cross_entropy, pn.tanh, ["A1′ = sigmoid(A1)", "dA1 = (A1′-Y)/n"]),
        (lambda p, t: jnp.mean(jnp.abs(p - t)), None, ["dZ1 = jax.vjp of <lambda> "]),
    ],
)
def test_losses_print_their_formulas(loss, last, lines):
    model = pn.serial(pn.dense(1), *([last] if last else []))
    x, targets = np.ones((4, 3), np.float32), np.array([[0], [1], [1], [0]], np.float32)
    e = traced(model, loss, x, targets)
    assert all(line in str(e) for line in lines), e
    assert len(e.named()) == len(set(e.named())) == str(e).count("\n") - 2


def test_large_arrays_are_shown_as_norms():
    model = pn.dense(5)
    params = pn.DenseParams(np.ones((6, 5), np.float32), np.ones(5, np.float32))
    x, labels = np.ones((20, 6), np.float32), np.arange(20, dtype=np.int32) % 5
    page = str(compiled(model, pn.softmax_cross_entropy)(params, (), x, labels))
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
    e = traced(pn.serial(pn.dense(2), layer, pn.relu), pn.mse, jnp.ones((4, 3)), jnp.zeros((4, 2)))
    names = e.named()
    assert {"dA1", "da1"} <= set(names)
    assert e["dA1"] is names["dA1"] and e["da1"] is names["da1"]


def around(inner):
    """A user's own layer that applies another to something else than its x: 2x."""
    return pn.Layer(
        inner.init,
        lambda params, state, x, *, train=False, key=None: inner.forward(params, state, 2 * x),
        lambda params, cache, dy: inner.backward(params, cache, dy),
        name="around", inner=(inner,),
    )  # fmt: skip


def product(*inner):
    """A user's own layer with several others inside, each of which gets its x."""
    one, other = inner

    def init(key, in_shape):
        return tuple(zip(*(layer.init(key, in_shape) for layer in inner), strict=True))

    def forward(params, state, x, *, train=False, key=None):
        a, _, cache_a = one.forward(params[0], state[0], x)
        b, _, cache_b = other.forward(params[1], state[1], x)
        return a * b, state, (a, b, cache_a, cache_b)

    def backward(params, saved, dy):
        a, b, cache_a, cache_b = saved
        dparams, dx = zip(
            one.backward(params[0], cache_a, dy * b),
            other.backward(params[1], cache_b, dy * a),
            strict=True,
        )
        return dparams, sum(dx)

    notation = Notation(
        "A",
        "{inner[0]}⊙{inner[1]}",
        "{inner_dx[0]} + {inner_dx[1]}",
        inner_dy=(
            ("{dy}⊙{inner[1]}", lambda dy, ys: dy * ys[1]),
            ("{dy}⊙{inner[0]}", lambda dy, ys: dy * ys[0]),
        ),
    )
    return pn.Layer(init, forward, backward, name="product", inner=inner, notation=notation)


# The printed formulas, read and computed: each must give the value that stands beside it.

MODELS = {
    "activations": [
        pn.relu, pn.leaky_relu, partial(pn.leaky_relu, negative_slope=-0.5), pn.sigmoid, pn.tanh,
        pn.silu, pn.gelu, pn.softplus, pn.elu, partial(pn.elu, alpha=0.3), pn.selu, pn.softmax,
        pn.log_softmax,
    ],
    "layers": [
        pn.batch_norm(), pn.dropout(0.25), pn.rescale(0.5), pn.flatten(),
        partial(pn.gelu, approximate=False),
    ],
    "layer_norm": [pn.layer_norm(), pn.rescale(-2.0)], "group_norm": [pn.group_norm(2)],
    "rms_norm": [pn.rms_norm()],
    "gated": [pn.gated_dense(3), pn.relu],
    "gated with biases": [
        pn.gated_dense(4, activation=partial(pn.elu, alpha=0.5), b_init=pn.initializers.zeros)
    ],
    "inner": [
        pn.residual(pn.serial(pn.dense(4), pn.tanh, pn.dense(4), pn.residual(pn.sigmoid))),
        pn.recompute(pn.serial(pn.relu, pn.dense(4), pn.residual(pn.dense(4)))),
        pn.mixed_precision(pn.residual(pn.dense(4)), jnp.float64),
        product(pn.dense(4), pn.residual(pn.tanh)),
    ],
    "branches": [
        pn.residual(pn.serial(pn.dense(3), pn.tanh), projection=pn.dense(3)),
        pn.parallel(pn.serial(), pn.dense(4), pn.residual(pn.tanh)),
        pn.parallel(pn.serial(), pn.dense(4), pn.serial(pn.dense(4), pn.tanh), combine="product"),
        pn.parallel(pn.dense(2), pn.serial(), pn.tanh, combine="concat"),
    ],
    "repeat": [
        pn.repeat(pn.serial(pn.dense(4), pn.residual(pn.tanh)), 3),
        pn.repeat(pn.parallel(pn.serial(), pn.repeat(pn.serial(pn.dense(4), pn.tanh), 2)), 2),
        pn.mixed_precision(pn.repeat(pn.dense(4), 2), jnp.float64),
    ],
    "mse": [], "mae": [], "huber": [],
    "softmax_cross_entropy": [], "sigmoid_binary_cross_entropy": [],
    "binary_cross_entropy": [pn.sigmoid], "categorical_cross_entropy": [pn.softmax],
}  # fmt: skip
OF_GELU = {
    True: lambda x: 0.5 * (1 + jnp.tanh((2 / jnp.pi) ** 0.5 * (x + 0.044715 * x**3))),
    False: lambda x: 0.5 * jax.lax.erfc(-x / 2**0.5),
}


def columns_of(dy, y, part):
    """The columns of dy that are in the place where y has those of a part."""
    width = part.shape[1]
    starts = range(y.shape[1] - width + 1)
    (start,) = (i for i in starts if np.array_equal(y[:, i : i + width], part))
    return dy[:, start : start + width]


WORDS = {
    "columns": columns_of, "concatenate": np.concatenate,
    "relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "tanh": np.tanh, "silu": jax.nn.silu,
    "softplus": jax.nn.softplus, "softmax": jax.nn.softmax, "where": np.where,
    "leaky_relu": lambda x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x),
    "gelu": lambda x, approximate=True: x * OF_GELU[approximate](x),
    "mean": lambda a: a.mean(0), "rowmean": lambda a: a.mean(-1, keepdims=True),
    "rows": lambda a: a.sum(0), "classes": lambda a: a.sum(-1, keepdims=True),
    "flatten": lambda a: a.reshape(len(a), -1),
    "elu": lambda x, alpha=1.0: jax.nn.elu(x, alpha), "selu": jax.nn.selu, "exp": np.exp,
    "log_softmax": jax.nn.log_softmax, "sign": np.sign, "min": np.minimum, "max": np.maximum,
}  # fmt: skip
PYTHON = (
    (r"^\[(.+)\]$", r"concatenate([\1], -1)"),
    (r"columns\(d(\S+), (\S+)\)", r"columns(d\1, \1, \2)"),
    (" in float64$", ""),
    (r"^(.+?), ([sg]|x̂) = (.+)$", r"[\1 for \2 in [\3]][0]"),
    (r"(\w+)\((\w+=[^)]+)\)\(([^)]+)\)", r"\1(\3, \2)"),  # f(option=value)(x)
    (r"\(([\d.]+) where (.+), else (.+)\)", r"where(\2, \1, \3)"),
    ("1[.]0507", "1.0507009873554805"), ("1[.]7581", "1.7580993408473766"),  # selu's, all digits
    (r"^(.+), 0 where (.+) is clipped$", r"where((\2 > 1e-7) & (\2 < 1 - 1e-7), \1, 0)"),
    (r"^(.+) in the shape of (.+)$", r"(\1).reshape(\2.shape)"),
    (r"Σ rows (.+)$", r"rows(\1)"),
    (r"Σ examples (.+), then 0$", r"examples(\1)"),
    (r"Σ (\S+) for each token of (\S+)$", r"added(\1, \2)"),
    (r"(silu|elu)(\(alpha=.+\))?′\(", r"slope_of_\1("),
    (r"Σ classes ([^)]+)", r"classes(\1)"),
    (r"·(?=-?\d)", "*"), ("^2[(]", "2*("), ("·", "@"), ("⊙", "*"), ("ᵀ", ".T"), ("²", "**2"),
    ("x̂", "x_hat"), ("σ", "sigma"), ("Φ′", "slope_of_Phi"), ("Φ", "Phi"),
)  # fmt: skip


def words_of(layer, values, params, state, train):
    """What the words in a layer's formulas stand for."""
    x, y = np.asarray(values.x), np.asarray(values.y)
    if layer.name in ("batch_norm", "layer_norm"):
        axis = 0 if layer.name == "batch_norm" else -1
        mean, var = x.mean(axis, keepdims=True), x.var(axis, keepdims=True)
        if axis == 0 and not train:
            mean, var = state
        hat = (x - mean) / np.sqrt(var + 1e-5)
        norm = lambda x: hat  # noqa: E731
        return {"x_hat": hat, "sigma": np.sqrt(var + 1e-5), "norm": norm, "rownorm": norm}
    if layer.name == "group_norm(2)":  # of 4 features

        def over_group(statistic):
            return lambda a: np.repeat(statistic(a.reshape(len(a), 2, 2), -1), 2, axis=-1)

        sigma = np.sqrt(over_group(np.var)(x) + 1e-5)
        hat = (x - over_group(np.mean)(x)) / sigma
        groups = {"groupnorm": lambda x: hat, "groupmean": over_group(np.mean)}
        return {"x_hat": hat, "sigma": sigma, **groups}
    if layer.name == "rms_norm":
        rms = np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)
        return {"x_hat": x / rms, "rms": lambda x: rms}
    if layer.name.startswith("gated_dense"):
        slopes = {"slope_of_elu": partial(jax.nn.elu, alpha=0.5), "slope_of_silu": jax.nn.silu}
        return {name: jax.vmap(jax.vmap(jax.grad(f))) for name, f in slopes.items()}
    if layer.name.startswith("gelu"):
        phi = OF_GELU["False" not in layer.name]
        return {"Phi": phi, "slope_of_Phi": jax.vmap(jax.vmap(jax.grad(phi)))}
    return {"mask": (y != 0).astype(y.dtype)} if "dropout" in layer.name else {}


def weights_of(link, symbols):
    """The parameters of a layer, and of the layers inside it, by their symbols."""
    leaves = jax.tree.leaves(link.params) if symbols.params else []
    found = {name: leaf for (_, name), leaf in zip(symbols.params, leaves, strict=True)}
    for inside in zip(link.inner, symbols.inner, strict=True):
        for inner in zip(*inside, strict=True):
            found |= weights_of(*inner)
    return found


@pytest.mark.parametrize(("name", "train"), [*((name, True) for name in MODELS), ("layers", False)])
def test_every_printed_formula_gives_the_value_beside_it(name, train, x64):
    loss, parts = getattr(pn, name, None), MODELS[name]
    loss = loss if isinstance(loss, pn.Op) else pn.mse
    between = [part for a in parts[1:] for part in (a, pn.dense(4))]
    model = pn.serial(pn.dense(4), *parts[:1], *([pn.dense(4)] if between else []), *between)
    params, state = jax.jit(lambda: model.init(jax.random.key(1), (4,)))()
    params, state = as_dtype((params, state), jnp.float64)
    params = jax.tree.map(lambda p: p + 0.1 if p.ndim == 1 else p, params)
    x, targets = np.random.default_rng(0).normal(size=(6, 4)), np.array([0, 1, 2, 3, 0, 1])
    x[0] *= 1e3  # saturates: a probability that is clipped
    one_hot = np.eye(4)[targets]
    penalty = lambda params: sum(map(jnp.sum, jax.tree.leaves(params)))  # noqa: E731 - a share of 1
    e = compiled(model, loss, train=train, penalty=penalty)(
        params, state, x, targets if loss.of_classes else one_hot, key=jax.random.key(2)
    )
    values = e.named()
    links, weights = chain(model, params), {}
    for link, symbols in zip(links, Symbolist().name(links), strict=True):
        weights |= weights_of(link, symbols)
    assert {f"d{name}" for name in weights} <= set(values)
    values = jax.tree.map(np.asarray, values | weights)
    words = {**WORDS, "v": values, "Y": one_hot, "m": 6, "n": 24, "penaltys": 1}
    for link, explained, part_state in zip(links, e, state, strict=True):
        words |= words_of(link.layer, explained, link.params, part_state, train)
    page = str(e).replace("the penalty's", "penaltys")
    for symbol, penalty in check_formulas(e, page, words):
        assert bool(penalty) == (symbol[:2] in ("dW", "dV", "db", "dc", "dγ", "dβ"))
    if name == "inner":
        assert {"dW1.1", "dZ2′", "dW2.1.1", "dW3.1", "dA4.1.0", "dZ4′′′"} <= set(e.named()), page


def check_formulas(e, page, words):
    """Compute each formula of a page; what is printed beside it must be its value."""
    values = words["v"]
    names = "|".join(sorted(map(re.escape, values), key=len, reverse=True))
    lines = re.findall(r"^ (\S+) = (.+?)( \+ penaltys)? +\([\d,]+\)(?: |$)", page, re.MULTILINE)
    assert len(lines) == len(e.named()) - 1  # all but X
    for symbol, text, penalty in lines:
        for printed, written in PYTHON:
            text = re.sub(printed, written, text)
        code = re.sub(rf"(?<![\w′.])({names})(?![\w′])", r"v['\1']", text)
        with np.errstate(all="ignore"):  # 1/0, where the probability is clipped
            expected = eval(f"({code}){penalty}", words)
        assert error(values[symbol], expected) <= 1e-9, (symbol, code)
        yield symbol, penalty


def test_the_formulas_of_tokens_and_positions_give_the_values_beside_them(x64):
    model = pn.serial(pn.embedding(5, 3), pn.position_embedding(4), pn.relu)
    params, state = as_dtype(model.init(jax.random.key(1), (2,)), jnp.float64)
    x, targets = np.array([[1, 4], [4, 4], [0, 1]]), np.ones((3, 2, 3))
    e = compiled(model, pn.mse)(params, state, x, targets)
    values = {**e.named(), "W1": params[0].w, "W2": params[1].w}
    values = jax.tree.map(np.asarray, values)

    def added(dy, tokens):
        return np.eye(5)[tokens.ravel()].T @ dy.reshape(-1, 3)

    words = {**WORDS, "v": values, "Y": targets, "n": 18, "time": 2, "added": added}
    words["examples"] = lambda a: np.pad(a.sum(0), ((0, 2), (0, 0)))
    assert len(list(check_formulas(e, str(e), words))) == 8
    assert "dX" not in e.named()


# Where no formula is known, the line says what was called.


class Table(NamedTuple):
    rows: jax.Array


def table(takes="float", **more):
    """A user's own layer: x, or its elements' rows of a table."""

    def forward(params, state, x, *, train=False, key=None):
        return params.rows[x] if takes == "integer" else x * params.rows, state, x

    def backward(params, x, dy):
        if takes == "integer":
            return Table(jnp.zeros_like(params.rows).at[x].add(dy)), None
        return Table(jnp.sum(x * dy, 0)), params.rows * dy

    shape = (3, 3) if takes == "integer" else (3,)
    return pn.Layer(
        lambda key, in_shape: (Table(jnp.ones(shape)), ()), forward, backward, takes=takes, **more
    )


def negative(x):
    return -x


def weights(params):
    return 0.5 * sum(jnp.sum(leaf) for leaf in jax.tree.leaves(params))


OWN = table(name="my{5}")
UNKNOWN = {
    "residual": (
        pn.residual(pn.dense(3)),
        ["Z1.1 = Z1·W1.1 + b1.1", "R1 = Z1 + Z1.1", "dZ1.1 = dR1", "dZ1 = dR1 + dZ1′"],
        ["dW1.1 = Z1ᵀ·dZ1.1", "db1.1 = Σ rows dZ1.1"],
    ),
    "long residual": (
        pn.residual(pn.serial(*[pn.dense(3), pn.tanh] * 4)),
        ["R1 = Z1 + A1.4", "dZ1.4 = dA1.4⊙(1-A1.4²)", "dZ1′ = dZ1.1·W1.1ᵀ"],
        ["dW1.4 = A1.3ᵀ·dZ1.4"],
    ),
    "residual of a residual": (
        pn.residual(pn.residual(pn.dense(3))),
        ["R1.0 = Z1 + Z1.0.1", "R1 = Z1 + R1.0", "dZ1′ = dR1.0 + dZ1′′", "dZ1 = dR1 + dZ1′"],
        ["dW1.0.1 = Z1ᵀ·dZ1.0.1"],
    ),
    "parallel with one layer": (
        pn.parallel(pn.dense(3)),
        ["C1 = parallel(Z1)", "dZ1 = parallel.backward(dC1)"],
        [],
    ),
    "recompute": (
        pn.recompute(pn.dense(3)),
        ["R1 = Z1.1", "dZ1′ = dZ1.1·W1.1ᵀ", "dZ1 = dZ1′"],
        ["dW1.1 = Z1ᵀ·dZ1.1"],
    ),
    "mixed precision": (
        pn.mixed_precision(pn.dense(3)),
        ["Z2 = Z1·W2 + b2 in bfloat16", "dZ1 = dZ2·W2ᵀ in bfloat16"],
        ["dW2 = Z1ᵀ·dZ2 in bfloat16"],
    ),
    "mixed residual": (
        pn.mixed_precision(pn.residual(pn.dense(3))),
        ["R1 = Z1 + Z1.1 in bfloat16", "dZ1 = dR1 + dZ1′ in bfloat16"],
        ["dW1.1 = Z1ᵀ·dZ1.1 in bfloat16"],
    ),
    "function": (negative, ["A1 = negative(Z1)", "dZ1 = jax.vjp of negative, at dA1"], []),
    "partial": (
        partial(jnp.clip, min=0.0),
        ["A1 = clip(min=0.0)(Z1)", "dZ1 = jax.vjp of clip(min=0.0), at dA1"],
        [],
    ),
    "mixed function": (
        pn.mixed_precision(negative),
        ["A1 = negative(Z1) in bfloat16", "dZ1 = jax.vjp of bfloat16 negative, at dA1"],
        [],
    ),
    "own": (OWN, ["A1 = my{5}(Z1)", "dZ1 = my{5}.backward(dA1)"], ["drows1 = my{5}.backward(dA1)"]),
    "own in a residual": (
        pn.residual(OWN),
        ["A1.0 = my{5}(Z1)", "R1 = Z1 + A1.0", "dZ1′ = my{5}.backward(dA1.0)"],
        ["drows1.0 = my{5}.backward(dA1.0)"],
    ),
    "own around another": (
        around(pn.dense(3)),
        ["A1 = around(Z1)", "dZ1 = around.backward(dA1)"],
        ["dW1′ = around.backward(dA1)"],
    ),
    "residual with another backward": (
        pn.residual(pn.tanh).replace(backward=lambda params, cache, dy: ((), 2 * dy)),
        ["R1 = residual(Z1)", "dZ1 = residual.backward(dR1)"],
        [],
    ),
    "own product": (
        product(pn.dense(3), pn.serial(pn.tanh)),
        [
            "A1 = Z1.1⊙A1.1",
            "dA1.1 = dA1⊙Z1.1",
            "dZ1′′ = dA1.1⊙(1-A1.1²)",
            "dZ1.1 = dA1⊙A1.1",
            "dZ1 = dZ1′ + dZ1′′",
        ],
        ["dW1.1 = Z1ᵀ·dZ1.1"],
    ),
    "option": (
        partial(pn.leaky_relu, negative_slope=0.25),
        ["A1 = leaky_relu(negative_slope=0.25)(Z1)", "dZ1 = dA1⊙(1 where Z1>0, else 0.25)"],
        [],
    ),
}


def page_of(*parts, penalty=None, loss=pn.mse, x=None):
    x = np.ones((2, 3), np.float32) if x is None else x
    return str(traced(pn.serial(*parts), loss, x, penalty=penalty))


def has(page, line):
    return any(
        row.strip().startswith(f"{line}  ") or f" {line} (" in row for row in page.splitlines()
    )


@pytest.mark.parametrize("name", UNKNOWN)
def test_where_no_formula_is_known_the_line_says_what_was_called(name):
    part, lines, dparams = UNKNOWN[name]
    for penalty, share in ((None, ""), (weights, " + the penalty's")):
        page = page_of(pn.dense(3), part, penalty=penalty)
        for line in (*lines, *(line + share for line in dparams)):
            assert has(page, line), (line, page)
        assert "= the penalty's" not in page


def test_a_bare_layer_and_a_layer_behind_integers():
    page = page_of(pn.residual(pn.dense(3)), penalty=pn.l2_penalty(0.1))
    assert has(page, "dW0.1 = Xᵀ·dZ0.1 + the penalty's") and "dX" not in page
    # What comes before an integer array has no derivative, and the page says why.
    whole = pn.Layer(
        lambda key, in_shape: (jnp.ones(3), ()),
        lambda params, state, x, *, train=False, key=None: (x + 1, state, None),
        lambda params, cache, dy: (params, None),
        name="whole", takes="integer",
    )  # fmt: skip
    page = page_of(whole, table("integer", name="table"), x=np.array([0, 1], np.int32))
    assert has(page, "drows = table.backward(dA′)")
    assert (
        has(page, "dW = 0, since A has no derivative") and "dX" not in page and "dA =" not in page
    )


@pytest.mark.parametrize(
    ("loss", "line"),
    [
        (lambda p, t: jnp.mean((p - t) ** 2), "dZ1 = jax.vjp of <lambda>"),
        (
            pn.Op(
                lambda p, t: (jnp.sum(p - t), p), lambda p, dy: dy * jnp.ones_like(p), name="sum{}"
            ),
            "dZ1 = sum{}.backward(1)",
        ),
    ],
    ids=["function", "op"],
)
def test_a_loss_without_a_formula_is_named(loss, line):
    assert has(page_of(pn.dense(3), loss=loss), line)


def test_explanations_of_several_networks_and_of_shapes_alone_print_too():
    params, *rest = worked()
    two = jax.tree.map(lambda p: np.stack([p, 2 * p]), params)
    several = jax.eval_shape(jax.vmap(lambda p: WORKED(p, *rest)), two)
    assert str(several) == "2 explanations in one: each value begins with the axes (2,)"
    assert "dW1 = Xᵀ·dZ1     (2,3) (traced)" in str(jax.eval_shape(WORKED, params, *rest))


def test_a_conv2d_with_strides_says_so():
    layers = pn.conv2d(2, (3, 3), strides=(2, 1)), pn.conv2d(1, (3, 5), padding="VALID")
    page = page_of(*layers, x=np.ones((2, 5, 5, 1), np.float32))
    for line in (
        "Z1 = X∗W1 + b1, strides 2×1",
        "dW1 = X∗(dZ1 dilated by 2×1)",
        "dZ1 = dZ2∗W2 turned",
    ):
        assert has(page, line), page


def test_convolutions_say_their_dilation_and_groups():
    layers = (
        pn.conv2d(2, strides=(2, 1), dilation=2),
        pn.conv2d(4, groups=2),
        pn.conv2d_transpose(1, 2, strides=2),
        lambda x: x[:, 0],
        pn.conv1d(2, 3, strides=2, dilation=3, b_init=None),
    )
    page = page_of(*layers, x=np.ones((2, 5, 5, 1), np.float32))
    for line in (
        "Z1 = X∗(W1 dilated by 2×2) + b1, strides 2×1",
        "dW1 = X∗(dZ1 dilated by 2×1), strides 2×2",
        "Z2 = Z1∗W2 + b2, 2 groups",
        "dZ1 = dZ2∗W2 turned, 2 groups",
        "Z3 = (Z2 dilated by 2×2)∗W3 turned + b3",
        "dZ2 = dZ3∗W3, strides 2×2",
        "dW3 = dZ3∗(Z2 dilated by 2×2)",
        "dW4 = A3∗(dZ4 dilated by 2), strides 3",
        "dA3 = (dZ4 dilated by 2)∗(W4 dilated by 3) turned",
    ):
        assert has(page, line), page
