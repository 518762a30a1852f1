"""The page that trains from scratch: it fits a screen, and is asked for nothing too early."""

from collections.abc import Iterator
from typing import Any

import pytest
from tabs import PATIENCE, Tabs
from visits import DESKTOP

PAGE = "playground/train/"


@pytest.fixture
def tab(tabs: Tabs) -> Iterator[Any]:
    with tabs.lent(DESKTOP) as tab:
        yield tab


def test_everything_useful_is_seen_without_scrolling(tab: Any, server: str) -> None:
    tab.goto(server + PAGE)
    tab.wait_for_selector(".widget-ready", timeout=PATIENCE)
    chips = tab.locator(".tr-presets button").all()
    assert len(chips) == 11
    for chip in chips:
        chip.click()
        tab.click("#train button:text-is('Step')")
        tab.wait_for_function(
            "document.querySelector('.tr-numbers b').textContent === '1'", timeout=PATIENCE
        )
        for part in (".tr-screen", ".tr-middle", ".tr-right"):
            box = tab.locator(part).bounding_box()
            name = f"{part} of {chip.inner_text()}"
            assert box["y"] + box["height"] <= 800, name
        assert tab.evaluate("scrollY") == 0


def test_an_idea_asks_first_and_tells_after_the_run(tab: Any, server: str) -> None:
    def press(name: str) -> None:
        tab.click(f"#train button:text-is('{name}')")

    def reach(step: int) -> None:
        says = "step => Number(document.querySelector('.tr-numbers b').textContent) >= step"
        tab.wait_for_function(says, arg=step, timeout=PATIENCE)

    tab.goto(server + PAGE)
    tab.wait_for_selector(".widget-ready", timeout=PATIENCE)
    press("Dying ReLU")
    asked = tab.inner_text(".tr-tip")
    assert "stay on?" in asked and "stay off" not in asked
    tab.select_option("label:has-text('Speed') select", "1 step")
    press("Step")
    reach(1)
    assert tab.inner_text(".tr-tip") == asked
    press("Start")
    reach(30)
    assert "stay off" in tab.inner_text(".tr-tip")
    press("Reset")
    tab.wait_for_function("document.querySelector('.tr-numbers b').textContent === '0'")
    assert tab.inner_text(".tr-tip") == asked


def test_start_waits_for_the_digits(tab: Any, server: str) -> None:
    """On a slow line the worker still has the points when Step and Start are pressed."""
    held: list[Any] = []
    slow = True

    def answer(route: Any) -> None:
        if slow:
            held.append(route)
        else:
            route.continue_()

    tab.route("**/train/digits.bin", answer)
    tab.goto(server + PAGE)
    tab.wait_for_selector(".widget-ready", timeout=PATIENCE)
    tab.click("#train button:text-is('Digits')")
    tab.click("#train button:text-is('Step')")
    tab.click("#train button:text-is('Start')")
    tab.wait_for_timeout(300)
    assert not tab.locator("#train.tr-digits-on").count()
    slow = False
    for route in held:
        route.continue_()
    tab.wait_for_selector("#train.tr-digits-on", timeout=PATIENCE)
    tab.wait_for_function(
        "Number(document.querySelector('.tr-numbers b').textContent) > 4", timeout=PATIENCE
    )
    assert "diverged" not in tab.inner_text("#train > .says")
    assert set(tab.locator(".tr-digits div").all_inner_texts()) <= set("0123456789")
