"""Training in the browser as a person does it: buttons, choices, keyboard, a phone, both themes."""

import re
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest
from playground_tab import FINGERS, settle
from tabs import PATIENCE, Tabs, quiet
from train_reference import USUAL, array, as_targets, errors, trained
from visits import DARK, LIGHT, PHONE, STILL, choose_scheme, measure

TOLERANCE = 1e-4
FIRST = {**USUAL, "hidden": [8], "batch": 32}  # the first preset


def opened(tabs: Tabs, server: str, viewport: dict[str, int], **kind: Any) -> Iterator[Any]:
    """The page when it is ready; at the end it has said nothing amiss."""
    asked: list[str] = []

    def note(request: Any) -> None:
        asked.append(request.url)

    with tabs.lent(viewport, **kind) as tab:
        tab.on("request", note)
        tab.asked = asked
        with quiet(tab):
            tab.goto(f"{server}playground/train/")
            tab.wait_for_selector("#train.widget-ready", timeout=PATIENCE)
            yield tab
        tab.remove_listener("request", note)
        assert all(url.startswith(server) for url in asked)


@pytest.fixture
def desktop(tabs: Tabs, server: str) -> Iterator[Any]:
    yield from opened(tabs, server, {"width": 1280, "height": 900})


@pytest.fixture
def phone(tabs: Tabs, server: str) -> Iterator[Any]:
    yield from opened(tabs, server, PHONE, **FINGERS)


def numbers(tab: Any) -> dict[str, float]:
    """What stands in the bar: step, epoch, losses, accuracy."""
    spans = tab.locator(".tr-numbers > span").all_inner_texts()
    parts = [re.fullmatch(r"(\D+) ([^\s%]+)%?", text.strip()).groups() for text in spans]
    return {name: float(value.replace("−", "-")) for name, value in parts}


def click(tab: Any, name: str) -> None:
    tab.get_by_role("button", name=name, exact=True).click()


def wait_for_step(tab: Any, step: int) -> None:
    says = "(step) => Number(document.querySelector('.tr-numbers b')?.textContent) >= step"
    tab.wait_for_function(says, arg=step, timeout=PATIENCE)


def choose(tab: Any, label: str, value: str) -> None:
    tab.locator(".tr-screen label", has_text=label).locator("select").select_option(value)


def by_hand(tab: Any, server: str, spec: dict[str, Any], steps: int) -> dict[str, Any]:
    """The run of `spec`, which purenn agrees with."""
    found = trained(tab, f"{server}assets/train/", spec, steps)
    assert max(errors(spec, found).values()) < TOLERANCE
    return found


def test_what_stands_on_the_page_is_what_purenn_computes(desktop: Any, server: str) -> None:
    assert numbers(desktop)["step"] == 0
    for step in range(1, 4):
        click(desktop, "Step")
        wait_for_step(desktop, step)
    found = by_hand(desktop, server, FIRST, 3)
    shown = numbers(desktop)
    assert shown["step"] == 3
    assert shown["held out"] == pytest.approx(found["heldLoss"], rel=1e-3)
    assert shown["right"] == pytest.approx(100 * found["heldAccuracy"], abs=0.5)
    dw = [array(layer["w"]) for layer in found["steps"][-1]["grads"]]
    w = [array(layer["w"]) for layer in found["after"]]
    rows = desktop.locator(".tr-table tbody tr").all()
    for row, right_w, right_dw in zip(rows, w, dw, strict=True):
        _, _, shown_w, shown_dw, _ = row.locator("td").all_inner_texts()
        assert float(shown_w) == pytest.approx(np.linalg.norm(right_w), rel=1e-2)
        assert float(shown_dw) == pytest.approx(np.linalg.norm(right_dw), rel=1e-2)


def test_each_choice_reaches_the_run(desktop: Any, server: str) -> None:
    choose(desktop, "Data", "xor")
    click(desktop, "Add layer")
    desktop.get_by_label("Layer 1 units").fill("5")
    desktop.get_by_label("Layer 2 units").fill("3")
    desktop.get_by_label("Seed").fill("4")
    desktop.keyboard.press("Tab")
    choose(desktop, "Activation", "silu")
    choose(desktop, "Optimizer", "momentum")
    choose(desktop, "Batch", "8")
    desktop.get_by_role("slider", name="Noise").focus()
    for _ in range(2):
        desktop.keyboard.press("ArrowRight")
    desktop.get_by_role("slider", name="Rate").focus()
    desktop.keyboard.press("ArrowRight")
    output = desktop.locator(".tr-screen label", has_text="Rate").locator("output")
    rate = float(output.inner_text())
    assert rate == 0.05
    for step in (1, 2):
        click(desktop, "Step")
        wait_for_step(desktop, step)
    spec = {"data": "xor", "noise": 0.2, "seed": 4, "hidden": [5, 3], "activation": "silu"}
    spec |= {"optimizer": "momentum", "rate": rate, "batch": 8}
    found = by_hand(desktop, server, spec, 2)
    assert numbers(desktop)["held out"] == pytest.approx(found["heldLoss"], rel=1e-3)
    assert "Your own choice" in desktop.inner_text(".tr-tip")


def test_a_rate_chosen_while_a_report_is_on_its_way_counts(desktop: Any, server: str) -> None:
    desktop.evaluate("""() => {
      const press = (name) => [...document.querySelectorAll("#train button")]
        .find((button) => button.textContent === name).click();
      press("Reset");
      const slider = document.querySelectorAll(".tr-screen input[type=range]")[1];
      slider.value = Number(slider.value) + 4;
      slider.dispatchEvent(new Event("input"));
      press("Step");
    }""")
    wait_for_step(desktop, 1)
    found = by_hand(desktop, server, FIRST | {"rate": 0.3}, 1)
    assert numbers(desktop)["held out"] == pytest.approx(found["heldLoss"], rel=1e-3)


def test_start_pause_and_reset(desktop: Any) -> None:
    before = numbers(desktop)
    click(desktop, "Start")
    wait_for_step(desktop, 100)
    click(desktop, "Pause")
    desktop.wait_for_timeout(300)
    after = numbers(desktop)
    assert after["loss"] < before["loss"]
    desktop.wait_for_timeout(300)
    assert numbers(desktop) == after
    assert f"After {after['step']:.0f} steps" in desktop.inner_text("#train .says")
    curve = desktop.get_attribute("polyline.tr-train", "points").split()
    assert len(curve) > 5
    click(desktop, "Reset")
    desktop.wait_for_function("document.querySelector('.tr-numbers b').textContent === '0'")
    assert numbers(desktop) == before


def test_a_run_that_diverges_says_so(desktop: Any) -> None:
    choose(desktop, "Activation", "relu")
    for _ in range(3):
        click(desktop, "Add layer")
    choose(desktop, "Optimizer", "sgd")
    desktop.get_by_role("slider", name="Rate").focus()
    desktop.keyboard.press("End")
    click(desktop, "Start")
    desktop.wait_for_function(
        "() => /NaN|∞/.test(document.querySelectorAll('.tr-numbers > span')[2].textContent)"
        " || Number(document.querySelector('.tr-numbers b').textContent) >= 500",
        timeout=PATIENCE,
    )
    loss = desktop.locator(".tr-numbers > span").nth(2).inner_text()
    assert "NaN" in loss or "∞" in loss or numbers(desktop)["loss"] > 0.3


def test_the_keyboard_walks_over_the_units(desktop: Any) -> None:
    title = desktop.locator(".tr-right .tr-title").first
    desktop.locator(".tr-column button").first.focus()
    assert title.inner_text() == "Input x1"
    for key, name in [
        ("ArrowDown", "Input x2"),
        ("ArrowRight", "Layer 1, unit 2"),
        ("ArrowDown", "Layer 1, unit 3"),
        ("ArrowUp", "Layer 1, unit 2"),
        ("ArrowRight", "The output of the network"),
    ]:
        desktop.keyboard.press(key)
        assert title.inner_text() == name
    assert desktop.locator(".tr-column button[tabindex='0']").count() == 1


def test_the_plane_reads_out_the_logit(desktop: Any, server: str) -> None:
    """At the place under the pointer, for the untrained network."""
    canvas = desktop.locator(".tr-plane")
    box = canvas.bounding_box()
    canvas.hover(position={"x": 0.75 * box["width"], "y": 0.25 * box["height"]})
    text = desktop.inner_text(".tr-readout")
    assert text.startswith("x1 = 1.5, x2 = 1.5")
    found = trained(desktop, f"{server}assets/train/", FIRST, 0)
    (w1, w2), (b1, b2) = zip(
        *[(array(p["w"]), array(p["b"])) for p in found["before"]], strict=True
    )
    x = np.array([1.5, 1.5])
    z = np.tanh(x @ w1.reshape(2, 8) + b1) @ w2 + b2[0]
    shown = float(re.search(r"z = (\S+),", text)[1].replace("−", "-"))
    assert shown == pytest.approx(z, abs=0.1)  # of the nearest of 80 × 80 places


def test_digits_are_fetched_when_chosen_and_then_read(desktop: Any, server: str) -> None:
    assert not any("digits.bin" in url for url in desktop.asked)
    click(desktop, "Digits")
    desktop.wait_for_selector("#train.tr-digits-on", timeout=PATIENCE)
    assert any("digits.bin" in url for url in desktop.asked)
    click(desktop, "Start")
    wait_for_step(desktop, 20)
    click(desktop, "Pause")
    desktop.wait_for_timeout(500)
    shown = numbers(desktop)
    assert shown["right"] > 50
    guesses = desktop.locator(".tr-digits div").all()
    found = trained(desktop, f"{server}assets/train/", {**FIRST, "data": "digits"}, 0)
    wrong = 0
    for cell, label in zip(guesses, found["heldTargets"], strict=False):
        framed = "tr-wrong" in (cell.get_attribute("class") or "")
        assert framed == (int(cell.inner_text()) != label)
        wrong += framed
    assert f"{40 - wrong} of them" in desktop.get_attribute(".tr-digits", "aria-label")


PRESETS = ["First try", "No hidden layer", "No activations", "Dying ReLU", "Digits"]


def test_the_python_of_a_choice_runs(desktop: Any, server: str) -> None:
    desktop.locator(".tr-python summary").click()
    for preset in PRESETS:
        click(desktop, preset)
        digits = preset == "Digits"
        wanted = "softmax" if digits else "sigmoid_binary"
        desktop.wait_for_function(
            "(text) => document.querySelector('.tr-python code').textContent.includes(text)",
            arg=wanted,
        )
        code = desktop.inner_text(".tr-python code")
        assert ("mlp((), 1" in code) == (preset == "No hidden layer")
        code, count = re.subn(r"epochs=\d+", "epochs=1, progress=False", code)
        assert count == 1
        spec = {**FIRST, "data": "digits" if digits else "xor", "batch": 10**6}
        found = trained(desktop, f"{server}assets/train/", spec, 1)
        shape = (-1, 28, 28) if digits else (-1, 2)
        x, held = (array(text, shape) for text in (found["steps"][0]["x"], found["heldX"]))
        scope = {"x": x.astype(np.float32), "x_held": held.astype(np.float32)}
        if digits:
            scope = {name: np.rint(255 * value).astype(np.uint8) for name, value in scope.items()}
        targets = as_targets(spec, found["steps"][0]["targets"])
        scope["targets"] = targets if digits else targets.astype(np.float32)
        targets = as_targets(spec, found["heldTargets"])
        scope["targets_held"] = targets if digits else targets.astype(np.float32)
        exec(code, scope)  # of this project
        assert np.isfinite(scope["history"][0].validation_loss)
        hidden = re.search(r"mlp\(\((.*?)\)", code)[1]
        leaves = jax.tree.leaves(scope["train_state"].params)
        assert len(leaves) == 2 * (1 + len(re.findall(r"\d+", hidden)))


@pytest.mark.parametrize("preset", ["The spiral", "Digits"])
def test_it_can_be_read_in_both_themes_and_on_a_phone(
    preset: str, desktop: Any, phone: Any
) -> None:
    for tab in (desktop, phone):
        tab.add_style_tag(content=STILL)
        if tab is phone:
            tab.select_option(".tr-ideas select", preset)
        else:
            click(tab, preset)
        if preset == "Digits":
            tab.wait_for_selector("#train.tr-digits-on", timeout=PATIENCE)
        settle(tab)
        click(tab, "Step")
        wait_for_step(tab, 1)
        assert measure(tab, "overflow") == []
        assert measure(tab, "nameless") + measure(tab, "namelessDrawings") == []
        for scheme in (DARK, LIGHT):
            assert choose_scheme(tab, scheme)
            settle(tab)
            assert measure(tab, "contrast") == []


def test_an_idea_is_chosen_with_buttons_or_on_a_phone_from_a_list(desktop: Any, phone: Any) -> None:
    assert desktop.locator(".tr-presets button:visible").count() == 11
    assert not desktop.is_visible(".tr-ideas")
    assert phone.locator(".tr-presets button:visible").count() == 0
    ideas = phone.locator(".tr-ideas select")
    ideas.select_option("No hidden layer")
    assert "no hidden layer" in phone.inner_text(".tr-now")
    phone.click(".tr-controls summary")
    choose(phone, "Activation", "relu")
    assert ideas.input_value() == "Your own choice"


def test_the_curves_have_names_once_there_are_curves(desktop: Any) -> None:
    curve = desktop.locator("svg[aria-label^='Loss after']")
    assert "held out" not in curve.text_content() and 'Press "Start"' in curve.text_content()
    click(desktop, "Step")
    wait_for_step(desktop, 1)
    assert "held out" in curve.text_content() and 'Press "Start"' not in curve.text_content()


def test_fingers_start_it_too(phone: Any) -> None:
    phone.get_by_role("button", name="Start", exact=True).tap()
    wait_for_step(phone, 10)
    phone.get_by_role("button", name="Pause", exact=True).tap()
