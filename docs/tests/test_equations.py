"""Each displayed equation that the package implements: its number, its place and its LaTeX."""

import re
from collections import Counter

import jax
import numpy as np
import pytest
import sympy
from html_page import parse
from sitetools.equations import EQUATIONS, registry, worst
from sitetools.pages import PAGES, all_pages, fences
from sitetools.sources import line_of, source_of, without_docstrings
from sympy.parsing.latex import parse_latex

SHOWN = [
    (fence.options.get("id"), fence.body, path)
    for path in all_pages()
    for fence in fences(path)
    if fence.language == "equation"
]
PARSED = [name for name, entry in EQUATIONS.items() if entry.parsed]


CHECKED = re.compile(
    r'id="eq-([^"]+)".*?<span>Checked: (?:within ([\d.e+-]+) of|equal to) its NumPy', re.DOTALL
)


@pytest.fixture(scope="module")
def measured(site):
    """How near purenn is to each transcription, as the pages say: the build compared them."""
    found = [pair for page in site.rglob("*.html") for pair in CHECKED.findall(page.read_text())]
    return {name: float(difference or 0) for name, difference in found}


@pytest.mark.parametrize("name", EQUATIONS)
def test_purenn_agrees_with_the_numpy_transcription(name, measured):
    assert measured[name] <= registry.TOLERANCE


@pytest.mark.parametrize("name", EQUATIONS)
def test_the_line_of_code_is_there(name):
    entry = EQUATIONS[name]
    for where, line in ((entry.source, entry.line), *entry.also):
        assert line_of(source_of(where), line) > 0


def test_the_mark_of_the_neuron_opens_its_sum_and_its_sigmoid(site):
    page = parse((site / "course" / "neuron" / "index.html").read_text())
    (equation,) = [part for part in page.walk("div") if part.get("id") == "eq-neuron"]
    code = [part.text().strip() for part in equation.walk("code")]
    assert any("product(x, w)" in line for line in code)
    assert "y = jax.nn.sigmoid(x)" in code


def test_each_equation_stands_on_one_page_and_each_id_is_registered():
    counts = Counter(name for name, _, _ in SHOWN)
    assert {name for name, count in counts.items() if count > 1} == set()
    assert set(counts) == set(EQUATIONS)


@pytest.mark.parametrize("name", PARSED)
def test_the_printed_latex_is_the_code(name):
    (latex,) = [body for shown, body, _ in SHOWN if shown == name]
    entry = EQUATIONS[name]
    with jax.enable_x64(True):
        x, *_ = entry.inputs(np.random.default_rng(0))
        expected = np.asarray(entry.by_purenn(x))
    np.testing.assert_allclose(values_of(latex, entry.parsed, x), expected, rtol=1e-12, atol=1e-13)


def values_of(latex: str, letter: str, x: np.ndarray) -> np.ndarray:
    """A formula's right-hand side, as sympy reads it, at each of `x`."""
    formula = parse_latex(latex.split("=")[-1].strip())
    symbol = sympy.Symbol(letter)
    assert formula.free_symbols <= {symbol, sympy.Symbol("e"), sympy.Symbol("pi")}, formula
    formula = formula.subs({sympy.Symbol("e"): sympy.E, sympy.Symbol("pi"): sympy.pi})
    return np.asarray(sympy.lambdify(symbol, formula, "numpy")(x))


def test_the_bound_on_a_derivative_one_step_before_holds_for_other_states():
    rng = np.random.default_rng(0)
    for _ in range(100):
        u, dh, h = rng.normal(size=(4, 4)), rng.normal(size=(1, 4)), rng.uniform(-1, 1, (1, 4))
        before = jax.numpy.asarray(np.arctanh(h) @ np.linalg.inv(u))
        _, back = jax.vjp(lambda before, u=u: jax.numpy.tanh(before @ u), before)
        largest = EQUATIONS["through_time.bound"].numpy(h, u, dh)
        assert np.linalg.norm(back(jax.numpy.float32(dh))[0]) <= largest * (1 + 1e-4)


# The checks can fail.


def test_a_typo_in_the_latex_is_found():
    x = np.linspace(-2, 2, 9)
    right, wrong = r"\sigma(x) = \frac{1}{1 + e^{-x}}", r"\sigma(x) = \frac{1}{1 + e^{x}}"
    np.testing.assert_allclose(values_of(right, "x", x), 1 / (1 + np.exp(-x)), rtol=1e-12)
    assert np.abs(values_of(wrong, "x", x) - 1 / (1 + np.exp(-x))).max() > 0.1


@pytest.fixture
def planted(monkeypatch):
    """An equation beside the registered ones, for one test."""

    def plant(**changes):
        entry = EQUATIONS["sigmoid"]._replace(name="planted", **changes)
        monkeypatch.setitem(EQUATIONS, "planted", entry)
        worst.cache_clear()

    yield plant
    worst.cache_clear()


def test_a_wrong_transcription_stops_the_build(planted):
    planted(numpy=lambda x: (1 + 1e-9) / (1 + np.exp(-x)))
    with pytest.raises(ArithmeticError, match=r"equation planted: purenn is 1\.0e-09"):
        worst("planted")


def test_a_transcription_of_another_shape_stops_the_build(planted):
    planted(numpy=lambda x: np.ones((2, 2)))
    with pytest.raises(ArithmeticError, match=r"shape \(21,\), expected \(2, 2\)"):
        worst("planted")


def test_code_is_shown_without_its_docstring_and_nothing_else_is_left_out():
    code = source_of("purenn.ops.activations:_tanh _tanh_backward").text
    shown = without_docstrings(code)
    assert '"""' in code and '"""' not in shown
    assert [line for line in shown.splitlines() if line] == [
        "def _tanh(x: Array) -> tuple[Array, Array]:",
        "    y = jnp.tanh(x)",
        "    return y, y",
        "def _tanh_backward(y: Array, dy: Array) -> Array:",
        "    return dy * (1 - y * y)",
    ]


def test_code_that_moved_is_found():
    source = source_of("purenn.ops.activations:_sigmoid")
    with pytest.raises(LookupError, match="expected one line with 'y = 2' from line"):
        line_of(source, "y = 2")
    with pytest.raises(LookupError, match="there is no '_sigmund'"):
        source_of("purenn.ops.activations:_sigmund")


def test_every_row_of_the_texts_has_its_place():
    keys = set(re.findall(r"#texts-([\w-]+)", (PAGES / "other-texts.md").read_text()))
    assert keys == ROWS_OF_THE_TEXTS


ROWS_OF_THE_TEXTS = {
    "why-a-network",
    "data",
    "layout",
    "networks",
    "one-neuron",
    "sigmoid-tanh",
    "relu-at-0",
    "softmax",
    "chain-rule",
    "categorical-cross-entropy",
    "softmax-with-cross-entropy",
    "output-layer-under-mse",
    "binary-cross-entropy",
    "hidden-layers",
    "dw",
    "db",
    "he",
    "xavier",
    "gradient-descent",
    "momentum",
    "adam",
    "l2",
    "dropout",
    "batch-normalization",
    "learning-rate-decay",
    "the-loop",
}
