"""The playground where a network is certain, and what a designer measures on its three pages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playground_tab import FINGERS, at, loss_of, opened, settle
from tabs import PATIENCE, Tabs
from visits import DESKTOP, PHONE

PAGES = ["playground/", "playground/train/", "playground/language/"]
PLACES = (Path(__file__).parent / "playground_places.js").read_text()


@pytest.fixture(params=[800, 900])
def desktop(request: pytest.FixtureRequest, tabs: Tabs, server: str) -> Iterator[Any]:
    yield from opened(tabs, server, {"width": 1280, "height": request.param})


def certain(tab: Any) -> None:
    """Agree with the network: nothing plays, because there is nothing to see."""
    tab.click("#pg-claim")
    settle(tab)
    assert loss_of(tab) < 0.05
    assert "has nothing to learn" in tab.inner_text("#pg-words")
    assert tab.get_attribute(".pg-play", "aria-label").startswith("Play")
    told, offer = (tab.locator(each).bounding_box() for each in ("#pg-told", "#pg-unsure"))
    assert offer["y"] + offer["height"] <= told["y"] + told["height"]


def test_a_certain_network_offers_a_wrong_label(desktop: Any) -> None:
    assert not desktop.is_visible("#pg-offer")
    certain(desktop)
    second = desktop.inner_text("#pg-wrong").split()[-1]
    desktop.click("#pg-wrong")
    settle(desktop)
    assert desktop.is_checked(f"#pg-labels input[value='{second}']") and second != "7"
    assert loss_of(desktop) > 5
    assert not desktop.is_visible("#pg-offer")
    assert desktop.get_attribute(".pg-play", "aria-label") == "Pause"
    assert desktop.evaluate("document.activeElement.className") == "pg-play main"


@pytest.mark.parametrize("network", ["784-128-10", "784-16-16-10"])
def test_or_a_digit_that_it_is_unsure_of(network: str, desktop: Any) -> None:
    desktop.select_option("#pg-network", network)
    desktop.wait_for_selector(f".pg-stage >> nth={5 * network.count('-') + 1}")
    for _ in range(3):
        desktop.click("#pg-load")
        settle(desktop)
        certain(desktop)
        desktop.click("#pg-unsure")
        settle(desktop)
        assert 0.3 < loss_of(desktop) < 0.7, "right, by a little"
        assert not desktop.is_visible("#pg-offer")


FILLED = """() => [...document.querySelectorAll(".pg-screen button")]
  .filter((each) => each.checkVisibility() && each.matches(".main"))
  .map((each) => each.id || each.className)"""


def test_one_button_is_filled_the_one_to_press_next(desktop: Any) -> None:
    assert desktop.evaluate(FILLED) == ["pg-play main"]
    desktop.keyboard.press("7")
    settle(desktop)
    assert desktop.evaluate(FILLED) == ["pg-wrong"]
    assert "A wrong label" in desktop.inner_text("#pg-step-says")
    desktop.locator(".pg-stage").last.click()
    desktop.keyboard.press("3")
    desktop.locator(".pg-stage").last.click()
    settle(desktop)
    assert desktop.evaluate(FILLED) == ["pg-one"]
    desktop.click("#pg-clear")
    settle(desktop)
    assert desktop.evaluate(FILLED) == ["pg-load"]


@pytest.mark.parametrize("stage", ["A2", "Z1"])
def test_a_drawing_is_followed_at_the_stage_that_is_shown(stage: str, desktop: Any) -> None:
    """While the pen is down: the answer, the sum, and the bars."""
    symbols = desktop.locator(".pg-stage").all_inner_texts()
    desktop.locator(".pg-stage").nth(symbols.index(stage)).click()
    desktop.click("#pg-clear")
    settle(desktop)
    (x, top), (_, bottom) = at(desktop, [(0.5, 0.15), (0.5, 0.85)])
    desktop.mouse.move(x, top)
    desktop.mouse.down()
    answers = set()
    for part in (0.0, 0.1, 0.5, 1.0):
        desktop.mouse.move(x, top + part * (bottom - top), steps=5)
        settle(desktop)
        answers.add(desktop.inner_text("#pg-says"))
    assert desktop.inner_text("#pg-formula").startswith(f"{stage} = ")
    assert desktop.inner_text(".pg-stage.pg-now") == stage
    assert desktop.inner_text("#pg-sum").startswith(f"{stage}[")
    assert desktop.inner_text("#pg-says").startswith("The network reads 1") and len(answers) > 1
    assert desktop.get_attribute("#pg-says", "aria-busy") == "true"
    assert float(desktop.locator("#pg-bars .pg-number").nth(1).inner_text().lstrip(">")) > 0.6
    desktop.mouse.up()
    settle(desktop)
    assert desktop.inner_text(".pg-stage.pg-now") == stage
    assert desktop.get_attribute("#pg-says", "aria-busy") == "false"


def test_the_three_pages_have_one_head(tabs: Tabs, server: str) -> None:
    places = set()
    with tabs.lent(DESKTOP) as tab:
        for where in PAGES:
            tab.goto(server + where)
            tab.wait_for_selector(".pg-ready, .widget-ready", timeout=PATIENCE)
            boxes = [tab.locator(f".pages-head {each}").bounding_box() for each in ("h1", "p")]
            places.add(tuple((box["x"], box["y"], box["height"]) for box in boxes))
            title, words = boxes
            assert title["x"] == words["x"] and title["y"] + title["height"] <= words["y"]
    assert len(places) == 1, places


def test_the_drawing_uses_the_height_of_its_stage(desktop: Any) -> None:
    folder = desktop.evaluate("new URL('../assets/playground/', location).href")
    places = desktop.evaluate(PLACES, [folder, [128, 10]])
    high = desktop.evaluate("document.querySelector('#pg-net').clientHeight")
    hidden = [y for _, y in places["layers"][0]]
    assert min(hidden) < 60 and high - max(hidden) < 60
    below = desktop.evaluate(
        "innerHeight - document.querySelector('.pg-side').getBoundingClientRect().bottom"
    )
    assert 0 <= below < 20


SMALL = """() => [...document.querySelectorAll(
    ":is(.pg, .widget) :is(button, select, textarea, summary, label:has(> [type=checkbox])), " +
    ":is(.pg, .widget) input:not([type=radio], [type=checkbox]), .pages a, .pg-labels span")]
  .filter((e) => e.checkVisibility() && e.getBoundingClientRect().width > 1)
  .map((e) => [e, e.getBoundingClientRect()])
  .filter(([e, { width, height }]) => height < 43.5 || width < 43.5)
  .map(([e, box]) => `${e.tagName} ${e.className} ${e.textContent} ${box.width}×${box.height}`)"""
TEXTS = """() => [...document.querySelectorAll(".pg *, .widget *")]
  .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
  .filter((e) => e.checkVisibility())
  .filter((e) => !e.closest(".katex, .tr-bar > label, script, option, svg"))
  .filter((e) => parseFloat(getComputedStyle(e).fontSize) < 12)
  .map((e) => `${e.tagName} ${e.className} ${e.textContent.slice(0, 20)}`)"""


@pytest.mark.parametrize("where", PAGES)
def test_fingers_and_eyes_find_everything_large_enough(where: str, tabs: Tabs, server: str) -> None:
    with tabs.lent(PHONE, **FINGERS) as tab:
        tab.goto(server + where)
        tab.wait_for_selector(".pg-ready, .widget-ready", timeout=PATIENCE)
        tab.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        if where == PAGES[0]:
            tab.click("#pg-claim")
        settle(tab)
        assert tab.evaluate(SMALL) == []
        assert tab.evaluate(TEXTS) == []
