"""One page, opened in Chromium: what it asked for, what it said, and what can be measured on it."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from html_page import address_of
from tabs import PATIENCE, painted

MEASURES = (Path(__file__).parent / "measures.js").read_text()
LIGHT, DARK = "default", "slate"  # the theme's names of its color schemes
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
STILL = "*, *::before, *::after { transition: none !important; animation: none !important; }"


@dataclass
class Traffic:
    """What a page asks for and says while it is open."""

    base: str
    faults: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    pending: int = 0
    received: int = 0  # bytes, as they are without compression

    def __post_init__(self) -> None:
        self.listeners = {
            "console": self.on_console,
            "pageerror": lambda error: self.faults.append(f"error: {error}"),
            "request": self.on_request,
            "requestfailed": self.on_failure,
            "requestfinished": self.on_finish,
        }

    def on_console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console {message.type}: {message.text}")

    def on_request(self, request: Any) -> None:
        self.pending += 1
        self.addresses.append(request.url)
        if not request.url.startswith((self.base, "data:", "blob:" + self.base[:17])):
            self.faults.append(f"asks for what is not of this site: {request.url}")

    def on_failure(self, request: Any) -> None:
        self.pending -= 1
        self.faults.append(f"failed: {request.url}: {request.failure}")

    def on_finish(self, request: Any) -> None:
        self.pending -= 1
        response = request.response()
        # 304: as before, when it was 200.
        if response and not (response.ok or response.status == 304):
            self.faults.append(f"{response.status}: {request.url}")

    def watch(self, tab: Any) -> "Traffic":
        """Listen to a tab, from now on."""
        for event, listener in self.listeners.items():
            tab.on(event, listener)
        return self

    def leave(self, tab: Any) -> None:
        """Wait until everything asked for has come, and stop listening."""
        until = time.monotonic() + PATIENCE / 1000
        while self.pending > 0 and time.monotonic() < until:
            tab.wait_for_timeout(20)
        for event, listener in self.listeners.items():
            tab.remove_listener(event, listener)


@dataclass
class Visit:
    """What was found on one page; every list is of faults, and empty on a good page."""

    page: str
    console_and_requests: list[str] = field(default_factory=list)
    math: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    overflow: dict[str, list[str]] = field(default_factory=dict)
    letters: list[str] = field(default_factory=list)
    contrast: dict[str, list[str]] = field(default_factory=dict)
    headings: list[str] = field(default_factory=list)


def measure(tab: Any, name: str) -> list[str]:
    """A function of measures.js, on the page in the tab."""
    return tab.evaluate(f"({MEASURES}).{name}()")


# At once, since each alone would have the styles of the whole page computed anew.
UNFOLDED = """(css) => {
    document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
    for (const e of document.querySelectorAll("details")) e.open = true;
    return document.fonts.ready.then(() => null);
}"""


def settle(tab: Any, formulas: int = 10_000) -> None:
    """Wait for formulas, fonts and the playground, unfold what is folded, and stop all motion.

    Formulas that are not there after so many milliseconds are what `unrenderedMath` reports.
    """
    waiting = ".pg:not(.pg-ready), .widget:not(.widget-ready)"
    tab.wait_for_function(f"!document.querySelector('{waiting}')", timeout=PATIENCE)
    rendered = "[...document.querySelectorAll('.arithmatex')].every(e => e.querySelector('.katex'))"
    until = time.monotonic() + formulas / 1000
    while not tab.evaluate(rendered) and time.monotonic() < until:
        tab.wait_for_timeout(20)
    tab.evaluate(UNFOLDED, STILL)


def choose_scheme(tab: Any, scheme: str) -> bool:
    """Light or dark as the reader's own switch does it; False where the page has no switch."""
    return tab.evaluate(
        """scheme => {
            const choice = document.querySelector(`input[data-md-color-scheme="${scheme}"]`);
            if (!choice) return false;
            if (document.body.getAttribute("data-md-color-scheme") !== scheme) choice.click();
            return document.body.getAttribute("data-md-color-scheme") === scheme;
        }""",
        scheme,
    )


def visit(
    tab: Any, server: str, page: str, screenshots: Path | None = None, formulas: int = 10_000
) -> Visit:
    """Open the page and measure it: light and dark, on a desktop and on a phone.

    A change of the scheme or the width has the styles of the whole page computed anew, which is
    most of the work: the page is measured first as it came, and is left as it was last measured.
    """
    found = Visit(page)
    tab.goto("about:blank")
    traffic = Traffic(server).watch(tab)
    tab.set_viewport_size(DESKTOP)
    tab.goto(server + address_of(page), wait_until="load")
    settle(tab, formulas)
    found.math = measure(tab, "unrenderedMath")
    found.names = measure(tab, "nameless") + measure(tab, "namelessDrawings")
    found.headings = tab.evaluate(
        "() => [...document.querySelectorAll('h1')].map(e => e.textContent.trim())"
    )
    found.overflow["1280"] = measure(tab, "overflow") + measure(tab, "wideFormulas")
    dark = tab.evaluate("document.body.getAttribute('data-md-color-scheme')") == DARK
    for scheme in (DARK, LIGHT) if dark else (LIGHT, DARK):
        if not choose_scheme(tab, scheme):
            found.contrast[scheme] = [f"there is no switch to the scheme {scheme!r}"]
            continue
        found.contrast[scheme] = measure(tab, "contrast")
        picture(tab, screenshots, page, "dark" if scheme == DARK else "light")
    if screenshots is not None:
        choose_scheme(tab, LIGHT)
    tab.set_viewport_size(PHONE)
    painted(tab)  # what a page does in answer to its new width comes a frame later
    found.overflow["390"] = measure(tab, "overflow")
    found.letters = measure(tab, "smallLetters")
    picture(tab, screenshots, page, "phone")
    traffic.leave(tab)
    found.console_and_requests = traffic.faults
    return found


def picture(tab: Any, folder: Path | None, page: str, kind: str) -> None:
    """The whole page as DIR/course-dense-dark.png."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        name = address_of(page).strip("/").replace("/", "-").removesuffix(".html") or "index"
        tab.screenshot(path=folder / f"{name}-{kind}.png", full_page=True)
