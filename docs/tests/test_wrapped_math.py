"""A displayed formula that wraps on a phone: each sign of equality begins a line."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from visits import PHONE
from widgets_page import load, page_of

PART = r"\sum_c dZ_{2,ic}\, W_{2,jc}\, dZ_{2,ic}\, W_{2,jc}"
FORMULA = rf"\[dA_{{1,ij}} = {PART} = {PART} = {PART} = {PART}\]"

SIGNS = """() => {
    const bases = [...document.querySelectorAll(".wraps .katex-html > .katex-base")];
    const last = ({ children }) => children[children.length - 2];
    const hanging = bases.filter((base) => last(base)?.matches(".mrel"));
    const signs = bases.map((base) => base.querySelector(":scope > .mrel")).filter(Boolean);
    return [hanging.length, signs.map((sign) => sign.getBoundingClientRect().toJSON())];
}"""


@pytest.fixture
def wrapped(browser: Any, server: str, site: Path) -> Any:
    formula = f'<h1>A formula</h1><div class="arithmatex">{FORMULA}</div>'
    context = browser.new_context(viewport=PHONE)
    tab = context.new_page()
    load(tab, server, page_of(site, formula))
    tab.wait_for_selector(".wraps .katex-html")
    yield tab
    context.close()


def test_signs_of_equality_begin_lines_below_each_other(wrapped: Any) -> None:
    hanging, signs = wrapped.evaluate(SIGNS)
    assert hanging == 0
    assert len(signs) == 4
    lefts = [s["left"] for s in signs[1:]]  # the first may follow what the formula begins with
    assert max(lefts) - min(lefts) < 1
    tops = [s["top"] for s in signs]
    assert all(below - above > 20 for above, below in pairwise(tops)), tops
