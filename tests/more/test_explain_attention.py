"""`explain` on attention: each number of each head, and the formula that gives it."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import error, jit_quickly

import purenn as pn
from purenn.inspect.chain import Symbolist, chain

pytestmark = pytest.mark.usefixtures("quickly")

EXPLAIN = jit_quickly(pn.explain, static_argnums=(0, 1))
BIAS = {"b_init": pn.initializers.small_normal}
KINDS = {
    "plain": (pn.attention(2), False),
    "causal, padded": (pn.attention(2, causal=True, **BIAS), True),
    "shared, rotary": (pn.attention(4, kv_heads=2, head_features=2, rotary=True, **BIAS), True),
}


def explained(layer, padded=False, time=3, batch=2, dtype=np.float64):
    """Explain a model with the layer in it, whose own x has something at padding: a bias."""
    rng = np.random.default_rng(0)
    model = pn.serial(pn.dense(4), layer, pn.dense(2))
    params, state = jax.jit(lambda: model.init(jax.random.key(0), (time, 3)))()
    params = jax.tree.map(lambda p: jnp.asarray(np.where(p == 0, 0.1, p), dtype), params)
    x, targets = (rng.normal(size=(batch, time, n)).astype(dtype) for n in (3, 2))
    if padded:  # one sequence is empty: its queries have no key
        x = pn.Padded(x, np.arange(time) < np.array([[0], [2]]))
    return params, x, EXPLAIN(model, pn.mse, params, state, x, targets)


def of_heads(name, value):
    """Axes as (batch, heads, time, features), of 1 where there are none."""
    if name in ("Wq2", "Wk2", "Wv2"):
        return np.swapaxes(value, 0, 1)[None]
    if name == "Wo2":
        return value[None]
    if name in ("bq2", "bk2", "bv2"):
        return value[None, :, None]
    return value[:, None] if value.ndim == 3 else value


def as_python(formula, names):
    """A printed formula as Python."""
    formula, *notes = formula.split(", ")
    for printed, written in (
        (r"√(\d)", r"sqrt(\1)"), ("ᵀ", ".mT"),
        (r"([^ (]+)·([^ /)]+)", r"product(\1, \2)"), ("⊙", "*"),
        (r"Σ heads \((.+) \+ (.+) \+ (.+)\)", r"heads(\1) + heads(\2) + heads(\3)"),
        (r"Σ heads (product\(.+?\)(/sqrt\(\d\))?)", r"heads(\1)"), (r"Σ rows (\S+)", r"rows(\1)"),
        (r"(\S+) turned by position", r"turned(\1)"), (r"(\S+) turned back", r"turned(\1, True)"),
    ):  # fmt: skip
        formula = re.sub(printed, written, formula)
    for note in notes:
        code = {"causal": "causal({})", "valid keys": "valid_keys({})"}
        formula = code.get(note, "{}").format(formula)
        formula = formula.replace("Z1", "without_padding(Z1)") if "= 0" in note else formula
    return re.sub(rf"(?<![\w′.])({names})(?![\w′])", r"v['\1']", formula)


@pytest.mark.parametrize("kind", KINDS)
def test_each_formula_gives_the_value_beside_it(kind, x64):
    layer, padded = KINDS[kind]
    params, x, e = explained(layer, padded)
    kv, valid = params[1].wk.shape[1], x.valid if padded else None
    _, symbols, _ = Symbolist().name(chain(e.model, params))
    names = [symbol for _, symbol in symbols.params]
    weights = dict(zip(names, jax.tree.leaves(params[1]), strict=True))
    values = {n: of_heads(n, np.asarray(v)) for n, v in (e.named() | weights).items()}

    def product(a, b):
        count = max(a.shape[1], b.shape[1])
        return np.matmul(*(np.repeat(m, count // m.shape[1], 1) for m in (a, b)))

    def softmax(s):
        p = np.exp(s - s.max(-1, keepdims=True, where=s > -np.inf, initial=-1e300))
        return p / np.maximum(p.sum(-1, keepdims=True), 1e-300)

    def turned(a, back=False):
        half = a.shape[-1] // 2
        angles = np.arange(3)[:, None] * 10_000.0 ** (-np.arange(half) / half)
        z = (a[..., :half] + 1j * a[..., half:]) * np.exp((-1j if back else 1j) * angles)
        return np.concatenate([z.real, z.imag], -1)

    words = {
        "v": values, "product": product, "sqrt": np.sqrt, "softmax": softmax, "turned": turned,
        "causal": lambda s: np.where(np.tri(3) > 0, s, -np.inf),
        "valid_keys": lambda s: np.where(valid[:, None, None, :], s, -np.inf),
        "without_padding": lambda z: np.where(valid[:, None, :, None], z, 0),
        "rowsum": lambda a: a.sum(-1, keepdims=True), "rows": lambda a: a.sum((0, 2)),
    }  # fmt: skip
    found, known = set(), "|".join(sorted(map(re.escape, values), key=len, reverse=True))
    steps = {f"{s}2" for s in layer.notation.steps.symbols}
    wanted = steps | {"H2", "dZ1"} | {f"d{s}" for s in steps - {"D2"}} | {f"d{n}" for n in names}
    for symbol, text in re.findall(r"^ (\S+) = (.+?) +\([\d,]+\)(?: |$)", str(e), re.MULTILINE):
        if symbol in wanted:
            to = kv if symbol in ("dV2", "dK2", "dKr2") else 1
            words["heads"] = lambda a, to=to: a.reshape(2, to, -1, *a.shape[2:]).sum(2)
            expected = eval(as_python(text, known), words)
            if symbol.startswith("dW"):
                expected = (
                    expected.sum(0) if symbol == "dWo2" else np.swapaxes(expected.sum(0), 0, 1)
                )
            value = np.asarray(e[symbol])
            equal = np.array_equal(np.isfinite(value), np.isfinite(expected.reshape(value.shape)))
            value, expected = (np.nan_to_num(a.ravel(), neginf=0) for a in (value, expected))
            close = np.allclose(value, expected, 1e-12, 1e-14)  # dbk is 0 without rotary
            assert equal and close, (symbol, text)
            found.add(symbol)
    assert found == wanted


def test_the_steps_are_looked_up_by_symbol_and_survive_jit():
    _, _, e = explained(pn.attention(2, causal=True), dtype=np.float32)
    assert [*e[1].steps] == [*"QKVSPO", "dO", "dV", "dP", "D", "dS", "dQ", "dK"]
    assert e[1].steps["dS"] is e["dS2"] and not e[0].steps
    with pytest.raises(KeyError, match="steps: T is not a value of this layer; there are Q, K, V"):
        e[1].steps["T"]
    assert str(jax.tree.map(jnp.asarray, e)) == str(e)


def test_a_few_tokens_are_shown_head_by_head_and_many_as_norms():
    _, _, e = explained(pn.attention(2, causal=True), batch=1, dtype=np.float32)
    lines = str(e).splitlines()
    for symbol, shape in (("P2", "(1,2,3,3)"), ("dS2", "(1,2,3,3)"), ("dWo2", "(2,2,4)")):
        (i,) = (i for i, line in enumerate(lines) if line.startswith(f" {symbol} = "))
        assert lines[i].endswith(shape) and lines[i + 2].startswith("   head 2 [[")
    assert any(re.match(r" {3}head 1 \[\[\S+ -inf -inf\] \[\S+ \S+ -inf\] \[", x) for x in lines)
    assert max(map(len, lines[1:])) <= 100
    shared = str(explained(KINDS["shared, rotary"][0], dtype=np.float32)[2])
    assert "   example 2, heads 3 4 [[" in shared and "   example 2, head 4 [[" in shared
    _, _, e = explained(pn.attention(4), time=64, dtype=np.float32)
    many = str(e).splitlines()
    assert len(many) <= 2 * len(e.named()) + 4 and max(map(len, many)) <= 100
    assert "example 1" not in str(e)


def test_compare_judges_the_values_between_and_takes_any_mask():
    _, _, e = explained(pn.attention(2, causal=True), dtype=np.float32)
    s, ds = np.array(e["S2"]), np.array(e["dS2"])
    masked = np.isneginf(s)
    assert pn.compare({"S": s, "dS": ds, "P": e["P2"]}, e).ok
    assert pn.compare({"S": np.where(masked, -1e9, s)}, e).ok
    report = pn.compare({"S": np.where(masked, 0.0, s), "dS": 2 * ds}, e)
    assert "9 of 9 masked places" not in str(report) and "12 of 12 masked places" in str(report)
    assert "yours = 2 × referee everywhere" in str(report)
    p, dp = np.array(e["P2"]), np.array(e["dP2"])
    without_d, diagonal = ({"dS": a} for a in (p * dp, p * (1 - p) * dp))
    assert "the correction D2 of the softmax is missing" in str(pn.compare(without_d, e))
    assert "Jacobian is taken for a diagonal" in str(pn.compare(diagonal, e))
    report = pn.compare({"S": np.where(masked, s, s * 2**0.5)}, e)
    assert "yours = 1.414 × referee everywhere" in str(report)


def test_mixed_precision_shows_the_numbers_of_the_rounded_parameters():
    layer = pn.mixed_precision(pn.attention(2))
    params, _, e = explained(layer, dtype=np.float32)
    wq = params[1].wq.astype(jnp.bfloat16).astype(jnp.float32)
    z = e["Z1"].astype(jnp.bfloat16).astype(jnp.float32)
    assert error(e["Q2"], jnp.einsum("btf,fhd->bhtd", z, wq)) < 1e-6
    assert "Q2 = Z1·Wq2 in bfloat16" in str(e)
    assert error(e["dWq2"], jnp.einsum("btf,bhtd->fhd", z, e["dQ2"])) < 0.03
