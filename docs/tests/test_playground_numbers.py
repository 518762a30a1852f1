"""The numbers that stand on the playground, where a person reads them, against purenn's."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playground_reference import NETWORKS, TEST, name_of, params_of, purenn_values
from playground_tab import loss_of, opened, probability, settle
from tabs import Tabs


@pytest.fixture
def desktop(tabs: Tabs, server: str) -> Iterator[Any]:
    yield from opened(tabs, server, {"width": 1280, "height": 900})


PLACES = (Path(__file__).parent / "playground_places.js").read_text()
LABEL, RATE = 3, 10**-2.7


def opened_at(tab: Any, hidden: tuple[int, ...]) -> None:
    """The network and the label chosen; the first test digit is on the pad already."""
    tab.select_option("#pg-network", name_of(hidden))
    tab.wait_for_selector(f".pg-stage >> nth={5 * len(hidden) + 6}")
    tab.check(f"#pg-labels input[value='{LABEL}']", force=True)
    settle(tab)


def reference(site: Path, hidden: tuple[int, ...]) -> tuple[Any, dict[str, Any]]:
    params = params_of(site, hidden)
    right = purenn_values(hidden, params, TEST.x[:1], np.array([LABEL], np.uint8), RATE)
    return params, {name: np.asarray(value) for name, value in right.items()}


@pytest.mark.parametrize("hidden", NETWORKS, ids=name_of)
def test_what_the_drawing_says_is_what_purenn_computes(
    hidden: tuple[int, ...], desktop: Any, server: str, site: Path
) -> None:
    """At each stage, the total beside the drawing for the units under the pointer."""
    _, right = reference(site, hidden)
    opened_at(desktop, hidden)
    agree(desktop.inner_text("#pg-formula").split("=")[-1], right["loss"])
    agree(desktop.inner_text("#pg-step-says").split("to ")[-1].rstrip("."), right["next_loss"])
    cells = desktop.locator("#pg-bars .pg-number").all_text_contents()
    for text, p in zip(cells, right[f"A{len(hidden) + 1}"].ravel(), strict=True):
        assert abs(probability(text) - p) < 6e-4
    units = [*hidden, 10]
    places = desktop.evaluate(PLACES, [f"{server}assets/playground/", units])
    canvas = desktop.locator("#pg-net canvas")
    for stage, symbol in enumerate(desktop.locator(".pg-stage").all_inner_texts()):
        if not re.fullmatch(r"d?[ZA]\d", symbol):
            continue
        desktop.locator(".pg-stage").nth(stage).click()
        layer = int(symbol[-1])
        for unit in {0, LABEL, units[layer - 1] - 1, int(np.argmax(np.abs(right[symbol])))}:
            x, y = places["layers"][layer - 1][unit]
            canvas.hover(position={"x": x, "y": y})
            assert desktop.inner_text("#pg-sum b").startswith(f"{symbol}[{unit}]")
            agree(desktop.inner_text("#pg-sum .pg-total .pg-number"), right[symbol].ravel()[unit])
    desktop.locator(".pg-stage", has_text="dW1").click()
    unit = int(np.argmax(np.abs(right["dZ1"])))
    pixel = int(np.argmax(TEST.x[0]))
    canvas.click(position=dict(zip("xy", places["layers"][0][unit], strict=True)))
    canvas.hover(position=dict(zip("xy", places["pixels"][1][pixel], strict=True)))
    assert desktop.inner_text("#pg-sum b") == f"dW1[{pixel}, {unit}]"
    agree(desktop.inner_text("#pg-sum .pg-total .pg-number"), right["dW1"][pixel, unit])


@pytest.mark.parametrize("hidden", NETWORKS, ids=name_of)
def test_what_the_tiles_say_is_what_purenn_computes(
    hidden: tuple[int, ...], desktop: Any, site: Path
) -> None:
    """The tables, and the number under the pointer in each picture."""
    params, right = reference(site, hidden)
    unit = int(np.argmax(np.abs(right["dZ1"])))
    w, dw, last = np.asarray(params[2].w)[:, unit], right["dW1"][:, unit], len(hidden) + 1
    x = TEST.x[0].reshape(784) / 255
    pixel = int(np.argmax(np.abs(x * w)))
    opened_at(desktop, hidden)
    desktop.click("#pg-details summary")
    desktop.fill(".pg-unit", str(unit))
    desktop.keyboard.press("Tab")
    settle(desktop)
    tables = {"forward": [f"Z{last}", f"A{last}"], "backward": [f"A{last}", "Y", f"dZ{last}"]}
    right["Y"] = np.eye(10)[LABEL]
    for view, symbols in tables.items():
        texts = desktop.locator(f"#pg-{view} tbody td").all_inner_texts()
        numbers = np.concatenate([right[symbol].ravel() for symbol in symbols])
        for text, number in zip(texts, numbers, strict=True):
            agree(text, number)
    for n in range(1, last):
        for symbol in (f"Z{n}", f"A{n}", f"dA{n}", f"dZ{n}"):
            view = "backward" if symbol[0] == "d" else "forward"
            agree(pointed_at(desktop, view, symbol, unit), right[symbol].ravel()[unit])
    for n in range(2, last + 1):
        tile = 5 * right[f"dW{n}"].shape[0] + unit  # from the unit to unit 5
        shape = right[f"dW{n}"].shape
        agree(pointed_at(desktop, "backward", f"dW{n}", tile, shape), right[f"dW{n}"][unit, 5])
    image = (28, 28)
    agree(pointed_at(desktop, "backward", "dW1", unit, inside=pixel), dw[pixel])
    for view, symbol, value in [
        ("forward", "X", x),
        ("forward", "W1[:, j]", w),
        ("forward", "X ⊙ W1[:, j]", x * w),
        ("weights", "W1[:, j]", w),
        ("weights", "−rate · dW1[:, j]", -RATE * dw),
        ("weights", "W1[:, j] after the step", right["W1 after"][:, unit]),
    ]:
        agree(pointed_at(desktop, view, symbol, pixel, image), value[pixel])


# From now on, the words of the drawing are kept as they are written.
WRITTEN = """() => {
  window.written = [];
  const { prototype } = CanvasRenderingContext2D;
  const write = prototype.fillText;
  prototype.fillText = function (text, ...place) {
    window.written.push(text);
    write.call(this, text, ...place);
  };
}"""


@pytest.mark.parametrize("hidden", NETWORKS, ids=name_of)
def test_what_a_step_did_stands_beside_the_bars(
    hidden: tuple[int, ...], desktop: Any, site: Path
) -> None:
    """The probability before and after it, which differ as they are written, and are purenn's."""
    _, right = reference(site, hidden)
    opened_at(desktop, hidden)
    last = f"A{len(hidden) + 1}"
    desktop.locator(".pg-stage", has_text=re.compile(f"^{last}$")).click()
    assert desktop.inner_text("#pg-change") == ""
    button = desktop.locator("#pg-one").bounding_box()
    desktop.evaluate(WRITTEN)
    desktop.click("#pg-one")
    settle(desktop)
    assert desktop.locator("#pg-one").bounding_box() == button
    said, numbers = desktop.inner_text("#pg-change").split(": ")
    assert said == f"Probability of {LABEL}"
    before, after = numbers.split(" → ")
    assert before != after
    agree(before, right[last].ravel()[LABEL])
    agree(after, np.exp(-right["next_loss"]))
    drawn = desktop.evaluate("window.written")
    assert after in drawn and f"was {before}" in drawn
    unit = next(text for text in drawn if text.startswith("W1[:, "))[6:].split("]")[0]
    assert f"W1[:, {unit}], the weights into hidden unit {unit}" in drawn
    desktop.click("#pg-reset")
    settle(desktop)
    assert desktop.inner_text("#pg-change") == ""


def pointed_at(
    tab: Any, view: str, symbol: str, tile: int, shape: Any = None, inside: int | None = None
) -> str:
    """What a figure reads out for a tile; `inside` is a pixel of it, where it is an image."""
    figure = tab.locator(f"#pg-{view} figure").filter(
        has=tab.locator("figcaption b", has_text=re.compile(f"^{re.escape(symbol)}$"))
    )
    canvas = figure.locator("canvas")
    box = canvas.bounding_box()
    columns = shape[0] if shape else 16 if box["height"] > 0.4 * box["width"] else 8
    border, gap = 1, 0 if shape else 1  # CSS pixels; tiles of units have a gap between them
    pitch = (box["width"] - 2 * border + gap) / columns
    at = [0.5, 0.5] if inside is None else [(inside % 28 + 0.5) / 28, (inside // 28 + 0.5) / 28]
    x, y = (
        border + place * pitch + part * (pitch - gap)
        for place, part in zip((tile % columns, tile // columns), at, strict=True)
    )
    canvas.hover(position={"x": x, "y": y})
    return figure.locator(".pg-readout").inner_text().split(": ")[-1]


def agree(text: str, value: Any) -> None:
    """A number of the page, which has three figures, or two where it is small."""
    found, value = probability(text.replace("−", "-")), float(value)
    allowed = max(6e-4, 6e-3 * abs(value)) if abs(value) >= 1e-3 else 0.06 * abs(value) + 1e-12
    assert abs(found - value) <= allowed, f"{text} is not {value}"


def test_it_opens_with_an_error_to_send_back(desktop: Any) -> None:
    """A 7 that is claimed to be a 9: the words say so, and one step lowers the large loss."""
    settle(desktop)
    said = desktop.inner_text("#pg-says")
    assert "reads 7" in said and "labeled 7" in said
    assert "Here, its label is 9, so the network has an error" in said
    assert desktop.is_checked("#pg-labels input[value='9']")
    before = loss_of(desktop)
    assert before > 5
    desktop.click("#pg-one")
    settle(desktop)
    assert loss_of(desktop) < before - 0.1
    desktop.keyboard.press("7")
    settle(desktop)
    assert "is wrong" not in desktop.inner_text("#pg-says")


def test_yes_agrees_and_a_digit_corrects(desktop: Any) -> None:
    settle(desktop)
    assert desktop.inner_text("#pg-asks") == "Is it a 7?"
    assert desktop.inner_text("#pg-otherwise") == "No, it is a …"
    desktop.click("#pg-claim")
    settle(desktop)
    assert desktop.is_checked("#pg-labels input[value='7']")
    assert desktop.get_attribute("#pg-claim", "aria-pressed") == "true"
    assert loss_of(desktop) < 1e-3
    assert "with a probability above 0.999" in desktop.inner_text("#pg-says")
    desktop.keyboard.press("3")
    settle(desktop)
    assert desktop.get_attribute("#pg-claim", "aria-pressed") == "false"
    assert loss_of(desktop) > 5
    for _ in range(8):
        desktop.click("#pg-one")
    settle(desktop)
    assert "reads 3" in desktop.inner_text("#pg-says")
    assert desktop.inner_text("#pg-asks") == "Is it a 3?"
