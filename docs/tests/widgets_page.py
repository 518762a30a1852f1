"""A page of the site that holds one widget, and eyes and hands for it."""

import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from served import MADE
from sitetools import fences
from tabs import PATIENCE, Tabs, painted
from visits import DARK, DESKTOP, LIGHT, MEASURES, PHONE, Traffic, choose_scheme, measure, settle

ALT = "Words for readers who cannot see the widget."


def page_with(site: Path, name: str, settings: dict[str, Any]) -> str:
    """The first page of the site with a widget in place of its text."""
    body = json.dumps({"caption": "A caption with $x$.", **settings})
    figure = fences.widget(body, "widget", "", {"name": name, "alt": ALT}, None)
    return page_of(site, f"<h1>A widget</h1>{figure}")


def page_of(site: Path, html: str) -> str:
    """The first page with another text, and with the styles that all other pages have."""
    page = (site / "index.html").read_text()
    page = page.replace("</head>", '<link rel="stylesheet" href="assets/inner.css"></head>', 1)
    before, article, rest = page.partition("<article")
    attributes, _, rest = rest.partition(">")
    return f"{before}{article}{attributes}>{html}{rest[rest.index('</article>') :]}"


def load(tab: Any, server: str, html: str) -> None:
    """Open a page that the site does not have."""
    MADE["a-widget.html"] = html
    tab.goto(server + "a-widget.html", wait_until="load")


@contextmanager
def opener(
    tabs: Tabs, server: str, site: Path, viewport: dict[str, int] = DESKTOP, **kind: Any
) -> Iterator[Callable[..., "WidgetTab"]]:
    """Give a function that opens a widget in place of the one before, which may not complain.

    With `timers=False` the tab's clock stands until a test moves it.
    """
    now: list[WidgetTab] = []
    with ExitStack() as lent:

        def opened(name: str, *, timers: bool = True, **settings: Any) -> WidgetTab:
            if now:
                now.pop().close()
                lent.close()
            if timers:
                tab = lent.enter_context(tabs.lent(viewport, **kind))
            else:  # a clock that stands does so in all that the context opens
                tab = tabs.browser.new_context(viewport=viewport, **kind).new_page()
                lent.callback(tab.context.close)
                tab.clock.install()
            now.append(WidgetTab(tab, server, page_with(site, name, settings)))
            return now[-1]

        yield opened
        for tab in now:
            tab.close()


@pytest.fixture
def widget(tabs: Tabs, server: str, site: Path) -> Iterator[Callable[..., "WidgetTab"]]:
    """A function that opens a widget on a wide screen."""
    with opener(tabs, server, site) as opened:
        yield opened


@pytest.fixture
def opened_widget(widget: Callable[..., "WidgetTab"]) -> Callable[..., Any]:
    """A function that opens a widget and gives its tab."""
    return lambda name, **settings: widget(name, **settings).tab


class WidgetTab:
    """A tab with a widget that is ready, and no complaint until it is closed."""

    def __init__(self, tab: Any, server: str, html: str) -> None:
        self.tab, self.server = tab, server
        self.traffic = Traffic(server).watch(tab)
        load(tab, server, html)
        tab.wait_for_selector(".widget-ready", timeout=PATIENCE)

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
        return look_faults(self.tab)


def press(tab: Any, name: str, times: int = 1) -> None:
    """Press a button by keyboard."""
    button = tab.get_by_role("button", name=name, exact=True)
    for _ in range(times):
        button.focus()
        tab.keyboard.press("Enter")


def look_faults(tab: Any) -> list[str]:
    """Faults of names, contrast in both themes, width, and size of the text on a phone."""
    settle(tab)
    faults = measure(tab, "nameless") + measure(tab, "namelessDrawings") + measure(tab, "overflow")
    for scheme in (DARK, LIGHT):
        assert choose_scheme(tab, scheme)
        found = measure(tab, "contrast") + tab.evaluate(DRAWN)
        faults += [f"{scheme}: {fault}" for fault in found]
    tab.set_viewport_size(PHONE)
    painted(tab)
    faults += measure(tab, "overflow") + tab.evaluate(SMALL) + tab.evaluate(SMALL_IN_DRAWINGS)
    tab.set_viewport_size(DESKTOP)
    return faults


SMALL = """() => [...document.querySelectorAll(".widget *")]
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || e.value)
    .filter((e) => e.checkVisibility() && parseFloat(getComputedStyle(e).fontSize) < 10)
    .map((e) => `${getComputedStyle(e).fontSize}: ${e.outerHTML.slice(0, 80)}`)"""


# Texts of drawings smaller than 10 px on the screen.
SMALL_IN_DRAWINGS = """() => [...document.querySelectorAll(".widget svg text")].flatMap((text) => {
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


def checked(value: str, text: str) -> float:
    """The number in full; what a person reads must be the same one, rounded."""
    text = re.sub(r"^([−+]) ", r"\1", text)  # a term of a sum: "− 2"
    shown = re.match(r"[−+]?([\d.]+(e−?\d+)?|∞)", text)[0].replace("−", "-").replace("∞", "inf")
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


# The text of a node; indices and powers are Unicode's: "dW₂ = A₁ᵀ", "e^(−1.2)".
PLAIN = """(node) => {
    const copy = node.cloneNode(true);
    const low = ["0123456789ij", "₀₁₂₃₄₅₆₇₈₉ᵢⱼ"];
    const signs = { SUB: low, SUP: ["0123456789−⊤′", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᵀ′"] };
    for (const part of copy.querySelectorAll?.("sub, sup") ?? []) {
        const [from, to] = signs[part.tagName];
        const all = [...part.textContent];
        const known = all.every((sign) => from.includes(sign));
        const made = all.map((sign) => to[from.indexOf(sign)]).join("");
        part.replaceWith(known ? made : `^(${part.textContent})`);
    }
    return copy.textContent;
}"""


def texts(tab: Any, selector: str) -> list[str]:
    """What these elements say, with the indices and powers of formulas as Unicode's."""
    found = tab.evaluate(
        f"(selector) => [...document.querySelectorAll(selector)].map({PLAIN})", selector
    )
    return [text.replace("\xa0", " ") for text in found]


READ = f"""label => {{
    const plain = {PLAIN};
    const words = (e) => plain(e).replace(/\\s+/g, " ").trim();
    for (const data of document.querySelectorAll(".widget .readout data")) {{
        const before = [];
        for (let n = data.previousSibling; n && n.nodeName !== "DATA"; n = n.previousSibling) {{
            before.unshift(words(n));
        }}
        if (before.join(" ").trim() === label) return [data.value, data.textContent];
    }}
    throw Error(`no number after “${{label}}”`);
}}"""

ROW = """label => {
    for (const head of document.querySelectorAll(".widget tr > th:first-child")) {
        if (head.textContent.trim() !== label) continue;
        const cells = [...head.parentElement.querySelectorAll("data")];
        return cells.map((data) => [data.value, data.textContent]);
    }
    throw Error(`no row “${label}”`);
}"""


def number(text: str) -> float:
    return float(text.replace("−", "-").replace("∞", "inf"))


def agree(shown: str, value: float, right: Any) -> None:
    """The number is the right one, and what is read is this number with four digits."""
    right = float(right)
    np.testing.assert_allclose(value, right, rtol=1e-9, atol=1e-9)
    few = 2 if right and (abs(right) < 1e-3 or abs(right) >= 1e5) else 4
    place = 10.0 ** (math.floor(math.log10(abs(right))) + 1 - few) if right else 1e-9
    assert abs(number(shown) - right) <= 0.5001 * place, (shown, right)


def arithmetic(line: str) -> tuple[float, float] | None:
    """The sides of the last equals sign of "dx = du · w = 2 · 3 = 6"; none for "dx = dy = 2"."""
    *_, sum_, result = re.split("[=≈]", line)
    if re.fullmatch(r"\s*−?d?[^\W\d]+\u0302?[₀-₉]*( via [^=+]*)?\s*", sum_):
        return None
    python = sum_.replace("−", "-").replace("·", "*").replace("²", "**2").replace("(-0)", "0")
    python = re.sub(r"√([\d.]+)", r"(\1)**0.5", python.replace("√(", "sqrt("))
    python = re.sub(r"-([\d.e]+)\*\*2", r"(-\1)**2", python)
    known = {"sqrt": np.sqrt, "exp": np.exp, "ln": np.log, "tanh": np.tanh, "max": max}
    known |= {"σ": lambda z: 1 / (1 + np.exp(-z)), "ReLU": lambda z: max(z, 0)}
    known["mean"] = lambda *xs: sum(xs) / len(xs)
    return float(eval(python, {"__builtins__": {}}, known)), number(result)


def in_float64() -> Any:
    """A context in which JAX computes with float64."""
    return jax.enable_x64(True)
