"""Tables that a phone shows as cards: what is said once is not said again beside each entry."""

from collections.abc import Iterator
from typing import Any

import pytest
from playground_tab import FINGERS
from tabs import Tabs
from visits import PHONE

# The cards of a table as they are read: the words before each cell, and where it stands.
CARDS = """({ tBodies: [{ rows }] }) => [...rows].map((row) => [...row.cells].map((cell) => {
  const before = getComputedStyle(cell, "::before").content;
  const label = before === "none" ? "" : before.replaceAll('"', "").trim();
  const range = document.createRange();
  range.selectNodeContents(cell);
  const { top, left, right } = range.getBoundingClientRect();
  const inset = left - row.getBoundingClientRect().left;
  return { label, says: cell.innerText.trim(), top, left, right, inset };
}))"""


@pytest.fixture
def phone(tabs: Tabs) -> Iterator[Any]:
    with tabs.lent(PHONE, **FINGERS) as tab:
        yield tab


def cards(tab: Any, heading: str) -> list[list[dict[str, Any]]]:
    table = tab.locator(f"table.cards:has(th:text-is('{heading}'))").first
    table.wait_for()
    return table.evaluate(CARDS)


@pytest.mark.parametrize(
    ("path", "heading"),
    [("teaching/", "Contents"), ("teaching/sessions-1-to-5/", "What you do")],
    ids=["material", "minutes"],
)
def test_the_only_column_beside_the_title_has_no_label_and_the_whole_width(
    path: str, heading: str, phone: Any, server: str
) -> None:
    phone.goto(server + path)
    found = cards(phone, heading)
    assert len(found) > 5
    assert {second["label"] for _, second in found} == {""}
    assert {round(second["inset"]) for _, second in found} == {0}
    assert max(second["right"] - second["left"] for _, second in found) > 300


def test_a_count_is_not_a_title_by_itself(phone: Any, server: str) -> None:
    phone.goto(server + "teaching/")
    titles = [f"{row[0]['label']} {row[0]['says']}" for row in cards(phone, "Students can")]
    assert titles == [f"Session {i}" for i in range(1, 11)]
    phone.goto(server + "teaching/sessions-1-to-5/")
    first = cards(phone, "What you do")[0][0]
    assert (first["label"], first["says"][:2]) == ("Minutes", "0–")


def test_two_numbers_share_a_line(phone: Any, server: str) -> None:
    phone.goto(server + "teaching/")
    for row in cards(phone, "Students can"):
        minutes, points = row[-2:]
        assert (minutes["label"], points["label"]) == ("Minutes", "Points")
        assert minutes["top"] == points["top"] and minutes["right"] < points["left"]


def test_in_a_table_of_names_both_have_the_name_of_their_column(phone: Any, server: str) -> None:
    phone.goto(server + "howto/optax/#names")
    phone.wait_for_selector("table.cards.names")
    found = cards(phone, "optax")
    assert len(found) > 10
    assert {tuple(cell["label"] for cell in row) for row in found} == {("optax", "purenn")}
    [inset] = {round(cell["inset"] / 10) for row in found for cell in row}  # in one column
    assert inset > 8
    phone.set_viewport_size({"width": 1000, "height": 800})
    phone.wait_for_function("!document.querySelector('table.names, table.cards')")
