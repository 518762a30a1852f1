"""A graph's step against the gradient: on every page the loss falls, or the widget says why not."""

import json
import re
from typing import Any

import pytest
from sitetools import ROOT
from test_widgets_a_graph import boxes
from widgets_page import opened_widget as opened_widget
from widgets_page import press, texts
from widgets_page import widget as widget

FENCE = re.compile(r'```widget name="graph"[^\n]*\n(.*?)```', re.DOTALL)
GRAPHS = {
    f"{page.stem} {place}": json.loads(body)
    for page in sorted((ROOT / "docs" / "pages").rglob("*.md"))
    for place, body in enumerate(FENCE.findall(page.read_text()))
}
STEPPED = {name: settings for name, settings in GRAPHS.items() if "descend" in settings}


def to_the_end(tab: Any) -> None:
    while tab.get_by_role("button", name="Step", exact=True).is_enabled():
        press(tab, "Step")


def descend(tab: Any, settings: dict[str, Any]) -> tuple[float, float]:
    """Take a step; return the loss before and after, which the widget must say."""
    last = list(boxes(tab))[-1]
    before = boxes(tab)[last]["value"]
    assert tab.locator(".graph-descent small").inner_text() == f"rate {settings['descend']['rate']}"
    press(tab, "Gradient step")
    after = boxes(tab)[last]["value"]
    (said,) = texts(tab, ".says > strong")
    assert said == f"{last}: {before[0]} → {after[0]} after one gradient step"
    return float(before[1]), float(after[1])


def test_there_are_graphs_with_a_step() -> None:
    assert {"backpropagation 0", "neuron 0"} <= STEPPED.keys()


@pytest.mark.parametrize("name", STEPPED)
def test_the_first_steps_lower_the_loss(name: str, opened_widget: Any) -> None:
    settings = STEPPED[name]
    tab = opened_widget("graph", **settings)
    for _ in range(3):
        to_the_end(tab)
        before, after = descend(tab, settings)
        assert after < before
        assert not tab.locator(".says em").count()


def test_a_step_says_what_it_waits_for(opened_widget: Any) -> None:
    tab = opened_widget("graph", **STEPPED["neuron 0"])
    waits = tab.get_by_role("button", name="Gradient step", exact=True)
    note = tab.locator(f"#{waits.get_attribute('aria-describedby')}")
    assert waits.is_disabled() and note.inner_text() == "available after the backward pass"
    button, beside = waits.bounding_box(), note.bounding_box()
    assert beside["x"] >= button["x"] + button["width"]
    assert abs(beside["y"] + beside["height"] / 2 - button["y"] - button["height"] / 2) < 2
    to_the_end(tab)
    assert waits.is_enabled() and note.inner_text() == "rate 1"


def test_before_the_first_step_the_frame_says_what_comes_there(opened_widget: Any) -> None:
    tab = opened_widget("graph", **STEPPED["neuron 0"])
    frame = tab.locator(".says")
    hint = tab.locator(".says > i")
    before = frame.bounding_box()
    assert frame.evaluate("e => getComputedStyle(e).borderTopWidth") != "0px"
    assert hint.inner_text() == 'Press "Step" to see each box\'s formula or rule here.'
    words = frame.evaluate(
        "e => [...e.children].map((c) => c.getBoundingClientRect()).map((b) => [b.top, b.bottom])"
    )
    above, below = words[0][0] - before["y"], before["y"] + before["height"] - words[-1][1]
    assert abs(above - below) < 3, "in the middle of the frame"
    to_the_end(tab)
    assert frame.bounding_box() == before and not hint.count()


def test_what_is_not_known_yet_is_legible(opened_widget: Any) -> None:
    tab = opened_widget("graph", **STEPPED["neuron 0"])
    looks = tab.locator(".graph-box .derivative:empty").first.evaluate(
        """(e) => {
          const { content, color, opacity } = getComputedStyle(e, "::before");
          const words = getComputedStyle(document.querySelector(".widget figcaption")).color;
          return { content, opacity, same: color === words };
        }"""
    )
    assert looks == {"content": '"?"', "opacity": "1", "same": True}


def test_units_that_are_off_are_named_where_nothing_can_change(opened_widget: Any) -> None:
    settings = STEPPED["backpropagation 0"]
    tab = opened_widget("graph", **settings)
    tab.get_by_role("spinbutton", name="u₁", exact=True).fill("0")
    assert not tab.locator(".says em").count()
    to_the_end(tab)
    (reason,) = texts(tab, ".says > em")
    assert reason.startswith("All derivatives of the weights and biases are 0: the units h₁ and h₂")
    before, after = descend(tab, settings)
    assert before == after == 1
    assert texts(tab, ".says > em") == [reason]
    press(tab, "Step")
    assert not tab.locator(".says em").count()


def test_a_loss_at_its_lowest_is_told(opened_widget: Any) -> None:
    tab = opened_widget("graph", **STEPPED["backpropagation 0"])
    tab.get_by_role("spinbutton", name="t", exact=True).fill("2")
    to_the_end(tab)
    assert "the slope of L is 0 here" in tab.locator(".says em").inner_text()


def test_the_task_stands_above_the_drawing(opened_widget: Any) -> None:
    tab = opened_widget("graph", **STEPPED["backpropagation 0"])
    task, board = (
        tab.locator(f".widget {part}").bounding_box() for part in ("figcaption", ".graph-board")
    )
    assert task["y"] + task["height"] <= board["y"]
