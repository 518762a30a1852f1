"""The playground's screen: that it is one, its stages, its sums, and faults it once had."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playground_reference import NETWORKS, TEST, name_of, params_of, purenn_values
from playground_tab import opened, opened_in, settle
from tabs import Tabs
from test_playground import as_text
from visits import DESKTOP

SUMS = (Path(__file__).parent / "playground_sums.js").read_text()
BOXES = """() => Object.fromEntries(
  [...document.querySelectorAll(".pg-screen :is(canvas, p, button, svg, input[type=range], table)")]
    .filter((e) => !e.closest(".pg-hidden") && e.checkVisibility() && e.offsetParent !== undefined)
    .map((e, i) => [`${i} ${e.tagName} ${e.id}`, e.getBoundingClientRect().toJSON()])
    .filter(([, box]) => box.width > 1))"""


@pytest.fixture
def desktop(tabs: Tabs, server: str) -> Iterator[Any]:
    yield from opened(tabs, server, DESKTOP)


def use(tab: Any, network: str) -> int:
    """Switch to a network; how many stages it has."""
    count = 5 * network.count("-") + 2
    tab.select_option("#pg-network", network)
    tab.wait_for_function(
        "count => document.querySelectorAll('.pg-stage').length === count", arg=count
    )
    settle(tab)
    return count


def go(tab: Any, stage: int) -> None:
    tab.locator(".pg-stage").nth(stage).click()
    settle(tab)


@pytest.mark.parametrize("network", ["784-128-10", "784-16-16-10"])
def test_all_is_seen_without_scrolling(network: str, desktop: Any) -> None:
    count = use(desktop, network)
    desktop.check("#pg-labels input[value='3']", force=True)
    for stage in range(count):
        go(desktop, stage)
        boxes = desktop.evaluate(BOXES)
        assert len(boxes) > 15
        outside = {
            name: box
            for name, box in boxes.items()
            if box["bottom"] > 800 or box["top"] < 90 or box["right"] > 1280 or box["left"] < 0
        }
        assert outside == {}
        assert desktop.evaluate("scrollY") == 0
        for part in (".pg-sum", ".pg-told", ".pg-draw"):
            hidden = f"(e => e.scrollHeight - e.clientHeight)(document.querySelector('{part}'))"
            assert desktop.evaluate(hidden) <= 1, f"{part} at stage {stage}"


@pytest.mark.parametrize("network", ["784-128-10", "784-16-16-10"])
def test_the_scrubber_runs_through_every_stage(network: str, desktop: Any) -> None:
    count = use(desktop, network)
    desktop.check("#pg-labels input[value='3']", force=True)
    settle(desktop)
    depth = network.count("-")
    forward = [f"{symbol}{n}" for n in range(1, depth + 1) for symbol in ("Z", "A")]
    backward = [f"{symbol}{n}" for n in range(depth, 0, -1) for symbol in ("dA", "dZ", "dW")]
    symbols = desktop.locator(".pg-stage").all_inner_texts()
    assert symbols == ["X", *forward, "loss", *backward[1:], "step"]
    desktop.focus("#pg-scrubber input")
    desktop.keyboard.press("Home")
    seen = []
    for stage in range(count):
        settle(desktop)
        formula = desktop.inner_text("#pg-formula")
        assert formula.startswith("W −" if stage == count - 1 else symbols[stage])
        way = desktop.get_attribute("#pg-told", "data-direction")
        assert way == (
            "forward" if stage <= 2 * depth else "backward" if symbols[stage][0] == "d" else ""
        )
        seen.append((formula, desktop.inner_text("#pg-words"), desktop.inner_text("#pg-sum")))
        assert len(seen[-1][1]) > 40
        desktop.keyboard.press("ArrowRight")
    assert len(set(seen)) == count
    assert desktop.input_value("#pg-scrubber input") == str(count - 1)


@pytest.fixture
def of_its_own(browser: Any, server: str) -> Iterator[Any]:
    """The same in a context that no other test sees."""
    context = browser.new_context(viewport=DESKTOP)
    yield from opened_in(context.new_page(), server)
    context.close()


def test_the_play_button_moves_on_and_pauses(of_its_own: Any) -> None:
    desktop = of_its_own
    desktop.clock.install()
    go(desktop, 0)
    play = desktop.locator(".pg-play")
    play.click()
    assert play.get_attribute("aria-label") == "Pause"
    desktop.clock.run_for(8000)
    reached = int(desktop.input_value("#pg-scrubber input"))
    assert reached >= 2
    play.click()
    desktop.clock.run_for(8000)
    assert int(desktop.input_value("#pg-scrubber input")) == reached
    assert play.get_attribute("aria-label").startswith("Play")


def test_without_a_label_there_is_no_loss(desktop: Any) -> None:
    desktop.click("#pg-clear")
    box = desktop.locator("#pg-pad").bounding_box()
    desktop.mouse.move(box["x"] + 100, box["y"] + 30)
    desktop.mouse.down()
    desktop.mouse.move(box["x"] + 100, box["y"] + 180, steps=5)
    desktop.mouse.up()
    settle(desktop)
    desktop.focus("#pg-scrubber input")
    desktop.keyboard.press("End")
    settle(desktop)
    assert "A2 = softmax" in desktop.inner_text("#pg-formula")
    assert "which digit you meant" in desktop.inner_text("#pg-words")
    desktop.keyboard.press("1")
    settle(desktop)
    assert "loss" in desktop.inner_text("#pg-formula")


@pytest.mark.parametrize("hidden", NETWORKS, ids=name_of)
def test_each_sum_is_the_number_that_purenn_computes(
    hidden: tuple[int, ...], desktop: Any, server: str, site: Path
) -> None:
    """The terms shown and the rest add up to the number, and the number is purenn's."""
    label = 3
    asked = [f"{server}assets/playground/", name_of(hidden), as_text(TEST.x[0]), label]
    answer = desktop.evaluate(SUMS, asked)
    params = params_of(site, hidden)
    right = purenn_values(hidden, params, TEST.x[:1], np.array([label], np.uint8), 0.002)
    right = {name: np.asarray(value) for name, value in right.items()}
    right |= {"X": TEST.x[0] / 255.0}
    compared = 0
    for sum_ in answer["found"]:
        assert abs(sum_["added"] - sum_["total"]) < 1e-9 * max(1, abs(sum_["total"])), sum_
        assert sum_["shown"] <= 6
        add_up(sum_["written"])
        compared += agrees(sum_, right)
    assert compared > 500
    assert {sum_["stage"] for sum_ in answer["found"]} == set(answer["stages"])


def add_up(written: list[str]) -> None:
    """The terms, as they are written, come to the total, which is last, within rounding."""
    texts = [text.replace("−", "-").lstrip(">") for text in written]
    if set(texts) == {"0"}:
        return
    parts = [re.fullmatch(r"-?\d+\.(\d+)(?:e(-?\d+))?", text).groups() for text in texts]
    assert len({(len(digits), power) for digits, power in parts}) == 1, written
    unit = 10.0 ** (int(parts[0][1] or 0) - len(parts[0][0]))
    *terms, total = map(float, texts)
    assert abs(sum(terms) - total) < (len(texts) / 2 + 0.01) * unit, written


def agrees(sum_: dict[str, Any], right: dict[str, Any]) -> bool:
    """Whether purenn has a number of this name; it is compared if so."""
    name = sum_["name"]
    if name == "loss":
        value = right["loss"]
    elif found := re.fullmatch(r"(d?[A-Z]\d?)\[(\d+)(?:, (\d+))?\]( after the step)?", name):
        symbol, i, j, after = found.groups()
        array = right[symbol + (" after" if after else "")]
        value = array.ravel()[int(i)] if j is None else array[int(i), int(j)]
    else:
        assert name.startswith("a term of ")
        return False
    assert abs(sum_["total"] - float(value)) < 1e-4, sum_
    return True


def chosen_and_best(tab: Any) -> tuple[str, str]:
    """The unit whose weights are shown, and the one that the button calls the strongest."""
    tab.evaluate("document.querySelector('#pg-details').open = true")
    settle(tab)
    before = tab.input_value(".pg-unit")
    tab.click("#pg-strongest")
    settle(tab)
    return before, tab.input_value(".pg-unit")


def test_a_new_label_or_network_chooses_the_unit_that_matters_most(desktop: Any) -> None:
    desktop.evaluate("document.querySelector('#pg-details').open = true")
    desktop.fill(".pg-unit", "1")
    desktop.keyboard.press("Tab")
    settle(desktop)
    assert desktop.input_value(".pg-unit") == "1"
    desktop.check("#pg-labels input[value='3']", force=True)
    before, best = chosen_and_best(desktop)
    assert before == best != "1"
    desktop.fill(".pg-unit", "2")
    desktop.keyboard.press("Tab")
    use(desktop, "784-16-16-10")
    before, best = chosen_and_best(desktop)
    assert before == best
    assert "was on" in desktop.inner_text("#pg-backward .pg-says")


LABELS = """() => [...document.querySelectorAll("#pg-loss text")]
  .map((label) => label.getBoundingClientRect().toJSON())"""


def test_the_axis_of_the_loss_has_room_for_its_numbers(desktop: Any) -> None:
    """After many steps, large and small, no two labels meet."""
    desktop.keyboard.press("7")
    for rate in ("-4", "-1"):
        desktop.evaluate(
            "rate => { const e = document.querySelector('#pg-rate'); e.value = rate;"
            " e.dispatchEvent(new Event('input')); }",
            rate,
        )
        desktop.click("#pg-ten")
        settle(desktop)
        boxes = desktop.evaluate(LABELS)
        texts = desktop.locator("#pg-loss text").all_text_contents()
        assert len(set(texts)) == len(texts) >= 6
        for i, a in enumerate(boxes):
            for b in boxes[:i]:
                apart = (
                    a["left"] >= b["right"] - 1
                    or b["left"] >= a["right"] - 1
                    or a["top"] >= b["bottom"] - 3
                    or b["top"] >= a["bottom"] - 3
                )
                assert apart, (texts, a, b)


RECORD = """
const fill = CanvasRenderingContext2D.prototype.fillText;
window.written = [];
CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
  if (this.canvas.closest(".pg-details")) {
    window.written.push({ text, x, y, width: this.measureText(text).width, canvas: this.canvas });
  }
  return fill.call(this, text, x, y);
};
"""
OVERLAPS = """() => {
  const faults = [];
  for (const a of written)
    for (const b of written)
      if (a.canvas === b.canvas && a.x < b.x && Math.abs(a.y - b.y) < 1 &&
          a.x + a.width / 2 > b.x - b.width / 2) faults.push(`${a.text} ${b.text}`);
  return [written.length, faults];
}"""


@pytest.mark.parametrize("width", [390, 1280])
def test_the_numbers_in_tiles_do_not_overlap(width: int, browser: Any, server: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844})
    context.add_init_script(RECORD)
    for tab in opened_in(context.new_page(), server):
        use(tab, "784-16-16-10")
        tab.evaluate("document.querySelector('#pg-details').open = true")
        settle(tab)
        tab.evaluate("written.length = 0")
        tab.click("#pg-claim")
        settle(tab)
        count, faults = tab.evaluate(OVERLAPS)
        assert faults == []
        assert count > 50 or width < 500
    context.close()
