"""`activation`: its values and slopes are those of purenn's ops, and its point moves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sitetools.figures.activations import SHOWN, value_and_slope
from widgets_page import load, page_with
from widgets_page import widget as widget

OPS = {name.partition(",")[0]: op for name, op in SHOWN.items()}  # as the figures draw them
PLACES = [-1000.0, -40.0, -6.0, -2.5, -0.7, -0.05, 0.0, 0.05, 0.3, 1.0, 3.5, 6.0, 40.0, 1000.0]
MODEL = "widgets/activation-model.js"
COMPUTED = """async ([address, name, places]) => {
    const { at } = await import(address);
    return places.map((x) => Object.values(at(name, x)));
}"""


def by_purenn(name, places):
    """Value and slope of an op, from its own two functions, in float64."""
    with jax.enable_x64(True):
        x = jnp.array(places, jnp.float64)
        y, slope = value_and_slope(OPS[name], x)
        assert y.dtype == jnp.float64
        return np.stack([y, slope], axis=1)


def faults(tab, server):
    """The activations whose values or slopes are not purenn's."""
    found = {
        name: tab.evaluate(COMPUTED, [f"{server}assets/{MODEL}", name, PLACES]) for name in OPS
    }
    same = {
        name: np.allclose(found[name], by_purenn(name, PLACES), rtol=1e-12, atol=1e-14)
        for name in OPS
    }
    return [name for name in OPS if not same[name]]


def choose(tab, name):
    tab.tab.get_by_role("combobox").select_option(name)


def test_values_and_slopes_are_purenn_s(widget):
    tab = widget("activation")
    assert tab.tab.get_by_role("combobox").locator("option").all_inner_texts() == list(OPS)
    assert not faults(tab.tab, tab.server)


@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        ("(y) => 1 - y * y", "(y) => 1 - y", "tanh"),
        ("slope: x > 0 ? 1 : 0", "slope: x >= 0 ? 1 : 0", "relu"),
        ("0.044715 * x ** 3", "0.04471 * x ** 3", "gelu"),
    ],
)
def test_a_planted_mistake_is_found(browser, server, site, right, wrong, name):
    """A slope with another formula, another slope at a corner, a rounded constant."""
    code = (site / "assets" / MODEL).read_text()
    assert code.count(right) == 1
    tab = browser.new_page()
    answer = {"body": code.replace(right, wrong), "content_type": "text/javascript"}
    tab.route(f"**/{MODEL}", lambda route: route.fulfill(**answer))
    load(tab, server, page_with(site, "activation", {}))
    assert faults(tab, server) == [name]
    tab.close()


@pytest.mark.parametrize("name", OPS)
def test_the_shown_numbers_are_purenn_s(widget, name):
    tab = widget("activation", activation=name, x=-2, dy=-1.5)
    for presses in (0, 15, 5, 15):  # x = −2, −0.5, 0, 1.5
        tab.slide("The point on the curve", "ArrowRight", presses)
        x = tab.number("x =")
        ((y, slope),) = by_purenn(name, [x])
        dy, factor = tab.number("dx = dy · f′(x) ="), tab.number("·")
        assert tab.number("y =") == pytest.approx(y, rel=1e-12)
        assert tab.number("slope f′(x) =") == factor == pytest.approx(slope, rel=1e-12)
        assert dy == -1.5
        assert tab.number("=") == pytest.approx(-1.5 * slope, rel=1e-12)
    assert x == 1.5


def test_the_words_say_what_is_passed_back(widget):
    tab = widget("activation", x=0)
    assert tab.says() == "A quarter of dy is passed back."
    said = {
        "relu": "The curve has a corner here. purenn uses the slope on its left, 0.",
        "leaky_relu": "The curve has a corner here. purenn uses the slope on its left, 0.1.",
        "selu": "The curve has a corner here. purenn uses the slope on its left, 1.758.",
        "tanh": "The slope is 1: dy is passed back unchanged.",
        "softplus": "Half of dy is passed back.",
    }
    for name, words in said.items():
        choose(tab, name)
        assert tab.says() == words
    tab.slide("The point on the curve", "ArrowLeft", 20)
    said = {
        "relu": "The slope is 0: nothing is passed back, whatever dy is.",
        "sigmoid": "10.5% of dy is passed back.",
        "silu": "The curve falls here: dx has the opposite sign of dy and is 9.08% of its size.",
    }
    for name, words in said.items():
        choose(tab, name)
        assert tab.says() == words
    tab.slide("The point on the curve", "ArrowRight", 40)
    choose(tab, "selu")
    assert tab.says() == "The slope is above 1: dx is 1.051 times as large as dy."
    choose(tab, "sigmoid")
    tab.slide("The point on the curve", "ArrowRight", 40)
    assert tab.says() == "The curve is almost flat: almost nothing is passed back."
    choose(tab, "gelu")
    assert tab.says() == "The slope is almost 1: dy is passed back almost unchanged."


def test_the_point_is_dragged_and_the_slope_is_drawn_as_far(widget):
    tab = widget("activation")
    lines = tab.tab.locator(".widget .plane").nth(1).locator("polyline")

    def drawn():
        return len(lines.nth(1).get_attribute("points").split())

    assert drawn() == 2  # a place only
    tab.drag("The point on the curve", -60, 0)
    x, first = tab.number("x ="), drawn()
    assert x < 1 and first == round((2 - x) * 20) + 1
    tab.drag("The point on the curve", 30, 0)
    assert x < tab.number("x =") < 2 and drawn() == first, "the trace stays"
    tab.slide("Derivative dy", "ArrowLeft", 4)
    assert tab.number_of_slider("Derivative dy") == 1
    assert tab.number("dx = dy · f′(x) =") == 1
    choose(tab, "relu")
    assert drawn() == 2, "another activation, another slope"
    tab.slide("The point on the curve", "ArrowLeft", 30)
    assert lines.count() == 3, "two pieces, since the slope jumps"
    tab.button("Start again").click()
    assert (tab.number("x ="), tab.number("dx = dy · f′(x) =")) == (2, 2)
    assert tab.tab.get_by_role("combobox").input_value() == "sigmoid" and drawn() == 2


def test_the_point_is_moved_by_finger(browser, server, site):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    tab = context.new_page()
    load(tab, server, page_with(site, "activation", {}))
    tab.wait_for_selector(".widget-ready")
    handle = tab.get_by_role("slider", name="The point on the curve")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = context.new_cdp_session(tab)
    for kind, shift in (("touchStart", 0), ("touchMove", -20), ("touchMove", -40)):
        points = [{"x": x + shift, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert float(handle.get_attribute("aria-valuenow")) < 0
    context.close()


@pytest.mark.parametrize("name", ["sigmoid", "selu"])
def test_it_looks_well(widget, name):
    assert not widget("activation", activation=name).looks()
