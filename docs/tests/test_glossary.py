"""The glossary's page: from A to Z, each term in one paragraph."""

from typing import Any

import pytest
from sitetools.glossary import glossary
from tabs import Tabs
from visits import DESKTOP, PHONE

ENTRIES = """() => [...document.querySelectorAll(".md-content h3")].map((heading) => ({
  id: heading.id,
  name: heading.firstChild.textContent.trim(),
  definition: heading.nextElementSibling.innerText,
  links: heading.nextElementSibling.querySelectorAll("a").length,
  after: heading.nextElementSibling.nextElementSibling?.localName ?? "",
}))"""


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def shown(request: pytest.FixtureRequest, tabs: Tabs, server: str) -> Any:
    with tabs.lent(request.param) as tab:
        tab.goto(server + "glossary/")
        yield tab


def test_the_terms_stand_from_a_to_z_each_in_one_paragraph(shown: Any) -> None:
    entries = shown.evaluate(ENTRIES)
    names = [entry["name"].lower() for entry in entries]
    assert names == sorted(names)
    assert {entry["id"] for entry in entries} == {term.id for term in glossary()}
    definitions = {term.id: term.definition for term in glossary()}
    for entry in entries:
        said = " ".join(entry["definition"].split())
        assert said.startswith(" ".join(definitions[entry["id"]].split())), entry
        assert "Explained in " in said and entry["links"] >= 1, entry
        assert entry["after"] != "p", "the link is part of the paragraph"


def test_each_letter_leads_to_its_terms(shown: Any) -> None:
    names = [entry["name"] for entry in shown.evaluate(ENTRIES)]
    letters = shown.locator(".letters a")
    assert letters.all_inner_texts() == sorted({name[0].upper() for name in names})
    for index in range(letters.count()):
        box = letters.nth(index).bounding_box()
        assert min(box["width"], box["height"]) >= (
            44 if shown.viewport_size["width"] < 500 else 24
        )
    letters.nth(2).click()
    shown.wait_for_function("location.hash === '#letter-c'")
    shown.wait_for_timeout(300)
    first = shown.locator("#letter-c + h3")
    assert first.inner_text().startswith("C")
    assert 0 < first.bounding_box()["y"] < 200


def test_a_heading_is_not_against_the_one_above_it(shown: Any, server: str) -> None:
    gap = """(h3) => h3.getBoundingClientRect().top
      - h3.previousElementSibling.getBoundingClientRect().bottom"""
    assert shown.locator("#letter-a + h3").evaluate(gap) >= 8
    shown.goto(server + "course/neuron/")
    both = shown.locator("h2 + h3")
    assert all(both.nth(i).evaluate(gap) >= 16 for i in range(both.count()))
