"""Any widget can be shown on the whole screen, larger, for a projector."""

from typing import Any

import pytest
from tabs import painted
from visits import DARK, DESKTOP, LIGHT, PHONE, STILL, choose_scheme, measure
from widgets_page import load, page_with
from widgets_page import widget as widget

GRAPH = {
    "steps": ["u = x * w", "v = u + b", "r = max(v, c)", "L = x * r"],
    "values": {"x": 2, "w": 3, "b": -1, "c": 4},
}
SETTINGS: dict[str, dict[str, Any]] = {"graph": GRAPH, "bowl": {}}
SIZES = """() => {
    const width = (selector) => document.querySelector(selector).getBoundingClientRect().width;
    const words = document.createRange();
    words.selectNodeContents(document.querySelector(".widget .key, .widget .graph-box b"));
    const figure = document.querySelector("figure.widget");
    return {
        drawing: width(".widget .graph-board, .widget .plane"),
        words: words.getBoundingClientRect().height,
        wide: figure.scrollWidth - figure.clientWidth,
        high: figure.scrollHeight - figure.clientHeight,
    };
}"""
IS_FULL = "() => document.fullscreenElement === document.querySelector('figure.widget')"
# The event comes after the screen's change, and what it does is what the tests look at.
IS_NOT = """() => !document.fullscreenElement
    && !document.querySelector("figure.widget").style.getPropertyValue("--zoom")"""


def opened(tab: Any) -> None:
    """Press the button, and wait for the whole screen."""
    button = tab.button("Full screen")
    button.focus()
    tab.tab.keyboard.press("Enter")
    tab.tab.wait_for_function(IS_FULL)
    tab.tab.wait_for_function(
        "() => document.querySelector('figure.widget').style.getPropertyValue('--zoom')"
    )
    assert button.get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("name", SETTINGS)
def test_a_widget_fills_the_screen_and_is_larger(widget: Any, name: str) -> None:
    tab = widget(name, **SETTINGS[name])
    tab.tab.set_viewport_size({"width": 1600, "height": 900})
    painted(tab.tab)
    before = tab.tab.evaluate(SIZES)
    opened(tab)
    full = tab.tab.evaluate(SIZES)
    assert full["drawing"] > 1.3 * before["drawing"]
    assert full["words"] > 1.3 * before["words"]
    assert full["wide"] <= 0 and full["high"] <= 0, "nothing needs to be scrolled to"
    tab.tab.add_style_tag(content=STILL)  # the tabs of the page may be on their way
    for scheme in (DARK, LIGHT):
        assert choose_scheme(tab.tab, scheme)
        assert not measure(tab.tab, "contrast")
    assert not measure(tab.tab, "nameless")
    tab.tab.keyboard.press("Escape")
    tab.tab.wait_for_function(IS_NOT)
    assert tab.button("Full screen").get_attribute("aria-pressed") == "false"
    assert tab.tab.evaluate(SIZES) == pytest.approx(before, abs=1)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_button_leaves_as_well_and_is_large_enough(widget: Any, name: str) -> None:
    tab = widget(name, **SETTINGS[name])
    button = tab.button("Full screen")
    tab.tab.set_viewport_size(PHONE)
    assert not button.is_visible(), "a phone's screen is full as it is"
    tab.tab.set_viewport_size(DESKTOP)
    box = button.bounding_box()
    assert min(box["width"], box["height"]) >= 32
    body = tab.tab.locator(".widget-body").bounding_box()
    assert box["y"] + box["height"] <= body["y"] + 1, "it covers nothing of the widget"
    assert tab.tab.locator("figcaption").bounding_box()["y"] < body["y"], (
        "the caption, too, is above"
    )
    frame = tab.tab.locator("figure.widget").bounding_box()
    assert box["y"] >= frame["y"] and box["x"] >= frame["x"], "it is inside the frame"
    assert box["x"] + box["width"] <= frame["x"] + frame["width"]
    opened(tab)
    assert min(button.bounding_box()[side] for side in ("width", "height")) >= 32
    button.click()
    tab.tab.wait_for_function(IS_NOT)


def test_a_handle_follows_the_pointer_on_the_whole_screen(widget: Any) -> None:
    tab = widget("bowl")
    opened(tab)
    handle = tab.handle("The start")
    before = handle.bounding_box()
    tab.drag("The start", 60, 25)
    after = handle.bounding_box()
    assert after["x"] - before["x"] == pytest.approx(60, abs=2)
    assert after["y"] - before["y"] == pytest.approx(25, abs=2)


def test_a_phone_on_its_side_scrolls(widget: Any) -> None:
    """Where a widget does not fit, all of it is there, no smaller than on the page."""
    tab = widget("graph", **GRAPH)
    tab.tab.set_viewport_size({"width": 844, "height": 390})
    before = tab.tab.evaluate(SIZES)
    opened(tab)
    full = tab.tab.evaluate(SIZES)
    assert full["words"] >= before["words"] and full["wide"] <= 0
    tab.tab.locator("figcaption").scroll_into_view_if_needed()
    assert tab.tab.locator("figcaption").bounding_box()["y"] < 390


def test_it_is_on_paper_nowhere(widget: Any) -> None:
    tab = widget("graph", **GRAPH)
    assert tab.button("Full screen").is_visible()
    tab.tab.emulate_media(media="print")
    assert not tab.tab.locator(".full-screen").is_visible()


def test_there_is_no_button_where_there_is_no_full_screen(
    browser: Any, server: str, site: Any
) -> None:
    context = browser.new_context()
    tab = context.new_page()
    tab.add_init_script(
        "Object.defineProperty(Document.prototype, 'fullscreenEnabled', { get: () => false })"
    )
    load(tab, server, page_with(site, "graph", GRAPH))
    tab.wait_for_selector(".widget-ready")
    assert tab.locator(".full-screen").count() == 0
    context.close()
