"""The site's own letters: they are loaded, and they have every character of the prose."""

import re
from html import unescape
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from html_page import pages_of
from visits import settle

# Signs that the system's font draws: Inter has none of them.
OTHERS = set("⊙␣▶✓ᵀ\n\xa0\u00b6")
APART = re.compile(r"<(pre|code|svg|script|style)\b.*?</\1>|\\\(.*?\\\)|\\\[.*?\\\]", re.DOTALL)


def test_every_character_of_the_prose_is_in_the_font(site: Path) -> None:
    missing = {}
    letters = set(TTFont(site / "assets/fonts/Inter-Regular.woff2").getBestCmap())
    for page in pages_of(site):
        body = (site / page).read_text().partition("<body")[2]
        text = unescape(re.sub(r"<[^>]*>", "", APART.sub("", body)))
        found = {each for each in text if ord(each) not in letters} - OTHERS
        missing |= dict.fromkeys(found, page)
    assert not missing


@pytest.mark.parametrize("face", ["Bold", "Italic"])
def test_all_faces_have_the_same_characters(site: Path, face: str) -> None:
    regular, other = (
        TTFont(site / f"assets/fonts/Inter-{name}.woff2").getBestCmap()
        for name in ("Regular", face)
    )
    assert set(regular) == set(other)


def test_a_page_is_set_in_these_letters(tab, server: str) -> None:
    tab.goto(server + "course/neuron/", wait_until="load")
    settle(tab)
    loaded = "[...document.fonts].filter(f => f.family === 'Inter' && f.status === 'loaded').length"
    assert tab.evaluate(loaded) == 3
    family = "getComputedStyle(document.querySelector('.md-content p')).fontFamily"
    assert tab.evaluate(family).startswith("Inter,")
