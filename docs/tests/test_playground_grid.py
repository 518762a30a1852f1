"""The three pages of the playground: one column of text, one size of it, one order of headings."""

from typing import Any

import pytest
from tabs import PATIENCE, Tabs, quiet
from visits import DESKTOP, PHONE

PAGES = {
    "digits": "playground/",
    "train": "playground/train/",
    "transformer": "playground/language/",
}
# What is read, not operated: outside the screen of each page, and outside what is folded.
READ = """() => {
  const tool = ".pages, .pages-head, .pg-screen, .pg-others, .tr-screen, .train > :not(details)," +
    ".lm-first, #lm-controls, #lm-text, #lm-said, #lm-target, #lm-backward, #lm-step, .failed, pre";
  const all = document.querySelectorAll(".md-content__inner :is(h2, p, li, details, .highlight)");
  return [...all].filter((e) => e.checkVisibility() && e.offsetWidth > 1 && e.innerText.trim())
    .filter((e) => !e.closest(tool) && !e.parentElement.closest("details:not(.lm-more)"))
    .map((e) => ({ tag: e.localName, left: Math.round(e.getBoundingClientRect().left),
      right: Math.round(e.getBoundingClientRect().right), size: getComputedStyle(e).fontSize,
      says: e.innerText.slice(0, 40) }));
}"""


def read(
    tabs: Tabs, server: str, page: str, size: dict[str, int]
) -> tuple[list[dict[str, Any]], float]:
    """What is read on a page, and the size of its title."""
    with tabs.lent(size) as tab, quiet(tab):
        tab.goto(server + page)
        tab.wait_for_function(
            "document.querySelector('.widget-ready') ||"
            " document.querySelector('#pg-says')?.textContent.includes('reads')",
            timeout=PATIENCE,
        )
        title = tab.evaluate("parseFloat(getComputedStyle(document.querySelector('h1')).fontSize)")
        return tab.evaluate(READ), title


def test_one_column_and_one_size_on_all_three(tabs: Tabs, server: str) -> None:
    sides, sizes = set(), set()
    for page in PAGES.values():
        found, _ = read(tabs, server, page, DESKTOP)
        assert len(found) > 8, page
        sides |= {
            (each["left"], each["right"]) for each in found if each["tag"] in ("h2", "p", "details")
        }
        sizes |= {each["size"] for each in found if each["tag"] in ("p", "li")}
        assert all(each["right"] - each["left"] <= 680 for each in found), page
    assert len(sides) == 1
    assert sizes == {"18px"}


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("which", PAGES)
def test_the_title_is_larger_than_the_headings_below_it(
    which: str, size: dict[str, int], tabs: Tabs, server: str
) -> None:
    found, title = read(tabs, server, PAGES[which], size)
    below = {float(each["size"].removesuffix("px")) for each in found if each["tag"] == "h2"}
    assert below and title > max(below)
