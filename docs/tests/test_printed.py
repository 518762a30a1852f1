"""What code prints, on a phone: lines wrap, a table keeps its rows, and says where it goes on."""

import pytest
from visits import DESKTOP, PHONE
from widgets_page import load, page_of

import purenn as pn

EXPLANATION = """m = 8, targets [5 0 4 1 9 2 1 3]; loss softmax_cross_entropy = 2.308
FORWARD
 Z1 = X·W1 + b1   (8,128)   norm 14.294, from -1.424 to 1.357, and no more
 A1 = relu(Z1)    (8,128)   norm 9.911, from 0 to 1.357   516 of 1024 are off
"""
ROW = "{:<24}{:<10}{:<10}{:>8}"
NARROW = "\n".join(ROW.format(*row) for row in [("layer", "shape", "dtype", "sum")] * 3)
WIDE = "\n".join(f"{line:<60}{line}" for line in NARROW.splitlines())
TITLE = "The title of a table may be a sentence wider than a phone\n"

LOOK = """(code) => ({
    over: code.scrollWidth - code.clientWidth,
    beside: code.getBoundingClientRect().right - Math.max(...Array.from(code.children, (line) => {
        const range = document.createRange();
        range.selectNodeContents(line);
        return range.getBoundingClientRect().right;
    })),
    size: parseFloat(getComputedStyle(code).fontSize),
    hint: getComputedStyle(code.parentElement, "::after").content,
    lines: [...code.querySelectorAll("code-line")].map((line) =>
        Math.round(line.offsetHeight / parseFloat(getComputedStyle(code).lineHeight))),
})"""


@pytest.fixture
def look(browser, server, site):
    """A function that shows a printed text on a screen, and measures it."""
    contexts = []

    def looked(text, screen=PHONE):
        contexts.append(browser.new_context(viewport=screen))
        tab = contexts[-1].new_page()
        box = '<div class="highlight" style="max-width: var(--measure)">'
        html = f"<h1>It</h1>{box}<pre><code>{text}</code></pre></div>"
        load(tab, server, page_of(site, html))
        tab.wait_for_selector("code-line")
        tab.wait_for_timeout(200)
        return tab.locator("pre > code").evaluate(LOOK)

    yield looked
    for context in contexts:
        context.close()


def test_an_explanation_wraps_in_letters_of_the_usual_size(look):
    found = look(EXPLANATION)
    assert found["over"] <= 1 and found["size"] > 12 and found["hint"] == "none"
    assert found["lines"] == [2, 1, 2, 2]


def test_a_table_gets_small_and_keeps_its_rows(look):
    found = look(NARROW)
    assert found["over"] <= 1 and found["hint"] == "none"
    assert 10 <= found["size"] < 12.9 and found["lines"] == [1, 1, 1]


def test_a_table_that_is_wide_even_in_small_letters_says_that_it_scrolls(look):
    found = look(WIDE)
    assert found["over"] > 50 and "Scroll for more" in found["hint"]
    assert found["size"] == 10 and found["lines"] == [1, 1, 1]


def test_a_sentence_above_a_table_wraps_and_does_not_make_it_small(look):
    rows = NARROW.replace("   ", "  ")
    found = look(TITLE + rows)
    assert found["over"] <= 1 and found["lines"] == [2, 1, 1, 1]
    assert found["size"] == look(rows + "\n" + TITLE)["size"] > 12


def test_on_a_desktop_a_wide_table_keeps_letters_of_12_pixels(look):
    assert look("\n".join(2 * line for line in WIDE.splitlines()), DESKTOP)["size"] == 12


def test_the_100_columns_of_a_summary_fit_on_a_desktop_and_keep_their_rules(look):
    model = pn.serial(pn.conv2d(6, (5, 5), strides=(2, 2), padding="VALID"), pn.flatten())
    text = pn.summary(model, in_shape=(28, 28, 1000))
    assert max(map(len, text.splitlines())) == 100
    for screen in (DESKTOP, PHONE):
        found = look(text, screen)
        assert found["lines"] == [1] * len(text.splitlines())
        assert (found["over"] <= 1) == (found["hint"] == "none") == (screen == DESKTOP)
        assert screen == PHONE or found["beside"] > 8, "the last column is against the edge"
