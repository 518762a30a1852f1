"""A tab that was used before is as good as a new one, and a page that complains is heard."""

from typing import Any

import pytest
from served import MADE
from tabs import Tabs, planted, quiet
from visits import DESKTOP, PHONE

HERE = "tabs.html"
EMPTY = "<!doctype html><title>t</title><link rel=icon href='data:,'><p>text</p>"
STATE = """() => [
    localStorage.length, sessionStorage.length, document.cookie,
    matchMedia("print").matches, matchMedia("(prefers-color-scheme: dark)").matches,
    innerWidth, document.querySelectorAll("p:hover").length]"""


@pytest.fixture(autouse=True)
def made() -> None:
    MADE[HERE] = EMPTY


def test_nothing_of_a_test_is_left_for_the_next(tabs: Tabs, server: str) -> None:
    with tabs.lent(DESKTOP) as tab:
        tab.goto(server + HERE)
        fresh = tab.evaluate(STATE)
    with tabs.lent(PHONE) as again:
        assert again is tab
        other = EMPTY.replace("text", "other")
        again.route("**/*", lambda route: route.fulfill(body=other, content_type="text/html"))
        again.goto(server + HERE)
        again.emulate_media(media="print", color_scheme="dark")
        again.mouse.move(20, 20)
        again.evaluate("localStorage.a = sessionStorage.b = document.cookie = 'c=d'")
        used = again.evaluate(STATE)
        assert all(new != old for new, old in zip(used, fresh, strict=True)), used
    with tabs.lent(DESKTOP) as again:
        assert again is tab
        again.goto(server + HERE)
        assert again.evaluate(STATE) == fresh
        assert again.inner_text("p") == "text"


def test_a_tab_in_use_is_not_lent_again_nor_one_of_a_test_that_broke(tabs: Tabs) -> None:
    with tabs.lent(DESKTOP) as one, tabs.lent(DESKTOP) as other:
        assert one is not other
    with pytest.raises(ZeroDivisionError), tabs.lent(DESKTOP) as broken:
        raise ZeroDivisionError
    assert broken.is_closed()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("console.log('a word')", "a word"),
        ("setTimeout(() => missing_name())", "missing_name"),
        ("fetch('http://127.0.0.1:9/').catch(() => 0)", "failed: http://127.0.0.1:9/"),
    ],
)
def test_what_a_page_complains_of_is_heard(script: str, said: str, tabs: Tabs, server: str) -> None:
    with tabs.lent(DESKTOP) as tab:
        tab.goto(server + HERE)
        with quiet(tab):
            tab.evaluate("1 + 1")
        with pytest.raises(AssertionError, match=said):
            provoke(tab, script)


def provoke(tab: Any, script: str) -> None:
    with quiet(tab):
        tab.evaluate(f"() => {{ {script}; return new Promise((done) => setTimeout(done, 300)); }}")


def test_a_mistake_is_planted_once_or_not_at_all(tabs: Tabs, server: str) -> None:
    with tabs.lent(DESKTOP) as tab:
        planted(tab, HERE, "<p>text", "<p>wrong")
        tab.goto(server + HERE)
        assert tab.inner_text("p") == "wrong"


def test_the_next_test_gets_the_script_without_the_mistake(tabs: Tabs, server: str) -> None:
    """A browser keeps the scripts that it was given."""
    right, wrong = "export function uniform", "export const mistakes = 1; export function uniform"
    for mistakes in (1, 0):
        with tabs.lent(DESKTOP) as tab:
            if mistakes:
                planted(tab, "random.js", right, wrong)
            tab.goto(server + HERE)
            script = f"import('{server}assets/widgets/random.js')"
            assert tab.evaluate(f"{script}.then((all) => all.mistakes ?? 0)") == mistakes
