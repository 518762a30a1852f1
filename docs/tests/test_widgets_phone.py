"""On a phone, what is moved and what it moves are in view together; names cover nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from tabs import Tabs
from test_widgets_a_graph import COURSE
from visits import DESKTOP, PHONE
from widgets_page import look_faults, opener
from widgets_page import widget as widget

HEADER = 60  # pixels of the page's header, which stays in view
PRODUCT = {"x": [[1, 2], [3, -1]], "w": [[1, 0], [-1, 2]]}
WIDGETS: list[tuple[str, dict[str, Any]]] = [
    ("activation", {}),
    ("attention", {}),
    ("bowl", {}),
    ("clip", {}),
    ("convolution", {}),
    ("digit", {}),
    ("dropout", {}),
    ("graph", COURSE),
    ("line", {}),
    ("overfit", {}),
    ("product", PRODUCT),
    ("rate", {}),
    ("scale", {}),
    ("temperature", {}),
    ("xor", {}),
    ("xor", {"hidden": True}),
]

# From the top of the first to the bottom of the last drawing or control.
REACH = """() => {
    const parts = [...document.querySelectorAll(
        ".widget-body :is(svg, canvas, button, input, select, .handle)")]
        .filter((e) => e.checkVisibility()).map((e) => e.getBoundingClientRect());
    return Math.max(...parts.map((p) => p.bottom)) - Math.min(...parts.map((p) => p.top));
}"""

NARROW_SLIDERS = """() => [...document.querySelectorAll(".widget input[type=range]")]
    .filter((e) => e.getBoundingClientRect().width < 90)
    .map((e) => `${e.getBoundingClientRect().width}: ${e.parentElement.textContent}`)"""

# What is touched and less high than a finger needs. A convolution has too many numbers for that.
SMALL_TARGETS = """() => [...document.querySelectorAll(
        ".widget :is(button, select, input:not([type=checkbox]), .handle)")]
    .filter((e) => e.checkVisibility() && !e.closest(".grids:not(.roomy)") && e.offsetHeight < 44)
    .map((e) => `${e.offsetHeight}: ${e.ariaLabel ?? e.textContent}`)"""

# Names in the drawings that meet another name or the disk of a handle.
COVERED = """() => [...document.querySelectorAll(".widget .plane")].flatMap((plane) => {
    const inner = (e, x, y) => {
        const { left, right, top, bottom } = e.getBoundingClientRect();
        return { left: left + x, right: right - x, top: top + y, bottom: bottom - y };
    };
    const names = [...plane.querySelectorAll("g[clip-path] text")]
        .map((e) => [e.textContent, inner(e, 0, 3)]);
    const disks = [...plane.querySelectorAll(".handle")]
        .filter((e) => e.checkVisibility())
        .map((e) => [e.ariaLabel, inner(e, e.offsetWidth / 2 - 8, e.offsetWidth / 2 - 8)]);
    const meet = (a, b) =>
        a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    return names.flatMap(([name, box], i) => [...names.slice(i + 1), ...disks]
        .filter(([, other]) => meet(box, other)).map(([other]) => `${name} meets ${other}`));
})"""


@pytest.fixture
def phone(tabs: Tabs, server: str, site: Any) -> Iterator[Any]:
    """A function that opens a widget on a phone."""
    with opener(tabs, server, site, PHONE, has_touch=True) as opened:
        yield opened


@pytest.mark.parametrize(("name", "settings"), WIDGETS)
def test_the_controls_are_in_view_with_what_they_change(phone, name, settings):
    tab = phone(name, **settings).tab
    assert tab.evaluate(REACH) <= PHONE["height"] - HEADER
    assert not tab.evaluate(NARROW_SLIDERS)
    assert not tab.evaluate(SMALL_TARGETS)
    assert not look_faults(tab)


BACKWARD = {"size": 5, "kernel": 3, "stride": 2, "padding": 1, "mode": "dx"}
SIZES = ["image", "kernel", "stride", "padding"]


def test_a_convolution_is_stepped_while_its_kernel_is_watched(phone):
    """All is in view at once, in few rows; and further down, the buttons stay below the header."""
    tab = phone("convolution", **BACKWARD).tab
    assert tab.evaluate(REACH) <= PHONE["height"] - HEADER
    step = tab.get_by_role("button", name="Step", exact=True)
    modes, moves = (
        tab.get_by_role("button", name=name, exact=True).bounding_box()
        for name in ("Backward: dx", "Step")
    )
    assert 0 <= moves["y"] - modes["y"] - modes["height"] < 20
    rows = [["Forward: z", "Backward: dw", "Backward: dx"]]
    rows += [["Play", "Step back", "Step", "New numbers"]]
    for row in rows:
        buttons = [tab.get_by_role("button", name=name, exact=True) for name in row]
        assert len({button.bounding_box()["y"] for button in buttons}) == 1, row
    fields = [tab.locator("label", has_text=size).locator("select") for size in SIZES]
    assert len({field.bounding_box()["y"] for field in fields}) == 1
    tab.evaluate("document.querySelector('.grid-sum').scrollIntoView({ block: 'end' })")
    tab.evaluate("scrollBy(0, 200)")
    top = tab.evaluate("document.querySelector('.widget').getBoundingClientRect().top")
    assert top < -20, "the widget is scrolled"
    box, before = step.bounding_box(), tab.locator(".grid-sum").inner_text()
    assert 40 <= box["y"] <= HEADER
    tab.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert tab.locator(".grid-sum").inner_text() != before


def test_a_long_formula_breaks_and_does_not_shrink(phone):
    tab = phone("convolution", **BACKWARD).tab
    tab.get_by_role("button", name="dx[4, 4]").click()
    size = "(e) => getComputedStyle(e).fontSize"
    first, second = tab.locator(".grid-sum .factors > span").all()
    before = first.evaluate(size)
    tab.evaluate("document.querySelector('.widget').style.width = '290px'")
    top, below = first.bounding_box(), second.bounding_box()
    assert below["y"] >= top["y"] + top["height"] > top["y"] + 10, "two lines"
    assert top["height"] == below["height"], "one line each"
    assert second.inner_text() == "· w[k, l]"
    assert first.evaluate(size) == before


@pytest.mark.parametrize("matrix", ["Scores S", "Weights P", "Derivative dP", "Derivative dS"])
@pytest.mark.parametrize("screen", [PHONE, DESKTOP])
def test_the_names_of_the_vectors_cover_nothing(phone, widget, matrix, screen):
    tab = (phone if screen is PHONE else widget)("attention").tab
    tab.get_by_role("button", name=f"Show {matrix}").click()
    for query in ("the", "cat", "sat", "down"):
        tab.get_by_role("button", name=query, exact=True).click()
        assert not tab.evaluate(COVERED), query
