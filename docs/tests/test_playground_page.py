"""The playground as a person uses it: mouse, touch, keyboard, a phone."""

from collections.abc import Iterator
from typing import Any

import pytest
from playground_tab import (
    FINGERS,
    at,
    draw_with_finger,
    draw_with_mouse,
    ink,
    opened,
    probability,
    read,
    settle,
)
from tabs import PATIENCE, Tabs
from visits import DARK, LIGHT, PHONE, STILL, choose_scheme, measure

WIDE = {"width": 1280, "height": 900}
# Points of a stroke, in parts of the pad's side.
ONE = [(0.5, 0.15), (0.5, 0.85)]
SEVEN = [(0.3, 0.2), (0.7, 0.2), (0.45, 0.85)]


@pytest.fixture(params=["mouse", "phone"])
def page_of(request: pytest.FixtureRequest, tabs: Tabs, server: str) -> Iterator[Any]:
    """The page, ready, on a desktop and on a phone; at the end it has said nothing amiss."""
    if request.param == "phone":
        yield from opened(tabs, server, PHONE, **FINGERS)
    else:
        yield from opened(tabs, server, WIDE)


@pytest.fixture
def desktop(tabs: Tabs, server: str) -> Iterator[Any]:
    yield from opened(tabs, server, WIDE)


@pytest.fixture
def blank(page_of: Any) -> Any:
    """The page with nothing on the pad."""
    page_of.click("#pg-clear")
    settle(page_of)
    return page_of


@pytest.fixture
def sheet(desktop: Any) -> Any:
    """The same, on a desktop alone."""
    desktop.click("#pg-clear")
    settle(desktop)
    return desktop


def says(tab: Any) -> str:
    return tab.inner_text("#pg-says")


def probabilities(tab: Any) -> list[str]:
    return tab.locator("#pg-bars .pg-number").all_inner_texts()


def losses(tab: Any) -> list[float]:
    """The heights of the curve's points, downwards: a lower loss is a larger number."""
    points = tab.get_attribute("#pg-loss polyline", "points").split()
    return [float(point.split(",")[1]) for point in points]


def test_a_digit_is_drawn_and_read_at_once(page_of: Any) -> None:
    assert ink(page_of) > 0
    assert says(page_of).startswith("The network reads 7")
    assert probability(probabilities(page_of)[7]) > 0.9
    assert page_of.is_visible("#pg-net canvas")
    assert "A2 = softmax(Z2)" in page_of.inner_text("#pg-formula")
    assert "A2[7]" in page_of.inner_text("#pg-sum")


def test_a_blank_canvas_says_so(sheet: Any) -> None:
    tint = "data.filter((v, i) => i % 4 === 0 && i / 4 % canvas.width > 0.4 * canvas.width"
    tint += (
        " && Math.max(v, data[i + 1], data[i + 2]) - Math.min(v, data[i + 1], data[i + 2]) > 20)"
    )
    assert read(sheet, "#pg-net canvas", f"{tint}.length") > 500, "what the biases alone give"
    box = sheet.locator(".pg-sum").bounding_box()
    assert box["height"] < 120, "it is as high as its words"
    assert "blank" in says(sheet)
    assert set(probabilities(sheet)) == {"–"}
    assert sheet.is_disabled("#pg-one")
    draw_with_mouse(sheet, ONE)
    assert "blank" not in says(sheet)
    sheet.click("#pg-clear")
    settle(sheet)
    assert "blank" in says(sheet)
    assert set(probabilities(sheet)) == {"–"}
    sheet.click("#pg-details summary")
    settle(sheet)
    assert not sheet.is_visible("#pg-forward")


def test_a_drawing_is_read(blank: Any) -> None:
    phone = blank.viewport_size["width"] < 500
    draw = draw_with_finger if phone else draw_with_mouse
    before = blank.evaluate("scrollY") if not phone else None
    draw(blank, ONE)
    assert says(blank).startswith("The network reads 1")
    first = ink(blank)
    numbers = [probability(text) for text in probabilities(blank)]
    assert abs(sum(numbers) - 1) < 0.01
    assert numbers[1] > 0.6
    draw(blank, [(0.2, 0.5), (0.8, 0.5)])
    both = ink(blank)
    assert both > 1.5 * first
    blank.click("#pg-undo")
    settle(blank)
    assert ink(blank) == first
    blank.click("#pg-undo")
    settle(blank)
    assert "blank" in says(blank)
    assert ink(blank) == 0
    assert before is None or blank.evaluate("scrollY") == before


def test_a_finger_draws_and_does_not_scroll(tabs: Tabs, server: str) -> None:
    for tab in opened(tabs, server, PHONE, **FINGERS):
        tab.click("#pg-clear")
        at(tab, ONE)
        before = tab.evaluate("scrollY")
        draw_with_finger(tab, [(0.5, 0.85), (0.5, 0.15)])
        assert tab.evaluate("scrollY") == before
        assert ink(tab) > 0


def test_a_stroke_ends_outside_the_pad_too(sheet: Any) -> None:
    draw_with_mouse(sheet, [(0.5, 0.5), (0.5, 1.2)])
    drawn = ink(sheet)
    sheet.mouse.move(*at(sheet, [(0.1, 0.1)])[0], steps=5)  # the button is up
    settle(sheet)
    assert ink(sheet) == drawn > 0


def test_undo_takes_a_clear_back(sheet: Any) -> None:
    draw_with_mouse(sheet, SEVEN)
    drawn = ink(sheet)
    sheet.click("#pg-clear")
    sheet.click("#pg-undo")
    settle(sheet)
    assert ink(sheet) == drawn


def test_test_digits_are_read_with_their_labels(desktop: Any) -> None:
    for _ in range(3):
        desktop.click("#pg-load")
        settle(desktop)
        label = says(desktop).split("labeled ")[1].rstrip(".")
        assert says(desktop).startswith(f"The network reads {label}")
        assert desktop.is_checked(f"#pg-labels input[value='{label}']")
    buttons = desktop.locator("#pg-others button")
    assert buttons.count() == 20
    buttons.nth(19).click()
    settle(desktop)
    assert "labeled 8" in says(desktop)


@pytest.mark.parametrize("network", ["784-128-10", "784-16-16-10"])
def test_steps_lower_the_loss_and_reset_restores(network: str, desktop: Any) -> None:
    desktop.select_option("#pg-network", network)
    layers = network.count("-")
    desktop.wait_for_selector(f".pg-stage >> nth={5 * layers + 1}")
    desktop.click("#pg-clear")
    draw_with_mouse(desktop, SEVEN)
    fresh = probabilities(desktop)
    desktop.check("#pg-labels input[value='4']", force=True)
    settle(desktop)
    start = losses(desktop)
    assert len(start) == 1
    assert not desktop.is_visible("#pg-loss")
    desktop.click("#pg-one")
    settle(desktop)
    after_one = losses(desktop)
    assert len(after_one) == 2
    assert desktop.is_visible("#pg-loss")
    assert after_one[1] > after_one[0]
    desktop.click("#pg-ten")
    settle(desktop)
    assert len(losses(desktop)) == 12
    assert losses(desktop)[-1] > losses(desktop)[1]
    assert probabilities(desktop) != fresh
    assert probability(probabilities(desktop)[4]) > probability(fresh[4])
    assert "11 steps" in desktop.inner_text("#pg-step-says")
    desktop.click("#pg-reset")
    settle(desktop)
    assert probabilities(desktop) == fresh
    assert len(losses(desktop)) == 1


def test_the_keyboard_is_enough(desktop: Any) -> None:
    desktop.focus("#pg-load")
    desktop.keyboard.press("Enter")
    settle(desktop)
    assert "labeled 2" in says(desktop)
    desktop.keyboard.press("3")
    settle(desktop)
    assert desktop.is_checked("#pg-labels input[value='3']")
    assert "A2[3]" in desktop.inner_text("#pg-formula")
    desktop.focus("#pg-scrubber input")
    desktop.keyboard.press("ArrowRight")
    settle(desktop)
    assert "dZ2 = A2 − Y" in desktop.inner_text("#pg-formula")
    desktop.keyboard.press("Tab")
    assert desktop.evaluate("document.activeElement.id") == "pg-net"
    first = desktop.inner_text("#pg-sum")
    desktop.keyboard.press("ArrowDown")
    settle(desktop)
    assert "dZ2[4]" in desktop.inner_text("#pg-sum") != first
    desktop.keyboard.press("Escape")
    settle(desktop)
    assert desktop.inner_text("#pg-sum") == first
    desktop.focus("#pg-rate")
    before = desktop.inner_text("#pg-rate-says")
    desktop.keyboard.press("ArrowRight")
    assert desktop.inner_text("#pg-rate-says") != before
    desktop.focus("#pg-one")
    desktop.keyboard.press("Space")
    settle(desktop)
    assert len(losses(desktop)) == 2
    outline = "() => getComputedStyle(document.activeElement).outlineStyle"
    assert desktop.evaluate(outline) != "none"
    desktop.focus("#pg-labels input[value='3']")
    desktop.keyboard.press("ArrowRight")
    settle(desktop)
    assert desktop.is_checked("#pg-labels input[value='4']")


def test_a_field_takes_its_own_digits(desktop: Any) -> None:
    desktop.click("#pg-details summary")
    desktop.fill(".pg-unit", "")
    desktop.type(".pg-unit", "5")
    desktop.keyboard.press("Tab")
    settle(desktop)
    assert desktop.is_checked("#pg-labels input[value='9']")
    assert "Unit 5" in desktop.inner_text("#pg-forward .pg-says")


def test_a_chosen_unit_is_chosen_everywhere(desktop: Any) -> None:
    desktop.click("#pg-details summary")
    settle(desktop)
    pictures = desktop.locator("canvas.pg-choose")
    assert pictures.count() == 5  # Z1, A1, dA1, dZ1, dW1
    pictures.nth(4).click(position={"x": 8, "y": 8})
    settle(desktop)
    assert desktop.input_value(".pg-unit") == "0"
    assert desktop.inner_text("#pg-forward .pg-says").startswith("Unit 0:")
    assert desktop.inner_text("#pg-backward .pg-says").startswith("Unit 0 was")
    assert "A1[0]" in desktop.inner_text("#pg-sum")


def test_the_filled_page_is_named_and_legible_and_fits(page_of: Any) -> None:
    """What test_browser.py asks of the blank page, with all the pictures and numbers there."""
    page_of.add_style_tag(content=STILL)
    faults = []
    for network in ("784-16-16-10", "784-128-10"):
        page_of.select_option("#pg-network", network)
        page_of.evaluate("document.querySelector('#pg-details').open = true")
        page_of.click("#pg-load")
        page_of.click("#pg-one")
        page_of.wait_for_selector("#pg-backward canvas")
        for scheme in (LIGHT, DARK):
            assert choose_scheme(page_of, scheme)
            settle(page_of)
            for asked in ("nameless", "namelessDrawings", "overflow", "contrast"):
                faults += measure(page_of, asked)
    assert faults == []


def test_the_pictures_follow_light_and_dark(desktop: Any) -> None:
    corner = "[0, 1, 2].map((i) => data[4 * (canvas.width * 110 + 40) + i])"  # paper, in X
    settle(desktop)
    light = read(desktop, "#pg-net canvas", corner)
    desktop.evaluate("document.body.setAttribute('data-md-color-scheme', 'slate')")
    settle(desktop)
    dark = read(desktop, "#pg-net canvas", corner)
    assert sum(light) > 3 * 200
    assert sum(dark) < 3 * 60


def test_what_happens_before_the_weights_are_there_does_no_harm(browser: Any, server: str) -> None:
    """On a slow line a person changes the theme, or draws, at once."""
    context = browser.new_context(viewport=WIDE)
    tab = context.new_page()
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    held: list[Any] = []
    tab.route("**/*10.bin", lambda route: held.append(route))
    tab.goto(f"{server}playground/")
    tab.wait_for_selector("#pg-network option", state="attached")
    assert measure(tab, "nameless") == []
    choose_scheme(tab, DARK)
    draw_with_mouse(tab, ONE)
    assert held and tab.locator(".pg-ready").count() == 0
    for route in held:
        route.continue_()
    tab.wait_for_selector(".pg-ready", timeout=PATIENCE)
    settle(tab)
    assert says(tab).startswith("The network reads 1")
    assert errors == []
    context.close()
