"""Formulas as the results of a search show them."""

import html
import json
import re

import pytest
from sitetools.plain_math import plain
from sitetools.search import shorter


@pytest.mark.parametrize(
    ("tex", "shown"),
    [
        (r"z = x w + b", "z = x w + b"),
        (r"\frac{1}{m} x^\top dz", "1/m xᵀ dz"),
        (r"\tfrac12 \lvert e \rvert^2", "1/2 |e|²"),
        (r"\hat x = (x - \mu) / \sqrt{\sigma^2 + \epsilon}", "x̂ = (x - μ) / √(σ² + ϵ)"),
        (r"w_{n,i} \leftarrow w - \eta\, g_{t-1}", "w_n,i ← w - η gₜ₋₁"),
        (r"\underset{(m,\,n)}{dx} = dy \odot \mathrm{mask}", "dx = dy ⊙ mask"),
        (r"\underbrace{a + b}_{\text{why}}, \tanh x", "a + b, tanh x"),
        (r"\min\left(1,\ \frac{c}{\lVert g \rVert}\right)", "min(1, c/‖g‖)"),
        (r"10000^{-2i/d}", "10000^(-2i/d)"),
        (r"\begin{aligned} a &= 1 \\ b &\le 2 \end{aligned}", "a = 1; b ≤ 2"),
        (r"y = \begin{cases} x & x > 0 \\ 0 & x \le 0 \end{cases}", "y = x, x > 0; 0, x ≤ 0"),
    ],
)
def test_a_formula_as_plain_text(tex, shown):
    assert plain(tex) == shown


def test_a_section_keeps_its_formulas():
    text = r"<p>If \(x &gt; 0\), then</p> \[dx = dy\] <p>Else</p> \[" + "x + " * 40 + r"x\]"
    assert shorter(text) == "<p>If x &gt; 0, then</p> dx = dy <p>Else</p> …"
    assert shorter(r"<code>\[[\d,]*\]</code>") == r"<code>\[[\d,]*\]</code>"


def test_no_result_shows_tex(site):
    index = json.loads((site / "search" / "search_index.json").read_text())
    texts = [re.sub(r"<(pre|code).*?</\1>", "", d["text"], flags=re.DOTALL) for d in index["docs"]]
    assert not re.findall(r"\\[a-zA-Z(\[].{0,40}", html.unescape("\n".join(texts)))
    assert any("dw = xᵀ dz" in text for text in texts)
