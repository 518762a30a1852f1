"""Code on a phone: where its lines break, where they scroll, and how far in its boxes stand."""

from collections.abc import Iterator
from typing import Any

import pytest
from tabs import Tabs
from visits import PHONE

INSETS = """() => [...document.querySelectorAll(".md-content pre")]
  .filter((e) => e.checkVisibility())
  .filter((e) => !e.closest("details, .admonition, li"))
  .map((e) => e.getBoundingClientRect()).map(({ left, right }) => [left, innerWidth - right])"""
OPERATORS = """() => [...document.querySelectorAll("code.wraps .o")]
  .map((e) => [e.textContent, new Set([...e.getClientRects()].map(({ top }) => top)).size])"""
DOCSTRING = """() => {
  const code = document.querySelector("code.columns:has(.sd)");
  const height = parseFloat(getComputedStyle(code).lineHeight);
  const lines = [...code.querySelectorAll("code-line")].filter((e) => e.querySelector(".sd"));
  const button = code.parentElement.querySelector(".md-code__nav, .md-clipboard");
  return { lines: lines.map((e) => e.getBoundingClientRect().height / height),
    size: parseFloat(getComputedStyle(code).fontSize), scrolls: code.scrollWidth - code.clientWidth,
    says: code.parentElement.classList.contains("scrolls"),
    right: code.getBoundingClientRect().right, button: button.getBoundingClientRect().left };
}"""


@pytest.fixture
def phone(tabs: Tabs) -> Iterator[Any]:
    with tabs.lent(PHONE) as tab:
        yield tab


@pytest.mark.parametrize(
    "path", ["", "course/neuron/", "playground/train/", "howto/training-loop/"]
)
def test_code_and_output_stand_as_far_in_as_the_text(path: str, phone: Any, server: str) -> None:
    phone.goto(server + path)
    left = phone.locator(".md-content p:visible").last.bounding_box()["x"]
    insets = phone.evaluate(INSETS)
    assert insets and {tuple(map(round, each)) for each in insets} == {(round(left), round(left))}


def test_no_line_breaks_inside_an_operator(phone: Any, server: str) -> None:
    phone.goto(server)
    phone.wait_for_selector("code.wraps .o")
    found = phone.evaluate(OPERATORS)
    assert any(text == "->" for text, _ in found)
    assert all(lines == 1 for _, lines in found)


def test_a_docstring_with_columns_scrolls(phone: Any, server: str) -> None:
    phone.goto(server + "teaching/")
    phone.wait_for_selector("code.columns .sd")
    found = phone.evaluate(DOCSTRING)
    assert len(found["lines"]) > 8 and max(found["lines"]) < 1.5
    assert found["scrolls"] > 0 and found["says"] and found["size"] > 12
    assert found["right"] <= found["button"] + 1, "the button covers no line"
