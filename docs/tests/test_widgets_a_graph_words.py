"""The widget `graph`: how the parts of a derivative are named, and what is on paper."""

from typing import Any

from test_widgets_a_graph import BOXES, COURSE, GRAPHS, boxes, lines
from widgets_page import opened_widget as opened_widget
from widgets_page import press
from widgets_page import widget as widget


def test_the_parts_of_a_derivative_are_named_by_the_boxes_they_come_through(
    opened_widget: Any,
) -> None:
    tab = opened_widget("graph", **GRAPHS["batch norm, whole"], at="forward")
    told = []
    while tab.get_by_role("button", name="Step", exact=True).is_enabled():
        press(tab, "Step")
        told += lines(tab)
    story = "\n".join(told)
    assert "dμ = dμ via v + dμ via x̂₁ + dμ via x̂₂ + dμ via x̂₃ = " in story
    assert "dx₁ = dx₁ via μ + dx₁ via v + dx₁ via x̂₁ = " in story
    assert "dμ via x̂₃ = −dx̂₃ / s = " in story
    assert not any(prime in story for prime in "′″‴⁽"), "they read as further derivatives"
    squared = opened_widget("graph", steps=["L = x * x"], values={"x": 3}, at="end")
    assert lines(squared) == ["dx = dx via L (1) + dx via L (2) = 3 + 3 = 6"]


def test_paper_shows_the_finished_graph(opened_widget: Any) -> None:
    tab = opened_widget("graph", **COURSE)
    press(tab, "Step", 2)
    before = boxes(tab), lines(tab)
    assert before[0]["L"]["value"][0] == ""
    tab.evaluate(
        f"""() => {{
            const read = {BOXES};
            addEventListener("beforeprint", () => (window.printed = read()));
        }}"""
    )
    tab.pdf()
    printed = {box["title"].split(" = ")[0]: box for box in tab.evaluate("window.printed")}
    assert printed["L"]["value"][0] == "10" and printed["w"]["d"][0] == "4"
    assert printed["x"]["d"][0] == "11"
    assert (boxes(tab), lines(tab)) == before
    press(tab, "Step")
    assert boxes(tab)["r"]["value"][0] == "5"
