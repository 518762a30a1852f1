"""The page where a transformer writes, as a person uses it: mouse, keyboard, a phone."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import language_reference
import pytest
from language_writing import Writer
from playground_tab import FINGERS, settle
from sitetools import language
from tabs import PATIENCE, Tabs, quiet
from visits import DARK, DESKTOP, LIGHT, PHONE, STILL, choose_scheme, measure

PAGE = "playground/language/"


@pytest.fixture(scope="module")
def networks(site: Path) -> dict[str, Any]:
    return language_reference.networks(site)


@pytest.fixture(params=["desktop", "phone"])
def tab_of(request: pytest.FixtureRequest, tabs: Tabs, server: str) -> Iterator[Any]:
    """The page, ready; at the end it has said nothing amiss."""
    phone = request.param == "phone"
    size, kind = (PHONE, FINGERS) if phone else ({"width": 1280, "height": 900}, {})
    with tabs.lent(size, **kind) as tab, quiet(tab):
        tab.goto(server + PAGE)
        tab.wait_for_selector(".widget-ready", timeout=PATIENCE)
        yield tab


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
    assert tab_of.locator(".lm-bars button").count() == 10


@pytest.mark.parametrize("high", [800, 900])
def test_what_comes_next_and_where_it_looks_are_seen_without_scrolling(
    high: int, tabs: Tabs, server: str
) -> None:
    with tabs.lent({"width": 1280, "height": high}) as tab:
        tab.goto(server + PAGE)
        tab.wait_for_selector(".widget-ready", timeout=PATIENCE)
        seen = [*tab.locator("#lm-attention canvas").all(), *tab.locator(".lm-bars button").all()]
        assert len(seen) == 9 + 10
        boxes = [box for each in seen if (box := each.bounding_box())]
        assert max(box["y"] + box["height"] for box in boxes) <= high


def test_it_writes_and_pauses(tab_of: Any) -> None:
    before = text_of(tab_of)
    press(tab_of, "One character")
    assert len(text_of(tab_of)) == len(before) + 1
    tab_of.fill(".lm-prompt textarea", "whale ")
    tab_of.press(".lm-prompt textarea", "Enter")
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
    tab_of.fill(".lm-prompt textarea", prompt)
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
    press(tab_of, "Reset")
    assert loss_of(tab_of) == before
    assert tab_of.is_disabled("button:text-is('Undo')")


def test_ten_steps_for_one_character_ruin_the_rest(tab_of: Any) -> None:
    """What the page says under "One step"."""
    tab_of.locator("#lm-controls input[type=range]").fill("0")
    press(tab_of, "Ten steps")
    for _ in range(12):
        press(tab_of, "One character")
    assert set(text_of(tab_of)[-12:]) == {"G"}


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


def test_a_finger_moves_from_character_to_character(tab_of: Any) -> None:
    before, after = (
        tab_of.get_by_role("button", name=f"Choose the character {side}")
        for side in ("before", "after")
    )
    if tab_of.viewport_size["width"] > 500:
        assert not before.is_visible() and not after.is_visible()
        return
    chosen = ".lm-text [aria-checked=true]"
    position = int(tab_of.get_attribute(chosen, "data-position"))
    before.tap()
    assert int(tab_of.get_attribute(chosen, "data-position")) == position - 1
    after.tap()
    after.tap()
    assert int(tab_of.get_attribute(chosen, "data-position")) == position + 1
    for _ in range(position + 1):
        before.tap()
    assert before.is_disabled()


def test_numbers_and_sums_are_read_out(tab_of: Any) -> None:
    """In every stage, of every picture; a sum of two or three numbers is right."""
    up, down = tab_of.locator(".lm-stage-head button").all()
    while up.is_enabled():
        up.click()
    seen = set()
    last = False
    while not last:
        tab_of.mouse.move(1, 1)  # a pointer that rests on a picture, as the page scrolls, reads it
        for picture in tab_of.locator("#lm-backward .lm-heatmap").all():
            picture.locator(".lm-cells").focus()
            for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
                tab_of.keyboard.press(key)
            said = "".join(tab_of.locator("#lm-backward .lm-readout").all_inner_texts())
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


def test_no_picture_is_cut_off_and_neighbors_are_level(tab_of: Any) -> None:
    """On a phone the columns of the gradient's sizes continue in a second band."""
    measured = """(canvases) => canvases.map((canvas) => {
      const { x, y, right, height } = canvas.getBoundingClientRect();
      const box = canvas.parentElement;
      return { x, y, right, height, cut: box.scrollWidth - box.clientWidth };
    })"""
    sizes, *panels = tab_of.locator("#lm-backward canvas").evaluate_all(measured)
    assert len(panels) == 7  # P dP dS, dV dQ dK, dx
    phone = tab_of.viewport_size["width"] < 500
    assert (sizes["height"] > 250) == phone
    assert all(each["cut"] <= 0 for each in (sizes, *panels))
    assert all(each["height"] >= 60 for each in panels)
    across = 2 if phone else 3
    rows = [panels[i : i + across] for i in range(0, 6, across)]
    for row in rows:
        assert len({each["y"] for each in row}) == 1
    for column in zip(*rows, strict=True):
        assert len({each["x"] for each in column}) == 1
        assert max(each["right"] for each in column) - min(each["right"] for each in column) < 1.5
    scales = tab_of.locator(".lm-panels .lm-scale").all_inner_texts()
    assert len(set(scales[3:6])) == 1 and scales[3].startswith("±")


def test_a_tapped_picture_takes_the_width_of_a_phone(tab_of: Any) -> None:
    picture = tab_of.locator(".lm-panels .lm-heatmap").nth(4)
    before = picture.bounding_box()["width"]
    phone = tab_of.viewport_size["width"] < 500
    canvas, at = picture.locator("canvas"), {"x": 20, "y": 20}
    canvas.tap(position=at) if phone else canvas.click(position=at)
    assert (picture.bounding_box()["width"] > 1.9 * before) == phone
    said = "".join(tab_of.locator("#lm-backward .lm-readout").all_inner_texts())
    assert said.startswith("dQ of ")


def test_the_chosen_row_has_a_name_where_there_is_no_room_for_labels(tab_of: Any) -> None:
    where = tab_of.locator("#lm-attention .lm-where")
    if tab_of.viewport_size["width"] > 500:
        assert not where.is_visible()
        return
    assert where.inner_text() == "Row: space at 15"
    tab_of.locator(".lm-text [role=radio]").nth(10).tap()
    assert where.inner_text() == "Row: “G” at 10"


def test_what_to_do_is_said_once_for_each_picture(tab_of: Any) -> None:
    hints = tab_of.locator(".lm-readout").evaluate_all("all => all.map((e) => e.dataset.hint)")
    assert len(set(hints)) == len(hints) == 3
    verb = "Tap" if tab_of.viewport_size["width"] < 500 else "Point at"
    assert hints[0].startswith(f"{verb} a cell")
    assert hints[2].startswith("The frame marks space at 15.")


# The darkest pixel of a row's cells differs from the frame's ink; those of the line above are ink.
FRAMED = """(canvas) => {
  const ratio = canvas.width / canvas.clientWidth;
  const { width, height } = canvas;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const rows = [...Array(canvas.height).keys()].map((y) => {
    const { data } = context.getImageData(0, y, canvas.width, 1);
    let ink = 0;
    for (let i = 0; i < data.length; i += 4)
      if (data[i + 3] > 250 && Math.max(data[i], data[i + 1], data[i + 2]) < 70) ink++;
    return ink / canvas.width;
  });
  const full = rows.map((share, y) => (share > 0.8 ? y : -1)).filter((y) => y >= 0);
  const inner = full.findIndex((y, i) => i && y > full[i - 1] + 1);
  return { upper: inner / ratio, lower: (full.length - inner) / ratio,
    between: (full[inner] - full[inner - 1] - 1) / ratio };
}"""


def test_the_frame_of_a_row_covers_none_of_its_cells(tab_of: Any) -> None:
    """Of P in the backward pass, whose cells are a few pixels high."""
    canvas = tab_of.locator(".lm-panels canvas").first
    found = canvas.evaluate(FRAMED)
    phone = tab_of.viewport_size["width"] < 500
    assert 0 < found["upper"] <= 2 and 0 < found["lower"] <= 2
    assert found["between"] >= (3.5 if phone else 7)


def test_buttons_move_from_the_cell_that_was_tapped(tab_of: Any) -> None:
    """A cell of an enlarged picture is narrower than a finger."""
    picture = tab_of.locator(".lm-panels .lm-heatmap").nth(1)
    nudges = picture.locator(".lm-nudges")
    assert not nudges.is_visible()
    if tab_of.viewport_size["width"] > 500:
        picture.locator("canvas").click(position={"x": 20, "y": 20})
        assert not nudges.is_visible()
        return
    picture.locator("canvas").tap(position={"x": 20, "y": 60})
    readout = tab_of.locator("#lm-backward > div > .lm-readout, #lm-backward .lm-readout").last
    query, key = pair_in(readout.inner_text())
    for name, move in {"row down": (1, 0), "column right": (0, 1), "row up": (-1, 0)}.items():
        button = nudges.get_by_role("button", name=f"One {name}")
        assert button.bounding_box()["height"] >= 40
        button.tap()
        query, key = query + move[0], key + move[1]
        assert pair_in(readout.inner_text()) == (query, key)


def pair_in(said: str) -> tuple[int, int]:
    """The positions of “e” at 12 looks at “h” at 11."""
    query, key = re.findall(r" at (\d+)", said)[:2]
    return int(query), int(key)


LEFT = """() => [...document.querySelectorAll(
    ".pages-head h1, #writer h2, #writer > :is(p, details, #lm-target, #lm-backward, #lm-step)," +
    ".md-content__inner > :is(h2, details)")]
  .filter((each) => each.checkVisibility() && !each.closest(".lm-look"))
  .map((each) => [each.textContent.trim().slice(0, 20), each.getBoundingClientRect().left])"""


def test_pictures_and_text_begin_at_one_edge_and_what_is_folded_is_boxed(
    tabs: Tabs, server: str
) -> None:
    with tabs.lent(DESKTOP) as tab:
        tab.goto(server + PAGE)
        tab.wait_for_selector(".widget-ready", timeout=PATIENCE)
        places = tab.evaluate(LEFT)
        assert len(places) > 9 and len({left for _, left in places}) == 1, places
        borders = tab.locator(".lm-folded").evaluate_all(
            "(all) => all.map((each) => getComputedStyle(each).borderTopWidth)"
        )
        assert borders == ["1px"] * 2
