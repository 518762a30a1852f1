"""The network on the first page that reads a digit: its numbers are purenn's."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from playground_reference import TEST, params_of
from sitetools import playground
from tabs import PATIENCE, Tabs
from visits import DESKTOP, PHONE, Traffic

import purenn as pn

TOLERANCE = 1e-4
HIDDEN = (16, 16)
READ = (
    "() => [...document.querySelectorAll('[data-widget=digit] i')]"
    ".map(bar => 'probability' in bar.dataset ? Number(bar.dataset.probability) : null)"
)
LENGTHS = (
    "() => [...document.querySelectorAll('[data-widget=digit] i')]"
    ".map(bar => bar.getBoundingClientRect().width)"
)


@pytest.fixture
def tab(tabs: Tabs, server: str) -> Iterator[Any]:
    """The first page, which says and asks for nothing wrong."""
    with tabs.lent(DESKTOP) as tab:
        traffic = Traffic(server).watch(tab)
        tab.goto(server)
        tab.wait_for_selector("[data-widget=digit].widget-ready", timeout=PATIENCE)
        yield tab
        traffic.leave(tab)
        assert not traffic.faults


@pytest.fixture(scope="module")
def expected(site: Path) -> np.ndarray:
    """purenn's probabilities of the first test digits, with the parameters of the site."""
    params = params_of(site, HIDDEN)
    model, state = playground.model_of(HIDDEN), tuple(() for _ in params)
    logits, _ = jax.jit(model.apply)(params, state, TEST.x[:100])
    return np.asarray(pn.softmax(logits))


def digits_of(tab: Any) -> list[int]:
    """Where the digits of the button are in the test set."""
    manifest = tab.evaluate("async () => (await fetch('assets/playground/manifest.json')).json()")
    return manifest["digits"]["indices"]


def test_the_bars_are_purenn_s_probabilities(tab, expected, record_property):
    """Those of the digit that is there at first, and of each that the button shows, by keyboard."""
    indices = digits_of(tab)
    _, worst = nearest(tab, expected[indices])
    tab.get_by_role("button", name="Try a test digit").focus()
    seen = []
    for _ in indices:
        tab.keyboard.press("Enter")
        which, error = nearest(tab, expected[indices])
        worst = max(worst, error)
        seen.append(which)
        guess = int(np.argmax(tab.evaluate(READ)))
        assert guess == int(np.argmax(expected[indices[which]]))
        verdict = "right" if guess == TEST.y[indices[which]] else "wrong"
        assert spoken(tab).startswith(f"It reads {guess}, with a probability")
        assert verdict in spoken(tab)
    assert sorted(seen) == list(range(len(indices))), "each digit has its turn"
    assert worst < TOLERANCE
    record_property("figure", f"{worst:.1e}, the worst of {len(indices)} digits")


def nearest(tab: Any, expected: np.ndarray) -> tuple[int, float]:
    """Of which row the bars on the page are, and how far they are from it."""
    found = np.array(tab.evaluate(READ), float)
    assert found.shape == (10,)
    distances = np.abs(expected - found).max(axis=1)
    return int(np.argmin(distances)), float(distances.min())


def spoken(tab: Any) -> str:
    return tab.locator("[data-widget=digit] [role=status]").inner_text()


def test_a_wrong_network_would_be_found(tab, expected):
    """The probabilities of another digit are farther away than the tolerance."""
    assert nearest(tab, expected[digits_of(tab)[:3]])[1] > TOLERANCE


def test_the_lengths_are_the_numbers(tab):
    lengths, numbers = np.array(tab.evaluate(LENGTHS)), np.array(tab.evaluate(READ), float)
    full = lengths.max() / numbers.max()
    np.testing.assert_allclose(lengths, full * numbers, atol=0.02)


def test_it_reads_while_a_mouse_draws(tab):
    """A vertical line is a 1, and the bars move before the mouse is let go."""
    tab.locator(".widget").get_by_role("button", name="Clear").click()
    assert tab.evaluate(READ) == [None] * 10
    first, *rest = points(tab, [(0.55, 0.15), (0.5, 0.5), (0.45, 0.85)])
    tab.mouse.move(*first)
    tab.mouse.down()
    frames = []
    for point in rest:
        tab.mouse.move(*point, steps=8)
        tab.wait_for_timeout(50)
        frames.append(tab.evaluate(READ))
    tab.mouse.up()
    assert frames[0] != frames[1], "it does not wait for the end of the stroke"
    assert int(np.argmax(tab.evaluate(READ))) == 1
    assert "It reads 1" in spoken(tab)


def test_a_stroke_on_a_test_digit_begins_a_new_one(tab):
    before = tab.evaluate(READ)
    (point,) = points(tab, [(0.5, 0.5)])
    tab.mouse.click(*point)
    after = tab.evaluate(READ)
    assert before != after
    assert "right" not in spoken(tab) and "wrong" not in spoken(tab), "a drawing has no label"


def test_a_finger_draws_and_does_not_scroll_the_page(browser, server):
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    tab = context.new_page()
    tab.goto(server)
    tab.wait_for_selector("[data-widget=digit].widget-ready", timeout=PATIENCE)
    tab.locator(".widget").get_by_role("button", name="Clear").tap()
    way = points(tab, [(0.5, 0.15), (0.5, 0.85)])
    scrolled = tab.evaluate("scrollY")
    client = context.new_cdp_session(tab)
    touch(client, "touchStart", way[:1])
    for (x, y), (to_x, to_y) in pairwise(way):
        for i in range(1, 9):
            touch(client, "touchMove", [(x + (to_x - x) * i / 8, y + (to_y - y) * i / 8)])
    touch(client, "touchEnd", [])
    tab.wait_for_function("document.querySelector('[data-widget=digit] i').dataset.probability")
    assert int(np.argmax(tab.evaluate(READ))) == 1
    assert tab.evaluate("scrollY") == scrolled
    context.close()


def touch(client: Any, kind: str, places: list[tuple[float, float]]) -> None:
    touches = [{"x": x, "y": y} for x, y in places]
    client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


def points(tab: Any, parts: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Parts of the pad as places in the window."""
    pad = tab.locator("[data-widget=digit] canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in parts]
