"""A tab with the playground, and hands for it: mouse, finger, and eyes for its canvases."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from tabs import PATIENCE, Tabs, quiet
from tabs import painted as settle

FINGERS = {"has_touch": True, "is_mobile": True}


def opened_in(tab: Any, server: str) -> Iterator[Any]:
    """The page, ready; at the end it has said nothing amiss."""
    with quiet(tab):
        tab.goto(f"{server}playground/")
        tab.wait_for_selector(".pg-ready", timeout=PATIENCE)
        yield tab


def opened(tabs: Tabs, server: str, viewport: dict[str, int], **kind: Any) -> Iterator[Any]:
    """The same in a tab that has been used before."""
    with tabs.lent(viewport, **kind) as tab:
        yield from opened_in(tab, server)


def at(tab: Any, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    tab.locator("#pg-pad").scroll_into_view_if_needed()
    box = tab.locator("#pg-pad").bounding_box()
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]


def loss_of(tab: Any) -> float:
    """The loss in the sentence below its curve."""
    text = re.search(r"The loss is (\S+)[.,] ", tab.inner_text("#pg-step-says"))[1]
    return float(text.replace("−", "-"))


def draw_with_mouse(tab: Any, points: list[tuple[float, float]]) -> None:
    first, *rest = at(tab, points)
    tab.mouse.move(*first)
    tab.mouse.down()
    for point in rest:
        tab.mouse.move(*point, steps=10)
    tab.mouse.up()
    settle(tab)


def draw_with_finger(tab: Any, points: list[tuple[float, float]]) -> None:
    """Touches as the system sends them; the browser makes pointer events of them, or scrolls."""
    client = tab.context.new_cdp_session(tab)

    def touch(kind: str, points: list[tuple[float, float]]) -> None:
        touches = [{"x": x, "y": y} for x, y in points]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    corners = at(tab, points)
    touch("touchStart", corners[:1])
    for (x, y), (to_x, to_y) in pairwise(corners):
        for i in range(1, 11):
            touch("touchMove", [(x + (to_x - x) * i / 10, y + (to_y - y) * i / 10)])
    touch("touchEnd", [])
    client.detach()
    settle(tab)


def probability(text: str) -> float:
    """What a printed probability says; above 0.9995, the page says no more than >0.999."""
    return 0.99975 if text == ">0.999" else float(text)


# A copy: reading the page's own canvas again and again makes the browser warn about it.
READ = """(selector) => {
  const canvas = document.querySelector(selector);
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, copy.width, copy.height);
  return WANTED;
}"""


def ink(tab: Any) -> int:
    """How many pixels of the pad have ink."""
    count = "data.filter((value, i) => i % 4 === 3 && value > 0).length"
    return read(tab, "#pg-pad", count)


def read(tab: Any, selector: str, wanted: str) -> Any:
    """An expression of a canvas's `data`, red, green, blue and alpha of each pixel."""
    return tab.evaluate(READ.replace("WANTED", wanted), selector)
