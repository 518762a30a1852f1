"""The look of the figures: few colors, digits that follow the scheme, letters that can be read."""

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from html_page import pages_of
from PIL import Image
from sitetools.svg import VARIABLE
from visits import DARK, DESKTOP, LIGHT, PHONE, choose_scheme, settle

DRAWING = re.compile(r'<div class="drawing">(.*?)</div>', re.DOTALL)
COLOR = re.compile(r'(?:fill|stroke|stop-color|(?<![-\w])color)(?:="|: ?)([^";]+)')
NAMES = re.compile(
    r"var\(--(figure-(ink|faint|paper)|forward|backward|positive|negative|wrong|series-[234]"
    r"|md-[-\w]+)\)|none|currentColor|inherit"
)
IMAGE = re.compile(r'<image[^>]*?base64,([^"]*)"[^>]*>')


def drawings(site: Path) -> Iterator[tuple[str, str]]:
    """Each figure, with its page."""
    for page in pages_of(site):
        for drawing in DRAWING.findall((site / page).read_text()):
            yield page, drawing


def test_a_figure_has_the_theme_s_colors_only(site):
    found = [(page, set(COLOR.findall(drawing))) for page, drawing in drawings(site)]
    assert len(found) > 40
    others = {(page, c) for page, colors in found for c in colors if not NAMES.fullmatch(c)}
    assert not others


def test_an_image_in_a_figure_is_ink_or_has_the_colors_of_sign(site):
    seen = {"ink": 0, "sign": 0}
    for page, drawing in drawings(site):
        for match in IMAGE.finditer(drawing):
            data = io.BytesIO(base64.b64decode(match[1]))
            pixels = np.asarray(Image.open(data).convert("RGBA")) / 255
            hues = pixels[pixels[..., 3] > 0][:, :3]
            vivid = hues[np.ptp(hues, axis=1) > 0.12]
            kind = "sign" if len(vivid) else "ink"
            seen[kind] += 1
            assert ('class="ink"' in match[0]) == (kind == "ink"), page
            red, green, blue = vivid.T
            purple = (red > green) & (blue > green)
            assert (purple | (green >= np.maximum(red, blue))).all(), page
    assert min(seen.values()) > 2, seen


GRAYS = """() => ["--figure-ink", "--series-2", "--series-3", "--series-4"].map((name) => {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = `var(${name})`;
  const color = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map(Number);
  probe.remove();
  return color;
})"""


@pytest.fixture(scope="module")
def home(browser, server) -> Iterator:
    context = browser.new_context(viewport=DESKTOP)
    tab = context.new_page()
    tab.goto(server, wait_until="load")
    settle(tab)
    yield tab
    context.close()


@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_curves_that_mean_no_direction_and_no_sign_are_gray(home, scheme):
    choose_scheme(home, scheme)
    colors = np.array(home.evaluate(GRAYS))
    assert (np.ptp(colors, axis=1) < 30).all(), colors
    assert len({tuple(color) for color in colors}) == len(colors)


@pytest.mark.parametrize("scheme", [LIGHT, DARK])
@pytest.mark.parametrize("what", [".digit canvas", "image.ink"])
def test_a_digit_is_dark_on_light_and_light_on_dark(home, what, scheme):
    choose_scheme(home, scheme)
    home.wait_for_timeout(400)  # the theme's colors fade
    shot = home.locator(what).first.screenshot()
    gray = matplotlib.image.imread(io.BytesIO(shot), format="png")[..., :3].mean(axis=-1)
    gray = gray[8:-8, 8:-8]  # without the frame
    paper, (low, high) = np.median(gray), (gray.min(), gray.max())
    if scheme == LIGHT:
        assert paper > 0.9 and low < 0.3
    else:
        assert paper < 0.2 and high > 0.7


def test_a_probability_has_one_color_on_the_first_page(home):
    bar = home.evaluate("getComputedStyle(document.querySelector('.digit-bars i')).backgroundColor")
    fills = home.evaluate(
        "[...document.querySelectorAll('.drawing rect')].map((e) => getComputedStyle(e).fill)"
    )
    assert len(fills) >= 10 and set(fills) == {bar}


LETTERS = """() => [...document.querySelectorAll(".drawing > svg text")].map((text) => {
  const svg = text.ownerSVGElement;
  const shrunk = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  const { fontSize, fontFamily } = getComputedStyle(text);
  return [parseFloat(fontSize) * shrunk, fontFamily, svg.style.fontFamily];
})"""


@pytest.mark.parametrize("place", ["course/neuron/", "course/losses/", "howto/training-loop/"])
def test_a_plot_is_set_in_the_letters_of_the_page_and_read_on_a_phone(tab, server, place):
    tab.set_viewport_size(PHONE)
    tab.goto(server + place, wait_until="load")
    settle(tab)
    letters = tab.evaluate(LETTERS)
    assert letters
    for size, family, own in letters:
        assert family.startswith("Inter") and not own
        assert size > 11.2 or place == "course/neuron/"  # with a diagram, whose letters are larger
    slanted = "getComputedStyle(document.querySelector('.drawing tspan')).fontStyle"
    if place != "howto/training-loop/":
        assert tab.evaluate(slanted) == "italic"


def test_letters_at_the_ticks_are_no_variables(tab, server):
    tab.goto(server + "course/language/", wait_until="load")
    texts = "[...document.querySelectorAll('.drawing text')].filter(t => t.textContent === 'q')"
    assert tab.evaluate(f"{texts}.length") == 2  # of both axes
    assert tab.evaluate(f"{texts}.filter(t => t.querySelector('tspan')).length") == 0


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        ("L", ["L"]),
        ("−ln P(t)", ["P", "t"]),
        ("1e-3: W₁", ["W"]),
        ("log₁₀ |dZ|", ["dZ"]),
        ("dx, their sum", ["dx"]),
        ("ln 10 + σ²/2", ["σ"]),
        ("a character", []),
        ("4. A layer", []),
        ("L2 penalty", []),
        ("the student’s loss, 3 kB", []),
    ],
)
def test_what_is_a_variable(words, variables):
    assert VARIABLE.findall(words) == variables


TABS = """() => ["hidden", "opacity", "boxShadow"].map((name, i) => {
  const [tabs, item, link] = ["", "__item--active", "__item--active a"].map((part) =>
    document.querySelector(`.md-tabs${part}`));
  return i ? getComputedStyle(i === 1 ? link : item)[name] : tabs.hidden;
})"""


def test_the_line_below_the_open_section_goes_with_its_label(tabs, server):
    with tabs.lent(DESKTOP) as tab:
        tab.goto(server + "course/neuron/")
        settle(tab)
        hidden, opacity, line = tab.evaluate(TABS)
        assert not hidden and opacity == "1" and line != "none"
        tab.evaluate("scrollTo(0, 26)")
        tab.wait_for_function(
            """() => {
            const link = document.querySelector(".md-tabs[hidden] .md-tabs__item--active a");
            return link && getComputedStyle(link).opacity === "0";
        }"""
        )
        tab.wait_for_function(f"() => ({TABS})()[2] === 'none'")


@pytest.mark.parametrize("screen", [DESKTOP, PHONE])
def test_the_mark_beside_an_equation_says_that_it_opens_code(tabs, server, screen):
    with tabs.lent(screen) as tab:
        tab.goto(server + "course/neuron/")
        mark = tab.locator(".equation > details:not([open]) > summary").first
        word = mark.evaluate(
            """(mark) => {
            const { content, display } = getComputedStyle(mark, "::after");
            return [content, display];
        }"""
        )
        assert word == ['"code"', "block"]


def test_the_figures_of_convolution_name_their_scale_and_keep_w_in_the_forward_color():
    from sitetools.figures import convolution, convolution_variants, marks

    for axes in convolution.speed().axes:
        assert axes.get_xscale() == "log" and "logarithmic" in axes.get_xlabel()
        own = [label.get_text().startswith("purenn") for label in axes.get_yticklabels()]
        (dots,) = axes.collections
        dark = [tuple(color) == tuple(dots.get_facecolors()[-1]) for color in dots.get_facecolors()]
        assert 0 < sum(own) < len(own) and dark == own
    drawn = convolution.there_and_back()
    assert re.findall(r'fill="([^"]*)">w<', drawn) == [marks.FORWARD] * 2
    assert re.findall(r">([^<\d]*)100?<", convolution_variants.causal()) == ["×", "×"]
