"""The page where a transformer writes, as a person uses it: mouse, keyboard, a phone."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import language_reference
import pytest
from language_writing import Writer
from playground_tab import settle
from sitetools import language
from visits import DARK, LIGHT, STILL, choose_scheme, measure

PAGE = "playground/language/"


@pytest.fixture(scope="module")
def networks(site: Path) -> dict[str, Any]:
    return language_reference.networks(site)


@pytest.fixture(params=["desktop", "phone"])
def tab_of(request: pytest.FixtureRequest, browser: Any, server: str) -> Iterator[Any]:
    """The page, ready; at the end it has said nothing amiss."""
    phone = request.param == "phone"
    size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
    context = browser.new_context(viewport=size, has_touch=phone, is_mobile=phone)
    tab, faults = context.new_page(), []
    tab.on("console", lambda message: faults.append(f"{message.type}: {message.text}"))
    tab.on("pageerror", lambda error: faults.append(f"error: {error}"))
    tab.goto(server + PAGE)
    tab.wait_for_selector(".widget-ready", timeout=20_000)
    yield tab
    context.close()
    assert faults == []


def press(tab: Any, name: str) -> None:
    tab.locator(f"#writer button:text-is('{name}')").click()


def text_of(tab: Any) -> str:
    return "".join(tab.locator(".lm-text > *").all_inner_texts())


def loss_of(tab: Any) -> float:
    return float(tab.inner_text("#lm-target .says").split("= ")[-1].replace("−", "-"))


def test_it_shows_a_text_and_its_attention_at_once(tab_of: Any) -> None:
    assert text_of(tab_of).startswith("The␣ship?")
    assert tab_of.locator(".lm-text [aria-checked=true]").count() == 1
    assert tab_of.locator(".lm-thumbs button").count() == 8
    assert tab_of.locator(".lm-bars button").count() == 9


def test_it_writes_and_pauses(tab_of: Any) -> None:
    before = text_of(tab_of)
    press(tab_of, "One character")
    assert len(text_of(tab_of)) == len(before) + 1
    tab_of.fill(".lm-prompt input", "whale ")
    tab_of.press(".lm-prompt input", "Enter")
    tab_of.wait_for_function("document.querySelectorAll('.lm-text [role=radio]').length > 15")
    press(tab_of, "Pause")
    written = text_of(tab_of)
    assert written.startswith("whale␣")
    tab_of.locator(".lm-bars button").first.click()
    assert len(text_of(tab_of)) == len(written) + 1


def test_at_temperature_0_it_writes_the_likeliest(tab_of: Any, site: Path, networks: Any) -> None:
    network = networks["moby-dick"]
    options = language.options_of(False)
    params = language_reference.params_of(site, network)
    writer = Writer(language.model_of(options, network["characters"]), 64, 0, None)
    prompt = "the white "
    tokens = language_reference.tokens_of(network, prompt)
    state = language.empty(options, network["characters"])[1]
    written = writer.write((params, state), jax.random.key(0), tokens, 20)
    tab_of.fill(".lm-prompt input", prompt)
    tab_of.locator("#lm-controls input[type=range]").fill("0")
    for _ in range(20):
        press(tab_of, "One character")
    right = prompt + "".join(network["characters"][token] for token in written)
    assert text_of(tab_of) == right.replace(" ", "␣").replace("\n", "↵")


def test_steps_make_the_character_likelier_and_can_be_undone(tab_of: Any) -> None:
    before = loss_of(tab_of)
    press(tab_of, "One step")
    assert loss_of(tab_of) < before
    press(tab_of, "Undo")
    assert loss_of(tab_of) == before
    press(tab_of, "Ten steps")
    assert loss_of(tab_of) < 0.5 * before
    press(tab_of, "Reset weights")
    assert loss_of(tab_of) == before
    assert tab_of.is_disabled("button:text-is('Undo')")


def test_the_keyboard_is_enough(tab_of: Any) -> None:
    chosen = ".lm-text [aria-checked=true]"
    tab_of.focus(chosen)
    position = int(tab_of.get_attribute(chosen, "data-position"))
    tab_of.keyboard.press("ArrowLeft")
    assert int(tab_of.get_attribute(chosen, "data-position")) == position - 1
    tab_of.focus("#lm-attention .lm-cells")
    tab_of.keyboard.press("ArrowUp")
    readout = tab_of.locator("#lm-attention .lm-readout")
    assert f"at {position - 1} looks at" in readout.inner_text()
    assert tab_of.locator(".lm-query.lm-key").count() == 1
    tab_of.keyboard.press("ArrowLeft")
    assert tab_of.locator(".lm-query, .lm-key").count() == 2


def test_numbers_and_sums_are_read_out(tab_of: Any) -> None:
    """In every stage, of every picture; a sum of two or three numbers is right."""
    up, down = tab_of.locator(".lm-stage-head button").all()
    while up.is_enabled():
        up.click()
    seen = set()
    last = False
    while not last:
        for picture in tab_of.locator("#lm-backward .lm-heatmap").all():
            picture.locator(".lm-cells").focus()
            for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
                tab_of.keyboard.press(key)
            said = picture.locator(".lm-readout").inner_text()
            assert re.search(r"\d", said) and "NaN" not in said and "undefined" not in said, said
            seen.add(picture.locator("b").inner_text())
            check_sum(said)
        last = down.is_disabled()
        if not last:
            down.click()
    assert {"dz", "dw", "dx", "da", "dh", "dP", "dS", "dQ", "dK", "dV", "‖dw‖"} <= seen


def check_sum(said: str) -> None:
    """a = b · (c − d), dy + … = a + b: as far as four digits tell."""
    if "p − y" in said or "‖" in said:
        return
    *_, value, terms = ["", *said.replace("−", "-").split(" = ")]
    if re.fullmatch(r"[-+*() .\de]+", arithmetic := terms.replace("·", "*")):
        number = re.findall(r"-?[\d.]+(?:e-?\d+)?", value)[-1] if "dy +" not in value else None
        found = eval(arithmetic)
        if number is None:
            number = re.findall(r"-?[\d.]+(?:e-?\d+)?", said.replace("−", "-").split(": ")[1])[0]
        sizes = [abs(float(n)) for n in re.findall(r"[\d.]+(?:e-?\d+)?", arithmetic)]
        assert abs(found - float(number)) <= 0.06 * max(abs(float(number)), 1e-9) + 2e-3 * max(
            sizes
        ), said


def test_names_end_and_begin_anew(tab_of: Any) -> None:
    tab_of.select_option("#lm-controls select", "First names")
    tab_of.wait_for_function(
        "document.querySelector('.lm-text').textContent.includes('↵gabriella')"
    )
    press(tab_of, "Write")
    tab_of.wait_for_function(
        "document.querySelector('.lm-invented').textContent.includes(',')", timeout=60_000
    )
    press(tab_of, "Pause")


def test_the_page_in_use_is_named_and_legible_and_fits(tab_of: Any) -> None:
    tab_of.add_style_tag(content=STILL)
    faults = []
    press(tab_of, "One step")
    tab_of.focus("#lm-attention .lm-cells")
    tab_of.keyboard.press("ArrowUp")
    for scheme in (LIGHT, DARK):
        assert choose_scheme(tab_of, scheme)
        settle(tab_of)
        for asked in ("nameless", "namelessDrawings", "overflow", "contrast"):
            faults += measure(tab_of, asked)
    assert faults == []


def test_what_cannot_be_loaded_is_said(browser: Any, server: str) -> None:
    tab = browser.new_page()
    tab.route("**/language/manifest.json", lambda route: route.fulfill(status=404, body="gone"))
    tab.goto(server + PAGE)
    tab.wait_for_function("document.querySelector('#lm-text').textContent.includes('could not')")
    assert "manifest.json: 404" in tab.inner_text("#lm-text")
    tab.close()
