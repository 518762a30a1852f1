"""A page of the site that holds one widget, and eyes and hands for it."""

import json
import math
import re
from pathlib import Path
from typing import Any

from sitetools import fences
from visits import DESKTOP, MEASURES, Traffic, choose_scheme, measure

ASSETS = fences.ROOT / "docs" / "pages" / "assets"
ALT = "A widget that the tests touch."


def page_with(site: Path, name: str, settings: dict[str, Any]) -> str:
    """The first page of the site with a widget in place of its text."""
    body = json.dumps({"caption": "A caption with $x$.", **settings})
    figure = fences.widget(body, "widget", "", {"name": name, "alt": ALT}, None)
    html = (site / "index.html").read_text()
    text = rf"\1<h1>A widget</h1>{figure}</article>".replace("\\u", "\\\\u")
    filled, count = re.subn(r"(<article[^>]*>).*</article>", text, html, flags=re.DOTALL)
    assert count == 1
    return filled


class WidgetTab:
    """A tab with a widget that is ready, and no complaint until it is closed."""

    def __init__(self, tab: Any, server: str, site: Path, name: str, **settings: Any) -> None:
        self.tab, self.server, self.name = tab, server, name
        address = f"{server}widget-{name}.html"
        html = page_with(site, name, settings)
        tab.route(address, lambda route: route.fulfill(body=html, content_type="text/html"))
        self.traffic = Traffic(server).watch(tab)
        tab.goto(address, wait_until="load")
        tab.wait_for_selector(".widget-ready", timeout=20_000)

    def close(self) -> None:
        self.traffic.leave(self.tab)
        assert not self.traffic.faults, "\n".join(self.traffic.faults)

    def number(self, label: str) -> float:
        """The number that stands after these words; its text must be its value, rounded."""
        value, text = self.tab.evaluate(READ, label)
        return checked(value, text)

    def row(self, label: str) -> list[float]:
        """The numbers of the table's row that begins with these words."""
        return [checked(value, text) for value, text in self.tab.evaluate(ROW, label)]

    def number_of_slider(self, label: str) -> float:
        """What a slider's output shows."""
        slider = self.tab.get_by_role("slider", name=label, exact=True)
        return float(slider.locator("xpath=following-sibling::output").inner_text())

    def button(self, name: str) -> Any:
        return self.tab.get_by_role("button", name=name, exact=True)

    def handle(self, name: str) -> Any:
        return self.tab.get_by_role("slider", name=name, exact=True)

    def slide(self, label: str, key: str, times: int = 1) -> None:
        """Move a slider or a handle by keyboard."""
        self.tab.get_by_role("slider", name=label, exact=True).focus()
        for _ in range(times):
            self.tab.keyboard.press(key)

    def drag(self, name: str, dx: float, dy: float) -> None:
        """Drag a handle by so many pixels, with the mouse."""
        handle = self.handle(name)
        handle.scroll_into_view_if_needed()
        box = handle.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.tab.mouse.move(x, y)
        self.tab.mouse.down()
        self.tab.mouse.move(x + dx, y + dy, steps=5)
        self.tab.mouse.up()

    def says(self) -> str:
        return self.tab.locator(".widget .says").inner_text()

    def call(self, module: str, function: str, *arguments: Any) -> Any:
        """What a function of a module of the widgets returns."""
        return self.tab.evaluate(
            """async ([address, name, given]) => {
                const module = await import(address);
                return module[name](...given);
            }""",
            [f"{self.server}assets/widgets/{module}.js", function, list(arguments)],
        )

    def looks(self) -> list[str]:
        """Faults of contrast, names, width and size of text; light, dark and on a phone."""
        faults = []
        self.tab.set_viewport_size(DESKTOP)
        faults += measure(self.tab, "nameless") + measure(self.tab, "namelessDrawings")
        faults += measure(self.tab, "overflow")
        for scheme in ("default", "slate"):
            assert choose_scheme(self.tab, scheme)
            faults += [f"{scheme} {fault}" for fault in measure(self.tab, "contrast")]
            faults += [f"{scheme} {fault}" for fault in self.tab.evaluate(DRAWN)]
        choose_scheme(self.tab, "default")
        self.tab.set_viewport_size({"width": 390, "height": 844})
        faults += measure(self.tab, "overflow") + self.tab.evaluate(SMALL)
        self.tab.set_viewport_size(DESKTOP)
        return faults


def checked(value: str, text: str) -> float:
    """The number in full; what a person reads must be the same one, rounded."""
    shown = re.match(r"[−-]?([\d.]+(e[−-]?\d+)?|∞)", text)[0].replace("−", "-").replace("∞", "inf")
    number = float(value)
    if math.isinf(number):
        assert float(shown) == number, (text, value)
        return number
    mantissa, _, exponent = shown.partition("e")
    decimals = len(mantissa.partition(".")[2])
    last = 10.0 ** (int(exponent or 0) - decimals)  # the place of the last digit
    few = (
        10.0 ** (math.floor(math.log10(abs(number))) - 3) if number else 0.0
    )  # trailing zeros are cut
    assert abs(float(shown) - number) <= 0.501 * max(last, 0.0 if exponent else few), (text, value)
    return number


READ = """label => {
    const words = (e) => e.textContent.replace(/\\s+/g, " ").trim();
    for (const data of document.querySelectorAll(".widget .readout data")) {
        const before = [];
        for (let n = data.previousSibling; n && n.nodeName !== "DATA"; n = n.previousSibling) {
            before.unshift(words(n));
        }
        if (before.join(" ").trim() === label) return [data.value, data.textContent];
    }
    throw Error(`no number after “${label}”`);
}"""

ROW = """label => {
    for (const head of document.querySelectorAll(".widget tr > th:first-child")) {
        if (head.textContent.trim() !== label) continue;
        const cells = [...head.parentElement.querySelectorAll("data")];
        return cells.map((data) => [data.value, data.textContent]);
    }
    throw Error(`no row “${label}”`);
}"""

# Texts of drawings smaller than 10 px on the screen.
SMALL = """() => [...document.querySelectorAll(".widget svg text")].flatMap((text) => {
    const scale = text.getScreenCTM().a;
    const size = parseFloat(getComputedStyle(text).fontSize) * scale;
    const small = text.textContent.trim() && size < 10;
    return small ? [`${size.toFixed(1)} px: ${text.textContent}`] : [];
})"""

# Texts of drawings whose color is too near to the paper's, which `contrast` does not look at.
DRAWN = f"""() => {{
    const measures = {MEASURES};
    const faults = [];
    for (const text of document.querySelectorAll(".widget svg text")) {{
        if (!text.textContent.trim() || text.dataset.on) continue;
        const copy = document.createElement("span");
        copy.style.color = getComputedStyle(text).fill;
        copy.style.fontSize = "14px";
        copy.className = "copied";
        copy.textContent = text.textContent;
        document.querySelector(".widget-body").append(copy);
    }}
    faults.push(...measures.contrast().filter((fault) => fault.includes("copied")));
    for (const copy of document.querySelectorAll(".copied")) copy.remove();
    return faults;
}}"""


def opened_in(browser: Any, server: str, site: Path) -> Any:
    """A function that opens a widget in a tab of its own; no tab may have complained."""
    context, widgets = browser.new_context(viewport=DESKTOP), []

    def opened(name: str, **settings: Any) -> WidgetTab:
        widgets.append(WidgetTab(context.new_page(), server, site, name, **settings))
        return widgets[-1]

    yield opened
    try:
        for widget in widgets:
            widget.close()
    finally:
        context.close()
