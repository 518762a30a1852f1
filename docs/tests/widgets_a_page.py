"""A page of the site with one of the widgets graph, product and convolution."""

import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from sitetools import fences
from visits import DARK, DESKTOP, LIGHT, PHONE, Traffic, choose_scheme, measure, settle

ALT = "Words for readers who cannot see the widget."


def page_with(site: Path, name: str, settings: dict[str, Any]) -> str:
    """The first page of the site with a widget in place of its text."""
    figure = fences.widget(json.dumps(settings), "widget", "", {"name": name, "alt": ALT}, None)
    before, article, rest = (site / "index.html").read_text().partition("<article")
    attributes, _, rest = rest.partition(">")
    return (
        f"{before}{article}{attributes}><h1>A widget</h1>{figure}{rest[rest.index('</article>') :]}"
    )


@pytest.fixture
def opened_widget(browser: Any, server: str, site: Path) -> Iterator[Callable[..., Any]]:
    """A function that opens a widget in a tab; the tabs must be closed without a complaint."""
    context = browser.new_context(viewport=DESKTOP)
    watched = []

    def opened(name: str, *, timers: bool = True, **settings: Any) -> Any:
        tab = context.new_page()
        if not timers:
            tab.clock.install()
        traffic = Traffic(server).watch(tab)
        watched.append((tab, traffic))
        load(tab, server, page_with(site, name, settings))
        tab.wait_for_selector(".widget-ready")
        return tab

    yield opened
    for tab, traffic in watched:
        traffic.leave(tab)
        assert not traffic.faults, "\n".join(traffic.faults)
    context.close()


def load(tab: Any, server: str, html: str) -> None:
    address = server + "a-widget.html"
    tab.route(address, lambda route: route.fulfill(body=html, content_type="text/html"))
    tab.goto(address, wait_until="load")


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
    for scheme in (LIGHT, DARK):
        assert choose_scheme(tab, scheme)
        faults += [f"{scheme}: {fault}" for fault in measure(tab, "contrast")]
    choose_scheme(tab, LIGHT)
    tab.set_viewport_size(PHONE)
    tab.wait_for_timeout(100)
    faults += measure(tab, "overflow")
    faults += tab.evaluate(SMALL)
    tab.set_viewport_size(DESKTOP)
    return faults


SMALL = """() => [...document.querySelectorAll(".widget *")]
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || e.value)
    .filter((e) => e.checkVisibility() && parseFloat(getComputedStyle(e).fontSize) < 10)
    .map((e) => `${getComputedStyle(e).fontSize}: ${e.outerHTML.slice(0, 80)}`)"""


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
    *_, sum_, result = line.split("=")
    if re.fullmatch(r"\s*−?d?[^\W\d]+\u0302?[₀-₉]*[′″‴]?\s*", sum_):
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
