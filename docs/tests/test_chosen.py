"""What is chosen stands out by a ring or a filling, and can be read as well as before."""

import pytest
from tabs import PATIENCE, Tabs
from visits import DARK, DESKTOP, LIGHT, STILL, choose_scheme, measure
from widgets_page import widget as widget

# The color of a chosen cell's text, that of its neighbor, and whether it has a ring.
LOOK = """() => {
    const look = (pressed) => getComputedStyle(
        document.querySelector(`.widget table.cells td button[aria-pressed=${pressed}]`));
    return [look(true).color, look(false).color, look(true).boxShadow !== "none"];
}"""


@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_the_chosen_cell_of_each_matrix_can_be_read(widget, scheme):
    tab = widget("attention")
    tab.tab.add_style_tag(content=STILL)  # the header, too, fades from one title to another
    assert choose_scheme(tab.tab, scheme)
    for name in ("Scores S", "Weights P", "Derivative dP", "Derivative dS"):
        tab.tab.get_by_role("button", name=f"Show {name}").click()
        for cell in tab.tab.locator(".widget table.cells td button").all()[::3]:
            cell.click()
            chosen, other, ring = tab.tab.evaluate(LOOK)
            assert chosen == other and ring
            assert measure(tab.tab, "contrast") == []


@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_the_chosen_head_s_picture_has_the_same_ground(
    tabs: Tabs, server: str, scheme: str
) -> None:
    grounds = """[true, false].map((pressed) => {
        const thumb = document.querySelector(`.lm-thumbs button[aria-pressed=${pressed}]`);
        const { backgroundColor, boxShadow } = getComputedStyle(thumb);
        return [backgroundColor, boxShadow !== "none"];
    })"""
    with tabs.lent(DESKTOP) as tab:
        tab.goto(server + "playground/language/")
        tab.wait_for_selector(".widget-ready", timeout=PATIENCE)
        assert choose_scheme(tab, scheme)
        (chosen, ring), (other, none) = tab.evaluate(grounds)
    assert chosen == other and ring and not none


# The share of a button's filling and of its border in the way from the page's paper to its ink.
FILLED = """(button) => {
    const at = (css) => {
        const context = document.createElement("canvas").getContext("2d");
        context.fillStyle = css;
        context.fillRect(0, 0, 1, 1);
        return context.getImageData(0, 0, 1, 1).data[1];
    };
    const style = getComputedStyle(button);
    const root = getComputedStyle(document.body);
    const [paper, ink] = ["bg", "fg"].map((name) =>
        at(root.getPropertyValue(`--md-default-${name}-color`)));
    const share = (css) => (at(css) - paper) / (ink - paper);
    return [share(style.backgroundColor), share(style.borderTopColor), style.borderTopLeftRadius];
}"""


@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_only_the_button_that_leads_is_filled_with_ink(
    tabs: Tabs, server: str, scheme: str
) -> None:
    with tabs.lent(DESKTOP) as tab:
        tab.goto(server + "playground/train/")
        tab.wait_for_selector(".widget-ready", timeout=PATIENCE)
        tab.add_style_tag(content=STILL)
        assert choose_scheme(tab, scheme)
        (leads, _, radius), (chosen, border, same), (other, _, _) = (
            tab.locator(name).first.evaluate(FILLED)
            for name in (".tr-start", ".toggle[aria-pressed=true]", ".toggle[aria-pressed=false]")
        )
        assert measure(tab, "contrast") == []
    assert leads > 0.95 and border > 0.85
    assert abs(other) < 0.05 < chosen < 0.2, (other, chosen)
    assert radius == same
