"""A file of a playground page does not come: the page says which one, and what a reader can do."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tabs import PATIENCE, Tabs
from visits import DARK, LIGHT, PHONE, choose_scheme, measure

DIGITS, TRAIN, LANGUAGE = "playground/", "playground/train/", "playground/language/"
# A script, one that it imports, and data.
FILES = [
    (DIGITS, "playground/main.js"),
    (DIGITS, "playground/layers.js"),
    (DIGITS, "playground/manifest.json"),
    (DIGITS, "playground/digits.bin"),
    (DIGITS, "playground/unsure.bin"),
    (DIGITS, "playground/784-128-10.bin"),
    (TRAIN, "train/main.js"),
    (TRAIN, "train/presets.js"),
    (TRAIN, "train/worker.js"),
    (TRAIN, "train/mlp.js"),
    (LANGUAGE, "language/main.js"),
    (LANGUAGE, "language/rotary.js"),
    (LANGUAGE, "language/manifest.json"),
    (LANGUAGE, "language/moby-dick.bin"),
]
HIDDEN = ".pg-screen, #lm-controls, .lm-text-box, .tr-bar, .tr-screen"


@pytest.fixture
def tab(tabs: Tabs) -> Iterator[Any]:
    with tabs.lent(PHONE) as tab:
        yield tab


@contextmanager
def without(tab: Any, file: str) -> Iterator[Callable[[str | None], None]]:
    """No answer for a file, or one of 404, as the given function is told; None lets it come.

    Other files are neither touched nor slower, as they would be with `tab.route`.
    """
    client, now = tab.context.new_cdp_session(tab), ["abort"]

    def answer(paused: dict[str, Any]) -> None:
        asked = {"requestId": paused["requestId"]}
        if now[0] == "abort":
            client.send("Fetch.failRequest", asked | {"errorReason": "Failed"})
        elif now[0] == "404":
            body = base64.b64encode(b"gone").decode()
            client.send("Fetch.fulfillRequest", asked | {"responseCode": 404, "body": body})
        else:
            client.send("Fetch.continueRequest", asked)

    def change(how: str | None) -> None:
        now[0] = how

    client.on("Fetch.requestPaused", answer)
    client.send("Network.enable")
    client.send("Network.setCacheDisabled", {"cacheDisabled": True})
    client.send("Fetch.enable", {"patterns": [{"urlPattern": f"*/assets/{file}"}]})
    try:
        yield change
    finally:
        client.send("Fetch.disable")
        client.send("Network.setCacheDisabled", {"cacheDisabled": False})
        client.detach()


def message(tab: Any) -> str:
    tab.wait_for_selector(".failed:visible", timeout=PATIENCE)
    tab.wait_for_selector(".is-failed")
    return tab.inner_text(".failed")


@pytest.mark.parametrize(("where", "file"), FILES)
def test_what_does_not_come_is_named(where: str, file: str, tab: Any, server: str) -> None:
    """First it is cut off, then there is none; the button of the message loads the page anew."""
    with without(tab, file) as let:
        tab.goto(server + where)
        named(tab, file, "abort")
        let("404")
        again(tab)
        named(tab, file, "404")
        let(None)
        again(tab)
        tab.wait_for_selector(".pg-ready, .widget-ready", timeout=PATIENCE)
        assert not tab.is_visible(".failed")


def again(tab: Any) -> None:
    """Press the button, and wait for the page that it loads."""
    with tab.expect_navigation(wait_until="commit"):
        tab.click(".failed button")


def named(tab: Any, file: str, how: str) -> None:
    said = message(tab)
    assert f"could not be loaded. The file {file.split('/')[-1]}" in said, how
    assert "could not be downloaded" in said, how
    assert "reload the page" in said, how
    assert tab.get_attribute(".failed", "role") == "alert", how
    assert not any(part.is_visible() for part in tab.locator(HIDDEN).all()), how


def test_the_message_is_there_even_without_the_script_that_completes_it(
    tab: Any, server: str
) -> None:
    tab.route("**/assets/playground/failed.js", lambda route: route.abort())
    for where in (DIGITS, TRAIN, LANGUAGE):
        tab.goto(server + where)
        tab.wait_for_selector(".failed:visible")
        assert "One of its scripts could not be downloaded." in tab.inner_text(".failed")


@pytest.mark.parametrize("where", [DIGITS, TRAIN, LANGUAGE])
def test_the_message_is_legible_and_fits(where: str, tab: Any, server: str) -> None:
    tab.route("**/main.js", lambda route: route.abort())
    tab.goto(server + where)
    message(tab)
    for scheme in (LIGHT, DARK):
        assert choose_scheme(tab, scheme)
        assert measure(tab, "contrast") + measure(tab, "overflow") + measure(tab, "nameless") == []


def says(tab: Any, selector: str, text: str) -> None:
    tab.wait_for_function(
        "([selector, text]) => document.querySelector(selector).textContent.includes(text)",
        arg=[selector, text],
        timeout=PATIENCE,
    )


def test_the_first_digits_network_stays_if_another_does_not_come(tab: Any, server: str) -> None:
    tab.route("**/784-16-16-10.bin", lambda route: route.abort())
    tab.goto(server + DIGITS)
    tab.wait_for_selector(".pg-ready", timeout=PATIENCE)
    tab.select_option("#pg-network", "784-16-16-10")
    says(
        tab,
        "#pg-says",
        "784-16-16-10.bin could not be downloaded, so the page still shows 784-128-10",
    )
    assert tab.input_value("#pg-network") == "784-128-10"
    tab.click("#pg-load")
    says(tab, "#pg-says", "The network reads")
    tab.unroute("**/784-16-16-10.bin")
    tab.select_option("#pg-network", "784-16-16-10")
    says(tab, "#pg-network-says", "13,002 parameters")


def test_the_book_stays_if_the_names_do_not_come(tab: Any, server: str) -> None:
    tab.route("**/names.bin", lambda route: route.abort())
    tab.goto(server + LANGUAGE)
    tab.wait_for_selector(".widget-ready", timeout=PATIENCE)
    tab.select_option("#lm-controls select", "First names")
    says(tab, "#lm-said", "names.bin could not be downloaded, so the page still shows Moby Dick")
    assert tab.input_value("#lm-controls select") == "Moby Dick"
    tab.unroute("**/names.bin")
    tab.select_option("#lm-controls select", "First names")
    says(tab, ".lm-text", "gabriella")


def test_the_points_stay_if_the_digits_do_not_come(tab: Any, server: str) -> None:
    tab.route("**/train/digits.bin", lambda route: route.abort())
    tab.goto(server + TRAIN)
    tab.wait_for_selector(".widget-ready", timeout=PATIENCE)
    tab.select_option(".tr-ideas select", "The spiral")
    says(tab, ".tr-now", "spiral")
    tab.select_option(".tr-ideas select", "Digits")
    says(
        tab,
        "#train > .says",
        "digits.bin could not be downloaded, so the page still shows the points",
    )
    assert tab.input_value(".tr-ideas select") == "The spiral"
    tab.click("#train button:text-is('Start')")
    tab.wait_for_function(
        "Number(document.querySelector('.tr-numbers b').textContent) > 5", timeout=PATIENCE
    )
    tab.unroute("**/train/digits.bin")
    tab.select_option(".tr-ideas select", "Digits")
    tab.wait_for_selector("#train.tr-digits-on", timeout=PATIENCE)
